/* data_form.c -- data forms (XEP-0004): read what was submitted, build what is offered. */
#include "xmpp/data_form.h"

/* --- reading --- */

static bool
is_type(struct slice type)
{
	return slice_is(type, "submit") || slice_is(type, "form") || slice_is(type, "result") ||
	    slice_is(type, "cancel");
}

/* XEP-0004 3.2: only these may have several values; without a type it is for the reader to know. */
static bool
may_be_many(struct slice type)
{
	return type.length == 0 || slice_is(type, "list-multi") || slice_is(type, "jid-multi") ||
	    slice_is(type, "text-multi") || slice_is(type, "hidden") || slice_is(type, "fixed");
}

static bool
read_values(struct arena *arena, const struct element *from, struct data_field *field,
    int *values)
{
	struct element *child = element_first(from);

	field->values = arena_alloc(arena,
	    (size_t)element_count(from) * sizeof(*field->values));
	for (; child != NULL; child = element_next(from, child)) {
		if (!element_is(child, NS_DATA_FORMS, "value"))
			continue;
		if (++*values > DATA_FORM_VALUES_MAX)
			return false;
		field->values[field->count++] = element_text(arena, child);
	}
	return field->count <= 1 || may_be_many(field->type);
}

static bool
has_field(const struct data_form *form, struct slice var)
{
	for (int i = 0; i < form->count; i++)
		if (slice_equal(form->fields[i].var, var))
			return true;
	return false;
}

/* A field without a name is text for people (type "fixed"). */
static bool
read_field(struct arena *arena, const struct element *from, struct data_form *form, int *values)
{
	struct data_field field = { .var = element_attribute(from, "var"),
		.type = element_attribute(from, "type") };

	if (field.var.length == 0)
		return true;
	if (!read_values(arena, from, &field, values))
		return false;
	if (slice_is(field.var, "FORM_TYPE")) {
		if (form->form_type.length > 0 || field.count > 1)
			return false;
		if (field.count == 1)
			form->form_type = field.values[0];
		return true;
	}
	if (form->count == DATA_FORM_FIELDS_MAX || has_field(form, field.var))
		return false;
	form->fields[form->count++] = field;
	return true;
}

bool
data_form_read(struct arena *arena, const struct element *x, struct data_form *form)
{
	struct element *child = element_first(x);
	int count = element_count(x), values = 0;

	*form = (struct data_form){ .type = element_attribute(x, "type") };
	if (!is_type(form->type))
		return false;
	if (count > DATA_FORM_FIELDS_MAX)
		count = DATA_FORM_FIELDS_MAX;
	form->fields = arena_alloc(arena, (size_t)count * sizeof(*form->fields));
	for (; child != NULL; child = element_next(x, child))
		if (element_is(child, NS_DATA_FORMS, "field") &&
		    !read_field(arena, child, form, &values))
			return false;
	return true;
}

const struct data_field *
data_form_find(struct data_form *form, const char *var)
{
	for (int i = 0; i < form->count; i++)
		if (slice_is(form->fields[i].var, var)) {
			form->fields[i].is_known = true;
			return &form->fields[i];
		}
	return NULL;
}

struct slice
data_form_value(struct data_form *form, const char *var)
{
	const struct data_field *field = data_form_find(form, var);

	return field == NULL || field->count == 0 ? SLICE_EMPTY : field->values[0];
}

bool
data_form_bool(struct slice value, bool *out)
{
	*out = slice_is(value, "1") || slice_is(value, "true");
	return *out || slice_is(value, "0") || slice_is(value, "false");
}

const struct data_field *
data_form_unknown(const struct data_form *form)
{
	for (int i = 0; i < form->count; i++)
		if (!form->fields[i].is_known)
			return &form->fields[i];
	return NULL;
}

/* --- building --- */

struct element *
data_form_new(struct arena *arena, const char *type, const char *form_type)
{
	struct element *form = element_new(arena, NS_DATA_FORMS, "x");

	element_set(arena, form, "type", slice_from_text(type));
	if (form_type != NULL)
		data_form_add_value(arena,
		    data_form_add(arena, form, "FORM_TYPE", "hidden", NULL),
		    slice_from_text(form_type));
	return form;
}

struct element *
data_form_add(struct arena *arena, struct element *form, const char *var, const char *type,
    const char *label)
{
	struct element *field = element_add(arena, form, NS_DATA_FORMS, "field");

	if (type != NULL)
		element_set(arena, field, "type", slice_from_text(type));
	element_set(arena, field, "var", slice_from_text(var));
	if (label != NULL)
		element_set(arena, field, "label", slice_from_text(label));
	return field;
}

void
data_form_add_value(struct arena *arena, struct element *field, struct slice value)
{
	element_add_text(arena, element_add(arena, field, NS_DATA_FORMS, "value"), value);
}
