/* sessions.c -- `sessions`: who is connected, whether the workers answer or not. */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/clock.h"
#include "ctl/answer.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/print.h"
#include "ctl/session_view.h"
#include "ctl/table.h"
#include "shm/blocks.h"

static const struct table_column columns[] = {
	{ "JID", TABLE_LEFT },       { "TYPE", TABLE_LEFT },
	{ "WORKER", TABLE_RIGHT },   { "ADDRESS", TABLE_LEFT },
	{ "PRIO", TABLE_RIGHT },     { "FLAGS", TABLE_LEFT },
	{ "SINCE", TABLE_LEFT },     { "TLS", TABLE_LEFT },
	{ "MECHANISM", TABLE_LEFT }, { "IN", TABLE_RIGHT },
	{ "OUT", TABLE_RIGHT },      { "QUEUE", TABLE_RIGHT },
	{ "BYTES", TABLE_RIGHT },    { 0 },
};

struct sums {
	uint64_t connected, available, interested, hibernating;
	uint64_t queue_entries, queue_bytes;
	uint64_t block_bytes; /* of all arenas */
};

static struct sums
sum_up(const struct ctl *ctl, const struct session_view *views, size_t count)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < count; i++) {
		sums.connected += views[i].type == SLOT_C2S;
		sums.available += (views[i].flags & SLOT_AVAILABLE) != 0;
		sums.interested += (views[i].flags & SLOT_INTERESTED) != 0;
		sums.hibernating += (views[i].flags & SLOT_HIBERNATING) != 0;
		sums.queue_entries += views[i].queue_entries;
		sums.queue_bytes += views[i].queue_bytes;
	}
	for (uint32_t i = 0; i < ctl->shm->workers; i++) {
		uint32_t used, committed;

		blocks_count(ctl->shm, i, &used, &committed);
		sums.block_bytes += (uint64_t)used * BLOCK_SIZE;
	}
	return sums;
}

/* Seconds are enough for people. */
static void
add_since(struct table *table, uint64_t wall_us)
{
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(wall_us, stamp, sizeof(stamp));
	stamp[10] = ' ';
	table_add(table, slice_of(stamp, 19));
}

static struct slice
name_of(const struct session_view *view)
{
	if (view->jid.full.length > 0)
		return view->jid.full;
	return view->account != 0 ? SLICE("(unbound)") : SLICE("(unauthenticated)");
}

static void
add_row(struct table *table, const struct session_view *view)
{
	char flags[160];

	session_flags_text(view->flags, flags, sizeof(flags));
	table_add(table, name_of(view));
	table_add(table, slice_from_text(session_type_name(view->type)));
	table_printf(table, "%" PRIu32, view->worker);
	table_printf(table,
		     (view->flags & SLOT_IPV6) != 0 ? "[%s]:%" PRIu32 : "%s:%" PRIu32,
		     view->address, view->port);
	table_printf(table, "%d", view->priority);
	table_add(table, slice_from_text(flags));
	add_since(table, view->since_us);
	table_add(table, slice_from_text(view->tls));
	table_add(table, slice_from_text(view->mechanism));
	table_printf(table, "%" PRIu64, view->stanzas_in);
	table_printf(table, "%" PRIu64, view->stanzas_out);
	table_printf(table, "%" PRIu64, view->queue_entries);
	table_bytes(table, view->queue_bytes);
}

static void
write_footer(const struct sums *sums, size_t count)
{
	uint64_t slots = (uint64_t)count * sizeof(struct slot);
	struct buffer text;

	buffer_init(&text);
	buffer_printf(&text,
		      "%zu shown: %" PRIu64 " connected, %" PRIu64 " available, %" PRIu64
		      " interested, %" PRIu64 " hibernating\n",
		      count, sums->connected, sums->available, sums->interested,
		      sums->hibernating);
	buffer_append_text(&text, "memory: ");
	print_bytes(&text, slots);
	buffer_printf(&text, " of slots (%zu B each), ", sizeof(struct slot));
	print_bytes(&text, sums->queue_bytes);
	buffer_printf(&text, " queued in %" PRIu64 " stanzas", sums->queue_entries);
	if (count > 0) {
		buffer_append_text(&text, ", ");
		print_bytes(&text, (slots + sums->queue_bytes) / count);
		buffer_append_text(&text, " a session");
	}
	buffer_append_text(&text, "; blocks in use by all queues: ");
	print_bytes(&text, sums->block_bytes);
	printf(SLICE_FMT "\n", SLICE_ARG(buffer_slice(&text)));
	buffer_clear(&text);
}

