/* writer.c -- elements to bytes, canonically: what leaves this server was made here. */
#include "xml/writer.h"

#define GUESS ((size_t)1024)

/* Bytes that cannot stand as they are: in an attribute value, or in text as well. */
enum { PLAIN, IN_VALUE, IN_TEXT };

static const unsigned char special[256] = {
	['&'] = IN_TEXT,   ['<'] = IN_TEXT,  ['>'] = IN_TEXT,   ['\r'] = IN_TEXT,
	['\''] = IN_VALUE, ['"'] = IN_VALUE, ['\t'] = IN_VALUE, ['\n'] = IN_VALUE,
};

struct output {
	char *next;
	char *end;
	size_t needed; /* bytes put, also those that had no room */
	enum xml_namespace content;
	bool has_hole;
	size_t hole;
};

static inline void
put(struct output *out, const char *data, size_t length)
{
	size_t room = (size_t)(out->end - out->next);

	out->needed += length;
	if (__builtin_expect(length > room, 0))
		length = room;
	if (length == 0)
		return;
	memcpy(out->next, data, length);
	out->next += length;
}

static inline void
put_slice(struct output *out, struct slice text)
{
	put(out, text.data, text.length);
}

#define put_literal(out, literal) put((out), (literal), sizeof(literal) - 1)

static struct slice
reference_of(char c)
{
	switch (c) {
	case '&':
		return SLICE("&amp;");
	case '<':
		return SLICE("&lt;");
	case '>':
		return SLICE("&gt;");
	case '\'':
		return SLICE("&apos;");
	case '"':
		return SLICE("&quot;");
	case '\t': /* a parser would make a space of these */
		return SLICE("&#9;");
	case '\n':
		return SLICE("&#10;");
	default:
		return SLICE("&#13;");
	}
}

/* How many bytes from the front can stand as they are. Most texts are plain all through: eight at a time. */
static inline size_t
plain_length(struct slice text, unsigned char least)
{
	const unsigned char *data = (const unsigned char *)text.data;
	size_t at = 0;

	for (; at + 8 <= text.length; at += 8)
		if ((special[data[at]] | special[data[at + 1]] | special[data[at + 2]] |
		     special[data[at + 3]] | special[data[at + 4]] | special[data[at + 5]] |
		     special[data[at + 6]] | special[data[at + 7]]) >= least)
			break;
	while (at < text.length && special[data[at]] < least)
		at++;
	return at;
}

static inline void
put_escaped(struct output *out, struct slice text, unsigned char least)
{
	size_t plain;

	while ((plain = plain_length(text, least)) < text.length) {
		put(out, text.data, plain);
		put_slice(out, reference_of(text.data[plain]));
		text = slice_after(text, plain + 1);
	}
	put_slice(out, text);
}

static bool
same_namespace(enum xml_namespace a, struct slice a_uri, enum xml_namespace b,
	       struct slice b_uri)
{
	return a == b && (a != NS_OTHER || slice_equal(a_uri, b_uri));
}

/* The stream header declares "stream:", XML itself "xml:"; neither changes the default.
 */
static bool
has_prefix(enum xml_namespace ns)
{
	return ns == NS_STREAMS || ns == NS_XML;
}

static void
put_prefix(struct output *out, enum xml_namespace ns)
{
	if (ns == NS_STREAMS)
		put_literal(out, "stream:");
	else if (ns == NS_XML)
		put_literal(out, "xml:");
}

static void
put_uri(struct output *out, enum xml_namespace ns, struct slice uri)
{
	put_escaped(out, ns == NS_OTHER ? uri : names_uri(ns), IN_VALUE);
}

/* Two attributes of one namespace share a prefix: the place of the first of them. */
static size_t
prefix_number(const struct element *element, const struct attribute *attribute)
{
	const struct attribute *first = element->attributes;
	size_t number = 0;

	for (;
	     !same_namespace(first->ns, first->ns_uri, attribute->ns, attribute->ns_uri);
	     first = first->next)
		number++;
	return number;
}

static bool
is_first_of_namespace(const struct element *element, const struct attribute *attribute)
{
	const struct attribute *first = element->attributes;

	while (
	    !same_namespace(first->ns, first->ns_uri, attribute->ns, attribute->ns_uri))
		first = first->next;
	return first == attribute;
}

static void
put_number(struct output *out, size_t number)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(out, digits + at, sizeof(digits) - at);
}

/* " xmlns:a3='uri' a3:" */
static void
put_foreign_prefix(struct output *out, const struct element *element,
		   const struct attribute *attribute)
{
	size_t number = prefix_number(element, attribute);

	if (is_first_of_namespace(element, attribute)) {
		put_literal(out, "xmlns:a");
		put_number(out, number);
		put_literal(out, "='");
		put_uri(out, attribute->ns, attribute->ns_uri);
		put_literal(out, "' ");
	}
	put_literal(out, "a");
	put_number(out, number);
	put_literal(out, ":");
}

