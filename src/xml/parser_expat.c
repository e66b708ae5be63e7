/* parser_expat.c -- the door to expat: whole tokens go in, a tree comes out. */
#include "xml/parser_expat.h"

#include <expat.h>
#include <string.h>
#include <strings.h>

#define PIECE        ((size_t)16384) /* given to expat at once: bounds its buffer */
#define REFUSE_RATIO 4               /* of limits->memory, which is where we swap */

/*
 * Expat 2.6, and Debian's 2.5, hold back complete stanzas until more bytes come, unless
 * told otherwise. The function is asked for, not the version: distributions carry it
 * back.
 */
extern XML_Bool set_reparse_deferral(XML_Parser,
				     XML_Bool) __asm__("XML_SetReparseDeferralEnabled")
    __attribute__((weak));

/* Expat's allocation hooks are not told for whom they work: for this one. */
static struct parser_expat *current;

static void *
count_resize(void *memory, size_t size)
{
	return expat_memory_resize(&current->memory, memory, size,
				    current->limits->memory * REFUSE_RATIO);
}

static void *
count_alloc(size_t size)
{
	return count_resize(NULL, size);
}

static void
count_free(void *memory)
{
	expat_memory_free(&current->memory, memory);
}

/* The only call into expat that a handler makes. */
static void
stop_at(struct parser_expat *expat, enum parser_error error)
{
	if (error == PARSER_OK || expat->error != PARSER_OK)
		return;
	expat->error = error;
	XML_StopParser(expat->handle, XML_FALSE);
}

static void XMLCALL
on_start(void *context, const char *name, const char **attributes)
{
	struct parser_expat *expat = context;

	if (expat->error == PARSER_OK)
		stop_at(expat, tree_open(expat->tree, name, attributes));
}

static void XMLCALL
on_finish(void *context, const char *name)
{
	struct parser_expat *expat = context;

	if (expat->error == PARSER_OK)
		tree_close(expat->tree);
}

static void XMLCALL
on_text(void *context, const char *text, int length)
{
	struct parser_expat *expat = context;

	if (expat->error == PARSER_OK)
		stop_at(expat, tree_text(expat->tree, slice_of(text, (size_t)length)));
}

static void XMLCALL
on_namespace(void *context, const char *prefix, const char *uri)
{
	struct parser_expat *expat = context;

	if (prefix == NULL && uri != NULL && expat->tree->depth == 0)
		expat->tree->content = names_find(slice_from_text(uri));
	if (expat->error == PARSER_OK)
		stop_at(expat, tree_declare(expat->tree, uri));
}

static void XMLCALL
on_declaration(void *context, const char *version, const char *encoding, int standalone)
{
	if (version == NULL || strcmp(version, "1.0") != 0)
		stop_at(context, PARSER_NOT_WELL_FORMED);
	else if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0)
		stop_at(context, PARSER_ENCODING);
}

/* The scanner refuses these three before expat sees them; should it ever err, this
 * stands. */
static void XMLCALL
on_doctype(void *context, const char *name, const char *system_id, const char *public_id,
	   int has_internal_subset)
{
	stop_at(context, PARSER_RESTRICTED);
}

static void XMLCALL
on_instruction(void *context, const char *target, const char *data)
{
	stop_at(context, PARSER_RESTRICTED);
}

static void XMLCALL
on_comment(void *context, const char *data)
{
	stop_at(context, PARSER_RESTRICTED);
}

static enum parser_error
error_of(XML_Parser handle)
{
	switch (XML_GetErrorCode(handle)) {
	case XML_ERROR_NO_MEMORY:
		return PARSER_MEMORY;
	case XML_ERROR_UNDEFINED_ENTITY:
	case XML_ERROR_RECURSIVE_ENTITY_REF:
	case XML_ERROR_BINARY_ENTITY_REF:
	case XML_ERROR_ATTRIBUTE_EXTERNAL_ENTITY_REF:
	case XML_ERROR_AMPLIFICATION_LIMIT_BREACH:
		return PARSER_RESTRICTED;
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		return PARSER_ENCODING;
	case XML_ERROR_UNBOUND_PREFIX:
	case XML_ERROR_UNDECLARING_PREFIX:
	case XML_ERROR_RESERVED_PREFIX_XML:
	case XML_ERROR_RESERVED_PREFIX_XMLNS:
	case XML_ERROR_RESERVED_NAMESPACE_URI:
		return PARSER_NAMESPACE;
	default:
		return PARSER_NOT_WELL_FORMED;
	}
}

static void
parse(struct parser_expat *expat, struct slice bytes)
{
	enum XML_Status status;
	size_t count;

	for (; bytes.length > 0 && expat->error == PARSER_OK;
	     bytes = slice_after(bytes, count)) {
		count = bytes.length < PIECE ? bytes.length : PIECE;
		expat->fed += count;
		status = XML_Parse(expat->handle, bytes.data, (int)count, 0);
		if (status != XML_STATUS_OK && expat->error == PARSER_OK)
			expat->error = error_of(expat->handle);
	}
}

static void
set_handlers(struct parser_expat *expat)
{
	XML_Parser handle = expat->handle;

	XML_SetUserData(handle, expat);
	XML_SetElementHandler(handle, on_start, on_finish);
	XML_SetCharacterDataHandler(handle, on_text);
	XML_SetStartNamespaceDeclHandler(handle, on_namespace);
	XML_SetXmlDeclHandler(handle, on_declaration);
	XML_SetStartDoctypeDeclHandler(handle, on_doctype);
	XML_SetProcessingInstructionHandler(handle, on_instruction);
	XML_SetCommentHandler(handle, on_comment);
}

/* A header is one that the tree has seen already, so nobody listens to it. */
static void
start(struct parser_expat *expat, struct slice header)
{
	static const XML_Memory_Handling_Suite counting = { count_alloc, count_resize,
							    count_free };
	static const char separator[] = { TREE_SEPARATOR, '\0' };

	expat->handle = XML_ParserCreate_MM("UTF-8", &counting, separator);
	if (expat->handle == NULL) {
		expat->error = PARSER_MEMORY;
		return;
	}
	if (set_reparse_deferral != NULL)
		set_reparse_deferral(expat->handle, XML_FALSE);
	parse(expat, header);
	set_handlers(expat);
}

void
parser_expat_feed(struct parser_expat *expat, struct slice header, struct slice bytes)
{
	if (bytes.length == 0)
		return;
	current = expat;
	if (expat->handle == NULL)
		start(expat, header);
	parse(expat, bytes);
}

void
parser_expat_free(struct parser_expat *expat)
{
	current = expat;
	if (expat->handle != NULL)
		XML_ParserFree(expat->handle);
	expat->handle = NULL;
	expat_memory_clear(&expat->memory);
}
