/* workers.c -- `workers`: the processes of the server, and what each costs. */
#include <inttypes.h>

#include "ctl/answer.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/process_view.h"
#include "ctl/table.h"

static const struct table_column columns[] = {
	{ "PROCESS", TABLE_LEFT },    { "NUMBER", TABLE_RIGHT },
	{ "PID", TABLE_RIGHT },       { "GENERATION", TABLE_RIGHT },
	{ "STATE", TABLE_LEFT },      { "UP", TABLE_RIGHT },
	{ "HEARTBEAT", TABLE_RIGHT }, { "SESSIONS", TABLE_RIGHT },
	{ "IN", TABLE_RIGHT },        { "OUT", TABLE_RIGHT },
	{ "CPU", TABLE_RIGHT },       { "RSS", TABLE_RIGHT },
	{ "PSS", TABLE_RIGHT },       { 0 },
};

static void
add_row(struct table *table, const struct process_view *view)
{
	table_add(table, slice_from_text(view->kind));
	table_printf(table, "%" PRIu32, view->number);
	table_printf(table, "%" PRIu32, view->pid);
	table_printf(table, "%" PRIu32, view->generation);
	table_add(table, slice_from_text(process_state_name(view->state)));
	table_duration(table, view->up_ms);
	table_printf(table, "%" PRIu64 ".%" PRIu64 " s", view->heartbeat_age_ms / 1000,
		     view->heartbeat_age_ms % 1000 / 100);
	table_printf(table, "%" PRIu64, view->sessions);
	table_printf(table, "%" PRIu64, view->stanzas_in);
	table_printf(table, "%" PRIu64, view->stanzas_out);
	table_printf(table, "%" PRIu64 ".%02" PRIu64 " s", view->proc.cpu_ms / 1000,
		     view->proc.cpu_ms % 1000 / 10);
	table_bytes(table, view->proc.rss_bytes);
	if (view->proc.has_pss)
		table_bytes(table, view->proc.pss_bytes);
	else
		table_add(table, SLICE_EMPTY);
}

static json_t *
process_json(const struct process_view *view)
{
	char handling[17];

	snprintf(handling, sizeof(handling), "%016" PRIx64, view->handling);
	return json_pack(
	    "{ss sI sI sI ss sI sI sI sI sI ss sI sI so}", "kind", view->kind, "number",
	    (json_int_t)view->number, "pid", (json_int_t)view->pid, "generation",
	    (json_int_t)view->generation, "state", process_state_name(view->state),
	    "up_ms", (json_int_t)view->up_ms, "heartbeat_age_ms",
	    (json_int_t)view->heartbeat_age_ms, "sessions", (json_int_t)view->sessions,
	    "stanzas_in", (json_int_t)view->stanzas_in, "stanzas_out",
	    (json_int_t)view->stanzas_out, "handling", handling, "cpu_ms", (json_int_t)view->proc.cpu_ms,
	    "rss_bytes", (json_int_t)view->proc.rss_bytes, "pss_bytes",
	    view->proc.has_pss ? json_integer((json_int_t)view->proc.pss_bytes)
			       : json_null());
}

static int
write_json(const struct process_view *views, int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(list, process_json(&views[i]));
	return answer_write(json_pack("{so}", "processes", list));
}

int
workers_run(struct ctl *ctl)
{
	struct process_view views[PROCESS_VIEWS_MAX];
	struct table *table;
	int status, count;

	ctl_bound(CTL_SECONDS);
	status = ctl_open_config(ctl);
	if (status == 0)
		status = ctl_attach(ctl);
	if (status != 0)
		return status;
	count = process_views_read(ctl, views);
	if (ctl->arguments.json)
		return write_json(views, count);
	table = table_new(columns);
	for (int i = 0; i < count; i++)
		add_row(table, &views[i]);
	table_write(table, stdout);
	table_free(&table);
	return 0;
}
