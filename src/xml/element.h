/* element.h -- a parsed XML element: a tree in an arena. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "xml/names.h"

struct attribute {
	struct slice	   name;	/* local name */
	struct slice	   value;
	enum xml_namespace ns;		/* NS_NONE for nearly all */
	struct slice	   ns_uri;	/* its text when ns is NS_OTHER */
	struct attribute  *next;
};

struct element;

/* A child: an element, or a run of text where element is NULL. */
struct node {
	struct element *element;
	struct slice	text;
	struct node    *next;
};

/*
 * Everything a tree points to lives in the arena it was made in. Made by the functions below or
 * the parser alone: place.element must point back to the element.
 */
struct element {
	struct slice	   name;
	enum xml_namespace ns;
	struct slice	   ns_uri;	/* always the text, also for namespaces in the list */
	struct attribute  *attributes;
	struct node	  *first;
	struct node	  *last;
	struct element	  *parent;	/* NULL at the top, also of what the parser delivers */
	struct node	   place;	/* in the parent's list of children */
};

/* Names given as text are borrowed: literals, or as lasting as the arena. */
struct element	*element_new(struct arena *arena, enum xml_namespace ns, const char *name);

/* Here, so that the length of a literal is known when it is compiled: a stanza is asked dozens of times. */
static inline bool
element_is(const struct element *element, enum xml_namespace ns, const char *name)
{
	return element->ns == ns && slice_is(element->name, name);
}

struct slice	 element_attribute_named(const struct element *element, enum xml_namespace ns,
		    struct slice name);

/* .data is NULL when it is absent. */
static inline struct slice
element_attribute_ns(const struct element *element, enum xml_namespace ns, const char *name)
{
	return element_attribute_named(element, ns, slice_from_text(name));
}

/* An attribute without a namespace. */
static inline struct slice
element_attribute(const struct element *element, const char *name)
{
	return element_attribute_named(element, NS_NONE, slice_from_text(name));
}

/* Replaces or adds. The bytes are borrowed: copy into the arena first where they do not live as long. */
void		 element_set(struct arena *arena, struct element *element, const char *name,
		    struct slice value);
void		 element_unset(struct element *element, const char *name);

/* First child element; NULL when there is none. */
struct element	*element_first(const struct element *element);
struct element	*element_next(const struct element *element, const struct element *child);
struct element	*element_child(const struct element *element, enum xml_namespace ns,
		    const char *name);
int		 element_count(const struct element *element);	/* child elements */

/* All text directly inside, joined; borrowed where it is one run. */
struct slice	 element_text(struct arena *arena, const struct element *element);

/* Builders; they return the child. */
struct element	*element_add(struct arena *arena, struct element *parent, enum xml_namespace ns,
		    const char *name);
struct element	*element_add_text(struct arena *arena, struct element *parent,
		    struct slice text);		/* returns parent */

/* An element is in one place: child must have no parent, and its bytes must live as long. */
void		 element_append(struct arena *arena, struct element *parent,
		    struct element *child);
void		 element_remove(struct element *parent, struct element *child);

/* A deep copy that needs nothing of the old arena. */
struct element	*element_copy(struct arena *arena, const struct element *element);
