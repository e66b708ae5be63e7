/* data_form.h -- data forms (XEP-0004): read what was submitted, build what is offered. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "xml/element.h"

#define DATA_FORM_FIELDS_MAX 256
#define DATA_FORM_VALUES_MAX 1000	/* of all fields together */

struct data_field {
	struct slice  var;
	struct slice  type;		/* empty: not told */
	struct slice *values;
	int	      count;
	bool	      is_known;		/* data_form_find() has found it */
};

struct data_form {
	struct slice	   type;	/* "submit", "cancel"... */
	struct slice	   form_type;	/* value of FORM_TYPE; empty: none */
	struct data_field *fields;	/* without FORM_TYPE and what has no "var" */
	int		   count;
};

/*
 * Reads an <x xmlns='jabber:x:data'/>. False: its type is none of the four, a name stands there twice, a field
 * that may have one value has more, or there is more of it than the limits above. Borrows from x and the arena.
 */
bool	data_form_read(struct arena *arena, const struct element *x, struct data_form *form);

/* NULL where it was not filled in; marks it as known. */
const struct data_field *data_form_find(struct data_form *form, const char *var);

/* The only value, empty where the field is absent or has none. */
struct slice data_form_value(struct data_form *form, const char *var);

/* "1", "true", "0", "false" (XEP-0004 3.3); false where the value is none of them. */
bool	data_form_bool(struct slice value, bool *out);

/* The first field nobody has asked for; NULL: all are known. */
const struct data_field *data_form_unknown(const struct data_form *form);

/* --- building; texts are borrowed --- */

/* <x type=.../>, with a hidden FORM_TYPE where form_type is not NULL. */
struct element *data_form_new(struct arena *arena, const char *type, const char *form_type);

/* type and label may be NULL. Returns the field, for data_form_add_value(). */
struct element *data_form_add(struct arena *arena, struct element *form, const char *var,
		    const char *type, const char *label);
void		data_form_add_value(struct arena *arena, struct element *field,
		    struct slice value);
