/* xml_support.c -- what the tests of src/xml share: limits, a stream that is written down. */
#include "xml_support.h"

const struct parser_limits xml_limits = {
	.stanza_bytes = 262144,
	.token_bytes = 65536,
	.value_bytes = 16384,
	.name_bytes = 256,
	.memory = 262144,
	.depth = 64,
	.attributes = 64,
	.namespaces = 64,
	.elements = 2000,
};

const struct parser_limits xml_early_limits = {
	.stanza_bytes = 8192,
	.token_bytes = 8192,
	.value_bytes = 4096,
	.name_bytes = 256,
	.memory = 65536,
	.depth = 8,
	.attributes = 64,
	.namespaces = 64,
	.elements = 32,
};

static void
dump_start(const struct element *element, struct buffer *out)
{
	const struct attribute *attribute;

	buffer_printf(out, "(%d{" SLICE_FMT "}" SLICE_FMT, (int)element->ns,
	    SLICE_ARG(element->ns_uri), SLICE_ARG(element->name));
	for (attribute = element->attributes; attribute != NULL;
	     attribute = attribute->next)
		buffer_printf(out, " %d{" SLICE_FMT "}" SLICE_FMT "=[" SLICE_FMT "]",
		    (int)attribute->ns, SLICE_ARG(attribute->ns_uri),
		    SLICE_ARG(attribute->name), SLICE_ARG(attribute->value));
}

void
xml_dump(const struct element *top, struct buffer *out)
{
	const struct element *at = top;
	const struct node *node = top->first;

	dump_start(top, out);
	for (;;) {
		if (node == NULL) {
			buffer_append_byte(out, ')');
			if (at == top)
				return;
			node = at->place.next;
			at = at->parent;
		} else if (node->element == NULL) {
			buffer_printf(out, "[" SLICE_FMT "]", SLICE_ARG(node->text));
			node = node->next;
		} else {
			at = node->element;
			dump_start(at, out);
			node = at->first;
		}
	}
}

static void
note_memory(struct xml_record *record)
{
	size_t memory = parser_memory(record->parser);

	if (memory > record->most_memory)
		record->most_memory = memory;
}

static void
on_open(void *owner, struct element *header)
{
	struct xml_record *record = owner;

	buffer_append_text(&record->events, "open ");
	xml_dump(header, &record->events);
	buffer_append_byte(&record->events, '\n');
}

static void
on_stanza(void *owner, struct element *stanza)
{
	struct xml_record *record = owner;

	note_memory(record);
	record->stanzas++;
	xml_dump(stanza, &record->events);
	buffer_append_byte(&record->events, '\n');
	if (record->pauses)
		parser_pause(record->parser);
	if (record->stops_at != NULL && slice_is(stanza->name, record->stops_at))
		parser_stop(record->parser);
}

static void
on_end(void *owner)
{
	struct xml_record *record = owner;

	buffer_append_text(&record->events, "end\n");
}

void
xml_record_open(struct xml_record *record, const struct parser_limits *limits)
{
	static const struct parser_events events = { on_open, on_stanza, on_end };

	*record = (struct xml_record){ .stanzas = 0 };
	buffer_init(&record->events);
	record->parser = parser_new(&events, record, limits);
}

void
xml_record_close(struct xml_record *record)
{
	parser_free(&record->parser);
	buffer_clear(&record->events);
}

enum parser_error
xml_record_feed(struct xml_record *record, struct slice bytes)
{
	size_t consumed;
	enum parser_error error = parser_feed(record->parser, bytes, &consumed);

	note_memory(record);
	return error;
}

enum parser_error
xml_record_feed_text(struct xml_record *record, const char *text)
{
	return xml_record_feed(record, slice_from_text(text));
}

enum parser_error
xml_try(const char *text)
{
	struct xml_record record;
	enum parser_error error;

	xml_record_open(&record, &xml_limits);
	error = xml_record_feed_text(&record, text);
	xml_record_close(&record);
	return error;
}