static int
write_table(const struct ctl *ctl, const struct session_view *views, size_t count)
{
	struct table *table = table_new(columns);
	struct sums sums = sum_up(ctl, views, count);

	for (size_t i = 0; i < count; i++)
		add_row(table, &views[i]);
	table_write(table, stdout);
	table_free(&table);
	write_footer(&sums, count);
	return 0;
}

/* --- JSON --- */

static json_t *
flag(const struct session_view *view, uint32_t bit)
{
	return json_boolean((view->flags & bit) != 0);
}

static json_t *
number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *
session_json(const struct session_view *view)
{
	json_t *object = json_object();

	json_object_set_new(object, "jid", answer_text(view->jid.full));
	json_object_set_new(object, "type", json_string(session_type_name(view->type)));
	json_object_set_new(object, "worker", number(view->worker));
	json_object_set_new(object, "pid", number(view->pid));
	json_object_set_new(object, "address", json_string(view->address));
	json_object_set_new(object, "port", number(view->port));
	json_object_set_new(object, "priority", json_integer(view->priority));
	json_object_set_new(object, "available", flag(view, SLOT_AVAILABLE));
	json_object_set_new(object, "interested", flag(view, SLOT_INTERESTED));
	json_object_set_new(object, "secure", flag(view, SLOT_SECURE));
	json_object_set_new(object, "direct_tls", flag(view, SLOT_DIRECT_TLS));
	json_object_set_new(object, "notopen", flag(view, SLOT_NOTOPEN));
	json_object_set_new(object, "hibernating", flag(view, SLOT_HIBERNATING));
	json_object_set_new(object, "resumable", flag(view, SLOT_RESUMABLE));
	json_object_set_new(object, "carbons", flag(view, SLOT_CARBONS));
	json_object_set_new(object, "inactive", flag(view, SLOT_INACTIVE));
	json_object_set_new(object, "tls", answer_text(slice_from_text(view->tls)));
	json_object_set_new(object, "mechanism",
			    answer_text(slice_from_text(view->mechanism)));
	json_object_set_new(object, "id", answer_text(slice_from_text(view->id)));
	json_object_set_new(object, "since", answer_time(view->since_us));
	json_object_set_new(object, "bound", answer_time(view->bound_us));
	json_object_set_new(object, "stanzas_in", number(view->stanzas_in));
	json_object_set_new(object, "stanzas_out", number(view->stanzas_out));
	json_object_set_new(object, "octets_in", number(view->octets_in));
	json_object_set_new(object, "octets_out", number(view->octets_out));
	json_object_set_new(object, "queue_entries", number(view->queue_entries));
	json_object_set_new(object, "queue_bytes", number(view->queue_bytes));
	json_object_set_new(object, "slot", number(view->ref.slot));
	json_object_set_new(object, "epoch", number(view->ref.epoch));
	return object;
}

static int
write_json(const struct ctl *ctl, const struct session_view *views, size_t count)
{
	struct sums sums = sum_up(ctl, views, count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, session_json(&views[i]));
	return answer_write(json_pack(
	    "{so, s{sI sI sI sI sI sI sI sI}}", "sessions", list, "totals", "shown",
	    (json_int_t)count, "connected", (json_int_t)sums.connected, "available",
	    (json_int_t)sums.available, "interested", (json_int_t)sums.interested,
	    "hibernating", (json_int_t)sums.hibernating, "queue_entries",
	    (json_int_t)sums.queue_entries, "queue_bytes", (json_int_t)sums.queue_bytes,
	    "block_bytes", (json_int_t)sums.block_bytes));
}

/* --- the command --- */

static size_t
keep_named(struct session_views *views, const struct jid *jid)
{
	size_t kept = 0;

	for (size_t i = 0; i < views->count; i++)
		if (session_view_is(&views->all[i], jid))
			views->all[kept++] = views->all[i];
	return kept;
}

int
sessions_run(struct ctl *ctl)
{
	struct session_views views;
	struct jid jid;
	int status = 0;

	ctl_bound(CTL_SECONDS);
	if (ctl->arguments.operand != NULL)
		status = ctl_parse_jid(ctl, &jid);
	if (status == 0)
		status = ctl_open_config(ctl);
	if (status == 0)
		status = ctl_attach(ctl);
	if (status != 0)
		return status;
	session_views_read(ctl, &views);
	if (ctl->arguments.operand != NULL)
		views.count = keep_named(&views, &jid);
	status = ctl->arguments.json ? write_json(ctl, views.all, views.count)
				     : write_table(ctl, views.all, views.count);
	session_views_free(&views);
	return status;
}