static void
put_attribute(struct output *out, const struct element *element,
	      const struct attribute *attribute)
{
	put_literal(out, " ");
	if (has_prefix(attribute->ns))
		put_prefix(out, attribute->ns);
	else if (attribute->ns != NS_NONE)
		put_foreign_prefix(out, element, attribute);
	put_slice(out, attribute->name);
	put_literal(out, "='");
	if (out->has_hole && attribute->ns == NS_NONE && slice_is(attribute->name, "to"))
		out->hole = out->needed;
	else
		put_escaped(out, attribute->value, IN_VALUE);
	put_literal(out, "'");
}

/* scope is the nearest element around that has no prefix, or NULL for the stream. */
static bool
is_default(const struct output *out, const struct element *element,
	   const struct element *scope)
{
	if (scope == NULL)
		return element->ns == out->content;
	return same_namespace(element->ns, element->ns_uri, scope->ns, scope->ns_uri);
}

/* The start tag, all but its end. */
static void
put_start(struct output *out, const struct element *element, const struct element *scope)
{
	const struct attribute *attribute;

	put_literal(out, "<");
	put_prefix(out, element->ns);
	put_slice(out, element->name);
	if (!has_prefix(element->ns) && !is_default(out, element, scope)) {
		put_literal(out, " xmlns='");
		put_uri(out, element->ns, element->ns_uri);
		put_literal(out, "'");
	}
	for (attribute = element->attributes; attribute != NULL;
	     attribute = attribute->next)
		put_attribute(out, element, attribute);
}

static void
put_end(struct output *out, const struct element *element)
{
	if (element->first == NULL) {
		put_literal(out, "/>");
		return;
	}
	put_literal(out, "</");
	put_prefix(out, element->ns);
	put_slice(out, element->name);
	put_literal(out, ">");
}

/* The nearest of element and those around it, up to top, that sets the default namespace.
 */
static const struct element *
scope_of(const struct element *element, const struct element *top)
{
	while (has_prefix(element->ns)) {
		if (element == top)
			return NULL;
		element = element->parent;
	}
	return element;
}

/* A loop, not a recursion: how deep a tree is may have been the choice of a peer. */
static void
put_children(struct output *out, const struct element *top)
{
	const struct element *at = top, *scope = scope_of(top, top);
	const struct node *node = top->first;

	for (;;) {
		if (node == NULL) {
			put_end(out, at);
			if (at == top)
				return;
			node = at->place.next;
			at = at->parent;
			scope = scope_of(at, top);
		} else if (node->element == NULL) {
			put_escaped(out, node->text, IN_TEXT);
			node = node->next;
		} else {
			at = node->element;
			put_start(out, at, scope);
			if (at->first != NULL)
				put_literal(out, ">");
			if (!has_prefix(at->ns))
				scope = at;
			node = at->first;
		}
	}
}

static void
put_element(struct output *out, const struct element *element)
{
	put_start(out, element, NULL);
	if (out->has_hole && element_attribute(element, "to").data == NULL) {
		put_literal(out, " to='");
		out->hole = out->needed;
		put_literal(out, "'");
	}
	if (element->first != NULL)
		put_literal(out, ">");
	out->has_hole = false;
	put_children(out, element);
}

static struct output
output_to(char *memory, size_t size, enum xml_namespace content)
{
	char *end = size == 0 ? memory : memory + size;

	return (struct output){ memory, end, 0, content, false, 0 };
}

size_t
writer_write(const struct element *element, enum xml_namespace content, char *memory,
	     size_t size)
{
	struct output out = output_to(memory, size, content);

	put_element(&out, element);
	return out.needed;
}

void
writer_append(const struct element *element, enum xml_namespace content,
	      struct buffer *buffer)
{
	size_t room = buffer->capacity - buffer->end, needed;
	char *memory;

	if (room < GUESS)
		room = GUESS;
	memory = buffer_reserve(buffer, room);
	needed = writer_write(element, content, memory, room);
	if (needed > room) {
		memory = buffer_reserve(buffer, needed);
		writer_write(element, content, memory, needed);
	}
	buffer_add(buffer, needed);
}

size_t
writer_write_hole(const struct element *element, enum xml_namespace content, char *memory,
		  size_t size, size_t *hole)
{
	struct output out = output_to(memory, size, content);

	out.has_hole = true;
	put_element(&out, element);
	*hole = out.hole;
	return out.needed;
}

void
writer_escape(struct slice text, struct buffer *buffer)
{
	size_t from = 0, at;

	for (at = 0; at < text.length; at++) {
		if (special[(unsigned char)text.data[at]] == PLAIN)
			continue;
		buffer_append(buffer, slice_of(text.data + from, at - from));
		buffer_append(buffer, reference_of(text.data[at]));
		from = at + 1;
	}
	buffer_append(buffer, slice_of(text.data + from, at - from));
}
