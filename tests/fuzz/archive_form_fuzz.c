/* archive_form_fuzz.c -- any XML as a query of an archive: forms, pages, dates; what is built is read again. */
#include <string.h>

#include "base/ensure.h"
#include "features/archive_query.h"
#include "stream/server.h"
#include "tests/unit/xml_support.h"
#include "xmpp/data_form.h"
#include "xmpp/stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct archive_keys keys;

/* A span of ids, each once and in order: what the search relies on. */
static void
check_query(const struct archive_query *query)
{
	ensure(query->id_count <= ARCHIVE_IDS_MAX);
	ensure(query->has_ids == (query->id_count > 0));
	for (int i = 0; i < query->id_count; i++)
		ensure(query->ids[i] != 0 && (i == 0 || query->ids[i - 1] < query->ids[i]));
	ensure(!query->rsm.has_index || (query->page_after == 0 && query->page_before == 0));
	ensure((query->page_after != 0) == query->rsm.has_after);
}

static void
check_forms(struct arena *arena, const struct element *element)
{
	struct element *child = element_first(element);
	struct data_form form;

	if (data_form_read(arena, element, &form))
		ensure(form.count <= DATA_FORM_FIELDS_MAX);
	for (; child != NULL; child = element_next(element, child))
		check_forms(arena, child);
}

static void
on_open(void *owner, struct element *header)
{
}

static void
on_stanza(void *owner, struct element *stanza)
{
	struct archive_query query;
	struct arena arena;
	uint64_t time;

	arena_init(&arena);
	if (archive_form_read(&arena, &keys, 1, stanza, &query) == STANZA_PASS)
		check_query(&query);
	check_forms(&arena, stanza);
	stamp_read(element_text(&arena, stanza), &time);
	archive_strip_ids(&arena, stanza, SLICE("romeo@localhost"));
	arena_clear(&arena);
}

static void
on_end(void *owner)
{
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct parser_events events = { on_open, on_stanza, on_end };
	struct parser *parser = parser_new(&events, NULL, &xml_limits);
	size_t consumed;

	if (parser_feed(parser, SLICE(XML_HEADER), &consumed) == PARSER_OK)
		parser_feed(parser, slice_of(data, size), &consumed);
	parser_free(&parser);
	return 0;
}
