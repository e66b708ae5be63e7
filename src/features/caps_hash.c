/* caps_hash.c -- XEP-0115 5: the verification string of a disco#info answer. */
#include "features/caps.h"

#include <stdlib.h>

#include "auth/digest.h"
#include "base/buffer.h"
#include "base/text.h"

#define PARTS_MAX 1000		/* identities, features, forms, fields or values */

/* Sorted by key: '<' behind a text would put it behind those that it begins. */
struct part {
	struct slice key;
	struct slice text;
};

struct parts {
	struct part part[PARTS_MAX];
	int	    count;
	bool	    is_bad;
};

static int
by_octets(const void *a, const void *b)
{
	return slice_compare(((const struct part *)a)->key, ((const struct part *)b)->key);
}

static void
add(struct parts *parts, struct slice key, struct slice text)
{
	if (parts->count == PARTS_MAX)
		parts->is_bad = true;
	else
		parts->part[parts->count++] = (struct part){ key, text };
}

static void
sort(struct parts *parts)
{
	qsort(parts->part, (size_t)parts->count, sizeof(parts->part[0]), by_octets);
}

/* XEP-0115 5.4: who says the same twice is not believed. */
static bool
has_twice(const struct parts *parts)
{
	for (int i = 1; i < parts->count; i++)
		if (slice_equal(parts->part[i - 1].key, parts->part[i].key))
			return true;
	return false;
}

static void
append_all(const struct parts *parts, struct buffer *out)
{
	for (int i = 0; i < parts->count; i++) {
		buffer_append(out, parts->part[i].text);
		buffer_append_byte(out, '<');
	}
}

static struct parts *
parts_new(struct arena *arena)
{
	struct parts *parts = arena_alloc(arena, sizeof(*parts));

	parts->count = 0;
	parts->is_bad = false;
	return parts;
}

/* --- identities and features --- */

static void
add_identity(struct arena *arena, struct parts *parts, const struct element *identity)
{
	struct slice category = element_attribute(identity, "category");
	struct slice type = element_attribute(identity, "type");
	struct slice lang = element_attribute_ns(identity, NS_XML, "lang");
	struct slice name = element_attribute(identity, "name");

	/* Control characters are none of XML's: each part is compared by itself. */
	add(parts,
	    arena_printf(arena, SLICE_FMT "\1" SLICE_FMT "\1" SLICE_FMT "\1" SLICE_FMT,
		SLICE_ARG(category), SLICE_ARG(type), SLICE_ARG(lang), SLICE_ARG(name)),
	    arena_printf(arena, SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT,
		SLICE_ARG(category), SLICE_ARG(type), SLICE_ARG(lang), SLICE_ARG(name)));
}

static bool
append_children(struct arena *arena, const struct element *query, bool identities,
    struct buffer *out)
{
	struct parts *parts = parts_new(arena);
	const struct element *child;

	for (child = element_first(query); child != NULL; child = element_next(query, child)) {
		if (identities && element_is(child, NS_DISCO_INFO, "identity"))
			add_identity(arena, parts, child);
		if (!identities && element_is(child, NS_DISCO_INFO, "feature"))
			add(parts, element_attribute(child, "var"), element_attribute(child, "var"));
	}
	sort(parts);
	append_all(parts, out);
	return !parts->is_bad && !has_twice(parts);
}

/* --- forms --- */

static struct slice
first_value(struct arena *arena, const struct element *field)
{
	const struct element *value = element_child(field, NS_DATA_FORMS, "value");

	return value == NULL ? SLICE_EMPTY : element_text(arena, value);
}

/* False: several values that differ. .data NULL: the form has no hidden FORM_TYPE and does not count. */
static bool
find_form_type(struct arena *arena, const struct element *form, struct slice *type)
{
	const struct element *field, *value;

	*type = (struct slice){ NULL, 0 };
	for (field = element_first(form); field != NULL; field = element_next(form, field)) {
		if (!element_is(field, NS_DATA_FORMS, "field") ||
		    !slice_is(element_attribute(field, "var"), "FORM_TYPE"))
			continue;
		for (value = element_first(field); value != NULL;
		     value = element_next(field, value))
			if (!slice_equal(element_text(arena, value), first_value(arena, field)))
				return false;
		if (slice_is(element_attribute(field, "type"), "hidden"))
			*type = first_value(arena, field);
	}
	return true;
}

