/* tree.c -- the stanza that is being built, piece by piece, within its limits. */
#include "xml/tree.h"

#define BYTES_RATIO   3
#define ELEMENT_BYTES (sizeof(struct element) + sizeof(struct attribute))
#define TEXT_LEAST    ((size_t)64)

/* A name as expat tells it, taken apart. */
struct name {
	struct slice local;
	struct slice uri;
	enum xml_namespace ns;
};

/* What an arena makes of a size. Counted, not asked: the same at any cut of the input. */
static void
count(struct tree *tree, size_t size)
{
	tree->bytes += (size + 15) & ~(size_t)15;
}

static bool
is_full(const struct tree *tree)
{
	const struct parser_limits *limits = tree->limits;

	return tree->bytes >
	       limits->stanza_bytes * BYTES_RATIO + limits->elements * ELEMENT_BYTES;
}

/* Most elements are in the namespace of their parent. */
static bool
starts_with_uri(const char *text, struct slice uri)
{
	return uri.length > 0 && strncmp(text, uri.data, uri.length) == 0 &&
	       text[uri.length] == TREE_SEPARATOR;
}

/* A namespace that is not in the list; children and neighbours share the text. */
static struct slice
keep_uri(struct tree *tree, struct slice uri)
{
	if (!slice_equal(tree->uri, uri)) {
		tree->uri = arena_copy(tree->arena, uri);
		count(tree, uri.length);
	}
	return tree->uri;
}

static struct name
split(struct tree *tree, const char *text, const struct element *parent)
{
	struct name name = { .ns = NS_NONE, .uri = SLICE_EMPTY };
	const char *end;

	if (parent != NULL && starts_with_uri(text, parent->ns_uri)) {
		name.ns = parent->ns;
		name.uri = parent->ns_uri;
		name.local = slice_from_text(text + name.uri.length + 1);
		return name;
	}
	/* Most are attributes, a few bytes long: a plain loop is quicker than strchr().
	 */
	for (end = text; *end != '\0' && *end != TREE_SEPARATOR; end++)
		continue;
	name.local = slice_of(text, (size_t)(end - text));
	if (*end == '\0')
		return name;
	name.uri = name.local;
	name.local = slice_from_text(end + 1);
	name.ns = names_find(name.uri);
	name.uri = name.ns == NS_OTHER ? keep_uri(tree, name.uri) : names_uri(name.ns);
	return name;
}

/* The bytes at to, with a NUL behind them. */
static struct slice
place_text(char *to, struct slice text)
{
	memcpy(to, text.data, text.length);
	to[text.length] = '\0';
	return slice_of(to, text.length);
}

static struct element *
make_element(struct tree *tree, const struct name *name)
{
	size_t size = sizeof(struct element) + name->local.length + 1;
	struct element *element = arena_alloc(tree->arena, size);

	*element = (struct element){
		.name = place_text((char *)(element + 1), name->local),
		.ns = name->ns,
		.ns_uri = name->uri,
		.place.element = element,
	};
	count(tree, size);
	return element;
}

static struct attribute *
make_attribute(struct tree *tree, const struct name *name, struct slice value)
{
	size_t size = sizeof(struct attribute) + name->local.length + value.length + 2;
	struct attribute *attribute = arena_alloc(tree->arena, size);
	char *text = (char *)(attribute + 1);

	attribute->name = place_text(text, name->local);
	attribute->value = place_text(text + name->local.length + 1, value);
	attribute->ns = name->ns;
	attribute->ns_uri = name->uri;
	attribute->next = NULL;
	count(tree, size);
	return attribute;
}

