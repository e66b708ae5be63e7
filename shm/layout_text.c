/* layout_text.c -- the numbers that two binaries must agree on to share one memory and one data directory. */
#include "shm/layout_text.h"

#include <stddef.h>

#include "base/buffer.h"
#include "shm/limits_table.h"
#include "shm/registry_record.h"
#include "shm/ring_record.h"
#include "shm/store_record.h"
#include "shm/store_request.h"

static const struct {
	const char *name;
	size_t	    number;
} rows[] = {
	{ "version", LAYOUT_VERSION },
	{ "registry", REGISTRY_LAYOUT },
	{ "store", STORE_LAYOUT },
	{ "workers", WORKERS_MAX },
	{ "processes", PROCESSES_MAX },
	{ "segment", sizeof(struct segment_header) },
	{ "instance", sizeof(struct instance) },
	{ "tickets", offsetof(struct instance, tickets) },
	{ "page", sizeof(struct process_page) },
	{ "slot", sizeof(struct slot) },
	{ "block", sizeof(struct block) },
	{ "entry", sizeof(struct entry) },
	{ "effect", sizeof(struct effect_header) },
	{ "step", sizeof(struct effect_step) },
	{ "limits", sizeof(struct limits_header) },
	{ "limit", sizeof(struct limits_place) },
	{ "session", sizeof(struct session_record) },
	{ "ring", sizeof(struct ring_header) },
	{ "record", sizeof(struct record_head) },
	{ "request", sizeof(struct request_head) },
	{ "change", sizeof(struct change_head) },
	{ "answer", sizeof(struct answer_record) },
	{ "requests", REQUEST_RING_BYTES },
	{ "answers", ANSWER_RING_BYTES },
};

void
layout_describe(struct buffer *out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		buffer_printf(out, "layout %s %zu\n", rows[i].name, rows[i].number);
}