/* "var<value<value<" with the values in order. */
static struct slice
field_text(struct arena *arena, const struct element *field, bool *is_bad)
{
	struct parts *values = parts_new(arena);
	const struct element *value;
	struct buffer out;
	struct slice text;

	for (value = element_first(field); value != NULL; value = element_next(field, value))
		if (element_is(value, NS_DATA_FORMS, "value"))
			add(values, element_text(arena, value), element_text(arena, value));
	sort(values);
	buffer_init(&out);
	buffer_append(&out, element_attribute(field, "var"));
	buffer_append_byte(&out, '<');
	append_all(values, &out);
	text = arena_copy(arena, buffer_slice(&out));
	buffer_clear(&out);
	*is_bad |= values->is_bad;
	return text;
}

/* "FORM_TYPE<field...field..." with the fields in order. */
static struct slice
form_text(struct arena *arena, const struct element *form, struct slice type, bool *is_bad)
{
	struct parts *fields = parts_new(arena);
	const struct element *field;
	struct buffer out;
	struct slice text;

	for (field = element_first(form); field != NULL; field = element_next(form, field))
		if (element_is(field, NS_DATA_FORMS, "field") &&
		    !slice_is(element_attribute(field, "var"), "FORM_TYPE"))
			add(fields, element_attribute(field, "var"), field_text(arena, field, is_bad));
	sort(fields);
	buffer_init(&out);
	buffer_append(&out, type);
	buffer_append_byte(&out, '<');
	for (int i = 0; i < fields->count; i++)
		buffer_append(&out, fields->part[i].text);
	text = arena_copy(arena, buffer_slice(&out));
	buffer_clear(&out);
	*is_bad |= fields->is_bad;
	return text;
}

static bool
append_forms(struct arena *arena, const struct element *query, struct buffer *out)
{
	struct parts *forms = parts_new(arena);
	const struct element *form;
	bool is_bad = false;
	struct slice type;

	for (form = element_first(query); form != NULL; form = element_next(query, form)) {
		if (!element_is(form, NS_DATA_FORMS, "x"))
			continue;
		if (!find_form_type(arena, form, &type))
			return false;
		if (type.data == NULL)
			continue;
		add(forms, type, form_text(arena, form, type, &is_bad));
	}
	sort(forms);
	for (int i = 0; i < forms->count; i++)
		buffer_append(out, forms->part[i].text);
	return !is_bad && !forms->is_bad && !has_twice(forms);
}

static bool
find_function(struct slice name, enum scram_hash *hash)
{
	static const char *const names[SCRAM_HASH_COUNT] = { [SCRAM_SHA_1] = "sha-1",
		[SCRAM_SHA_256] = "sha-256",
		[SCRAM_SHA_512] = "sha-512" };

	for (int i = 0; i < SCRAM_HASH_COUNT; i++)
		if (slice_is(name, names[i])) {
			*hash = (enum scram_hash)i;
			return true;
		}
	return false;
}

struct slice
caps_hash(struct arena *arena, struct slice function, const struct element *query)
{
	struct slice none = { NULL, 0 };
	uint8_t digest[DIGEST_MAX];
	char text[TEXT_BASE64_LENGTH(DIGEST_MAX) + 1];
	enum scram_hash hash;
	struct buffer out;
	bool is_good;

	if (!find_function(function, &hash))
		return none;
	buffer_init(&out);
	is_good = append_children(arena, query, true, &out) &&
	    append_children(arena, query, false, &out) && append_forms(arena, query, &out);
	digest_hash(hash, buffer_slice(&out), digest);
	buffer_clear(&out);
	if (!is_good)
		return none;
	text_base64_encode(slice_of(digest, scram_hash_size(hash)), text);
	return arena_copy(arena, slice_from_text(text));
}
