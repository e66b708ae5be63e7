/* element.c -- trees of elements: looking into them, building them, copying them. */
#include "xml/element.h"

#include "base/ensure.h"

static void
add_node(struct element *parent, struct node *node)
{
	node->next = NULL;
	if (parent->last == NULL)
		parent->first = node;
	else
		parent->last->next = node;
	parent->last = node;
}

static struct element *
element_from(const struct node *node)
{
	while (node != NULL && node->element == NULL)
		node = node->next;
	return node == NULL ? NULL : node->element;
}

static struct attribute *
find_attribute(const struct element *element, enum xml_namespace ns, struct slice name)
{
	struct attribute *attribute;

	for (attribute = element->attributes; attribute != NULL;
	     attribute = attribute->next)
		if (attribute->ns == ns && slice_equal(attribute->name, name))
			return attribute;
	return NULL;
}

struct element *
element_new(struct arena *arena, enum xml_namespace ns, const char *name)
{
	struct element *element = ARENA_NEW(arena, struct element);

	element->name = slice_from_text(name);
	element->ns = ns;
	element->ns_uri = names_uri(ns);
	element->place.element = element;
	return element;
}

struct slice
element_attribute_named(const struct element *element, enum xml_namespace ns,
			struct slice name)
{
	const struct attribute *found = find_attribute(element, ns, name);

	return found == NULL ? slice_of(NULL, 0) : found->value;
}

void
element_set(struct arena *arena, struct element *element, const char *name,
	    struct slice value)
{
	struct attribute *attribute, **link = &element->attributes;

	attribute = find_attribute(element, NS_NONE, slice_from_text(name));
	if (attribute == NULL) {
		attribute = ARENA_NEW(arena, struct attribute);
		attribute->name = slice_from_text(name);
		while (*link != NULL)
			link = &(*link)->next;
		*link = attribute;
	}
	attribute->value = value;
}

void
element_unset(struct element *element, const char *name)
{
	struct attribute **link = &element->attributes;

	for (; *link != NULL; link = &(*link)->next) {
		if ((*link)->ns == NS_NONE && slice_is((*link)->name, name)) {
			*link = (*link)->next;
			return;
		}
	}
}

struct element *
element_first(const struct element *element)
{
	return element_from(element->first);
}

struct element *
element_next(const struct element *element, const struct element *child)
{
	ensure(child->parent == element);
	return element_from(child->place.next);
}

struct element *
element_child(const struct element *element, enum xml_namespace ns, const char *name)
{
	struct element *child = element_first(element);

	while (child != NULL && !element_is(child, ns, name))
		child = element_next(element, child);
	return child;
}

int
element_count(const struct element *element)
{
	const struct node *node;
	int count = 0;

	for (node = element->first; node != NULL; node = node->next)
		count += node->element != NULL;
	return count;
}

struct slice
element_text(struct arena *arena, const struct element *element)
{
	const struct node *node;
	struct slice only = SLICE_EMPTY;
	size_t length = 0;
	int runs = 0;
	char *joined, *end;

	for (node = element->first; node != NULL; node = node->next) {
		if (node->element != NULL)
			continue;
		only = node->text;
		length += node->text.length;
		runs++;
	}
	if (runs <= 1)
		return only;

	joined = end = arena_alloc(arena, length + 1);
	for (node = element->first; node != NULL; node = node->next) {
		if (node->element != NULL || node->text.length == 0)
			continue;
		memcpy(end, node->text.data, node->text.length);
		end += node->text.length;
	}
	*end = '\0';
	return slice_of(joined, length);
}

struct element *
element_add(struct arena *arena, struct element *parent, enum xml_namespace ns,
	    const char *name)
{
	struct element *child = element_new(arena, ns, name);

	element_append(arena, parent, child);
	return child;
}

struct element *
element_add_text(struct arena *arena, struct element *parent, struct slice text)
{
	struct node *node = ARENA_NEW(arena, struct node);

	node->text = text;
	add_node(parent, node);
	return parent;
}

void
element_append(struct arena *arena, struct element *parent, struct element *child)
{
	(void)arena;
	ensure(child->parent == NULL);
	child->parent = parent;
	add_node(parent, &child->place);
}

void
element_remove(struct element *parent, struct element *child)
{
	struct node *before = NULL, *node = parent->first;

	ensure(child->parent == parent);
	for (; node != &child->place; node = node->next)
		before = node;
	if (before == NULL)
		parent->first = node->next;
	else
		before->next = node->next;
	if (parent->last == node)
		parent->last = before;
	node->next = NULL;
	child->parent = NULL;
}

static struct slice
copy_uri(struct arena *arena, enum xml_namespace ns, struct slice uri)
{
	return ns == NS_OTHER ? arena_copy(arena, uri) : names_uri(ns);
}

/* The element with its attributes, without what is inside. */
static struct element *
copy_shell(struct arena *arena, const struct element *element, struct element *parent)
{
	struct element *copy = ARENA_NEW(arena, struct element);
	const struct attribute *from;
	struct attribute *to, **link = &copy->attributes;

	copy->name = arena_copy(arena, element->name);
	copy->ns = element->ns;
	copy->ns_uri = copy_uri(arena, element->ns, element->ns_uri);
	copy->place.element = copy;
	for (from = element->attributes; from != NULL; from = from->next) {
		to = ARENA_NEW(arena, struct attribute);
		to->name = arena_copy(arena, from->name);
		to->value = arena_copy(arena, from->value);
		to->ns = from->ns;
		to->ns_uri = copy_uri(arena, from->ns, from->ns_uri);
		*link = to;
		link = &to->next;
	}
	if (parent != NULL)
		element_append(arena, parent, copy);
	return copy;
}

/* A loop, not a recursion: how deep a tree is may have been the choice of a peer. */
struct element *
element_copy(struct arena *arena, const struct element *element)
{
	struct element *top = copy_shell(arena, element, NULL), *into = top;
	const struct element *from = element;
	const struct node *node = element->first;

	for (;;) {
		if (node == NULL) {
			if (from == element)
				return top;
			node = from->place.next;
			from = from->parent;
			into = into->parent;
		} else if (node->element == NULL) {
			element_add_text(arena, into, arena_copy(arena, node->text));
			node = node->next;
		} else {
			from = node->element;
			into = copy_shell(arena, from, into);
			node = from->first;
		}
	}
}
