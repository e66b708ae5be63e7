/* archive_form.c -- what a client may ask of its archive: XEP-0313 4, as a form and a page. */
#include "features/archive_query.h"

#include <stdlib.h>

#include "xmpp/data_form.h"
#include "xmpp/stamp.h"

struct reading {
	struct arena		  *arena;
	const struct archive_keys *keys;
	uint64_t		   account;
	struct data_form	   form;
	struct archive_query	  *query;
};

/* The only value of a field; false where there are several. */
static bool
one_value(struct reading *reading, const char *var, struct slice *value)
{
	const struct data_field *field = data_form_find(&reading->form, var);

	*value = data_form_value(&reading->form, var);
	return field == NULL || field->count <= 1;
}

/* An id nobody can have is one that is not there. */
static int
read_id(struct reading *reading, struct slice text, uint64_t *id)
{
	return archive_id_read(reading->keys, reading->account, text, id) && *id != 0
	    ? STANZA_PASS
	    : STANZA_ITEM_NOT_FOUND;
}

static int
read_id_field(struct reading *reading, const char *var, uint64_t *id)
{
	struct slice value;

	if (!one_value(reading, var, &value))
		return STANZA_BAD_REQUEST;
	return value.length == 0 ? STANZA_PASS : read_id(reading, value, id);
}

static int
read_time_field(struct reading *reading, const char *var, uint64_t *time)
{
	struct slice value;

	if (!one_value(reading, var, &value))
		return STANZA_BAD_REQUEST;
	return value.length == 0 || stamp_read(slice_trim(value), time) ? STANZA_PASS
									: STANZA_BAD_REQUEST;
}

static int
read_with(struct reading *reading)
{
	struct slice value;

	if (!one_value(reading, "with", &value))
		return STANZA_BAD_REQUEST;
	return value.length == 0 ||
		jid_parse(reading->arena, slice_trim(value), &reading->query->with)
	    ? STANZA_PASS
	    : STANZA_JID_MALFORMED;
}

/* There are none of groups in an account's archive, whatever is asked for. */
static int
read_groupchat(struct reading *reading)
{
	struct slice value;
	bool wanted;

	if (!one_value(reading, "include-groupchat", &value))
		return STANZA_BAD_REQUEST;
	return value.length == 0 || data_form_bool(value, &wanted) ? STANZA_PASS
								   : STANZA_BAD_REQUEST;
}

static int
compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
read_ids(struct reading *reading)
{
	struct archive_query *query = reading->query;
	const struct data_field *field = data_form_find(&reading->form, "ids");
	int count = 0;

	if (field == NULL || field->count == 0)
		return STANZA_PASS;
	if (field->count > ARCHIVE_IDS_MAX)
		return STANZA_POLICY_VIOLATION;
	query->has_ids = true;
	query->ids = arena_alloc(reading->arena, (size_t)field->count * sizeof(*query->ids));
	for (int i = 0; i < field->count; i++) {
		int verdict = read_id(reading, field->values[i], &query->ids[i]);

		if (verdict != STANZA_PASS)
			return verdict;
	}
	qsort(query->ids, (size_t)field->count, sizeof(*query->ids), compare_ids);
	for (int i = 0; i < field->count; i++)
		if (count == 0 || query->ids[count - 1] != query->ids[i])
			query->ids[count++] = query->ids[i];
	query->id_count = count;
	return STANZA_PASS;
}

/* XEP-0313 4.1.5: a field nobody knows might have narrowed what is sent. */
static int
read_fields(struct reading *reading)
{
	struct archive_query *query = reading->query;
	int verdict = read_with(reading);

	if (verdict == STANZA_PASS)
		verdict = read_time_field(reading, "start", &query->start);
	if (verdict == STANZA_PASS)
		verdict = read_time_field(reading, "end", &query->end);
	if (verdict == STANZA_PASS)
		verdict = read_groupchat(reading);
	if (verdict == STANZA_PASS)
		verdict = read_id_field(reading, "after-id", &query->after);
	if (verdict == STANZA_PASS)
		verdict = read_id_field(reading, "before-id", &query->before);
	if (verdict == STANZA_PASS)
		verdict = read_ids(reading);
	if (verdict == STANZA_PASS && data_form_unknown(&reading->form) != NULL)
		verdict = STANZA_FEATURE_NOT_IMPLEMENTED;
	return verdict;
}

static int
read_form(struct reading *reading, const struct element *payload)
{
	struct element *x = element_child(payload, NS_DATA_FORMS, "x");

	if (x == NULL)
		return STANZA_PASS;
	if (!data_form_read(reading->arena, x, &reading->form) ||
	    !slice_is(reading->form.type, "submit") ||
	    !slice_is(reading->form.form_type, "urn:xmpp:mam:2"))
		return STANZA_BAD_REQUEST;
	return read_fields(reading);
}

static int
read_page(struct reading *reading, const struct element *payload)
{
	struct archive_query *query = reading->query;
	struct rsm *rsm = &query->rsm;
	int verdict = STANZA_PASS;

	if (!rsm_read(reading->arena, payload, rsm))
		return STANZA_BAD_REQUEST;
	if (rsm->has_after)
		verdict = read_id(reading, rsm->after, &query->page_after);
	if (verdict == STANZA_PASS && rsm->has_before && rsm->before.length > 0)
		verdict = read_id(reading, rsm->before, &query->page_before);
	return verdict;
}

int
archive_form_read(struct arena *arena, const struct archive_keys *keys, uint64_t account,
    const struct element *payload, struct archive_query *query)
{
	struct reading reading = { .arena = arena,
		.keys = keys,
		.account = account,
		.query = query };
	int verdict;

	*query = (struct archive_query){ .end = UINT64_MAX,
		.queryid = element_attribute(payload, "queryid"),
		.is_flipped = element_child(payload, NS_MAM, "flip-page") != NULL };
	query->has_queryid = query->queryid.data != NULL;
	if (element_attribute(payload, "node").length > 0)	/* XEP-0442: of pubsub */
		return STANZA_ITEM_NOT_FOUND;
	verdict = read_form(&reading, payload);
	return verdict == STANZA_PASS ? read_page(&reading, payload) : verdict;
}

struct element *
archive_form_offer(struct arena *arena)
{
	static const struct {
		const char *var, *type;
	} fields[] = { { "with", "jid-single" }, { "start", "text-single" },
		{ "end", "text-single" }, { "before-id", "text-single" },
		{ "after-id", "text-single" }, { "include-groupchat", "boolean" },
		{ "ids", "list-multi" } };
	struct element *form = data_form_new(arena, "form", "urn:xmpp:mam:2"), *field = NULL;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		field = data_form_add(arena, form, fields[i].var, fields[i].type, NULL);
	field = element_add(arena, field, NS_DATA_VALIDATE, "validate");
	element_set(arena, field, "datatype", SLICE("xs:string"));
	element_add(arena, field, NS_DATA_VALIDATE, "open");
	return form;
}