static enum parser_error
add_attributes(struct tree *tree, struct element *element, const char **pairs)
{
	struct attribute **link = &element->attributes;
	struct name name;
	struct slice value;

	for (unsigned count = 0; pairs[0] != NULL; pairs += 2) {
		if (++count > tree->limits->attributes)
			return PARSER_ATTRIBUTES;
		name = split(tree, pairs[0], NULL);
		value = slice_from_text(pairs[1]);
		if (name.local.length > tree->limits->name_bytes)
			return PARSER_NAME;
		if (value.length > tree->limits->value_bytes)
			return PARSER_VALUE;
		*link = make_attribute(tree, &name, value);
		link = &(*link)->next;
	}
	return PARSER_OK;
}

static void
link_child(struct element *parent, struct node *node)
{
	if (parent->last == NULL)
		parent->first = node;
	else
		parent->last->next = node;
	parent->last = node;
}

enum parser_error
tree_open(struct tree *tree, const char *text, const char **attributes)
{
	struct element *parent = tree->current, *element;
	struct name name;
	enum parser_error error;

	if (tree->depth > tree->limits->depth)
		return PARSER_TOO_DEEP;
	if (tree->depth > 0 && ++tree->elements > tree->limits->elements)
		return PARSER_ELEMENTS;
	name = split(tree, text, parent);
	if (name.local.length > tree->limits->name_bytes)
		return PARSER_NAME;

	element = make_element(tree, &name);
	error = add_attributes(tree, element, attributes);
	if (error != PARSER_OK)
		return error;
	if (is_full(tree))
		return PARSER_TOO_BIG;
	tree->text = NULL;
	if (tree->depth++ == 0) {
		tree->header = element;
		return PARSER_OK;
	}
	element->parent = parent;
	if (parent != NULL)
		link_child(parent, &element->place);
	tree->current = element;
	return PARSER_OK;
}

enum parser_error
tree_declare(struct tree *tree, const char *uri)
{
	if (++tree->namespaces > tree->limits->namespaces)
		return PARSER_NAMESPACES;
	if (uri != NULL &&
	    strnlen(uri, tree->limits->name_bytes + 1) > tree->limits->name_bytes)
		return PARSER_NAME;
	return PARSER_OK;
}

/* More of a run: twice the room each time, so that many small pieces stay linear. */
static void
grow_text(struct tree *tree, struct slice more)
{
	struct slice *text = &tree->text->text;
	size_t length = text->length + more.length, room = tree->room;
	char *data = (char *)text->data;

	if (length > room) {
		room = room < TEXT_LEAST ? TEXT_LEAST : room * 2;
		if (room < length)
			room = length;
		data = arena_grow(tree->arena, data, tree->room, room);
		tree->room = room;
	}
	memcpy(data + text->length, more.data, more.length);
	*text = slice_of(data, length);
}

enum parser_error
tree_text(struct tree *tree, struct slice text)
{
	struct node *node;
	char *data;

	if (tree->current == NULL) /* between stanzas (RFC 6120 11.7) */
		return slice_trim(text).length == 0 ? PARSER_OK : PARSER_NOT_WELL_FORMED;
	tree->bytes += text.length;
	if (tree->text != NULL) {
		grow_text(tree, text);
	} else {
		node = arena_alloc(tree->arena, sizeof(*node));
		data = arena_alloc(tree->arena, text.length);
		memcpy(data, text.data, text.length);
		*node = (struct node){ .text = slice_of(data, text.length) };
		link_child(tree->current, node);
		tree->text = node;
		tree->room = text.length;
		count(tree, sizeof(*node));
	}
	return is_full(tree) ? PARSER_TOO_BIG : PARSER_OK;
}

void
tree_close(struct tree *tree)
{
	tree->text = NULL;
	tree->depth--;
	if (tree->depth == 0) {
		tree->is_ended = true;
		return;
	}
	if (tree->depth == 1)
		tree->stanza = tree->current;
	tree->current = tree->current->parent;
}

void
tree_reset(struct tree *tree)
{
	tree->header = NULL;
	tree->stanza = NULL;
	tree->elements = 0;
	tree->namespaces = 0;
	tree->bytes = 0;
	tree->uri = SLICE_EMPTY;
}
