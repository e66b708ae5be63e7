/* limits.c -- `limits`: every limit of the server, how near it came, and how often somebody met it. */
#include <inttypes.h>

#include "base/buffer.h"
#include "config/config.h"
#include "config/option_value.h"
#include "config/options.h"
#include "ctl/answer.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/table.h"
#include "shm/limits.h"
#include "shm/slots.h"

static const struct table_column columns[] = {
	{ "LIMIT", TABLE_LEFT }, { "VALUE", TABLE_LEFT }, { "USED", TABLE_RIGHT },
	{ "PEAK", TABLE_RIGHT }, { "BITES", TABLE_RIGHT }, { 0 },
};

/* What is in use now, where that is known without asking anybody. */
static bool
read_used(const struct shm *shm, enum limit limit, uint64_t *used)
{
	switch (limit) {
	case LIMIT_SESSIONS:
		*used = slot_count(shm);
		return true;
	case LIMIT_UNAUTHENTICATED:
		*used = limits_all_count(shm, ALL_UNAUTHENTICATED);
		return true;
	case LIMIT_UNAUTHENTICATED_ADDRESS:
		*used = limits_most(shm, LIMITS_ADDRESS);
		return true;
	case LIMIT_CONNECTED_ADDRESS:
		*used = limits_most(shm, LIMITS_CONNECTED);
		return true;
	default:
		return false;
	}
}

static void
write_value(const struct config *config, enum limit limit, struct buffer *out)
{
	const struct option_row *row = options_find(slice_from_text(limit_name(limit)));

	buffer_empty(out);
	if (row != NULL && row->scope == OPTION_SERVER)
		option_write(row, config, out);
}

/* Of limits that nobody looks at as long as there is room, only the bites are known. */
static void
add_row(struct table *table, const struct ctl *ctl, enum limit limit, struct buffer *value)
{
	uint64_t used, peak = limit_peak(ctl->shm, limit);

	write_value(ctl->config, limit, value);
	table_add(table, slice_from_text(limit_name(limit)));
	table_add(table, buffer_slice(value));
	if (read_used(ctl->shm, limit, &used))
		table_printf(table, "%" PRIu64, used);
	else
		table_add(table, SLICE_EMPTY);
	if (peak > 0)
		table_printf(table, "%" PRIu64, peak);
	else
		table_add(table, SLICE_EMPTY);
	table_printf(table, "%" PRIu64, limit_bites(ctl->shm, limit));
}

static json_t *
limit_json(const struct ctl *ctl, enum limit limit, struct buffer *value)
{
	uint64_t used;
	bool is_known = read_used(ctl->shm, limit, &used);
	struct slice text;

	write_value(ctl->config, limit, value);
	text = buffer_slice(value);
	return json_pack("{ss ss% so sI sI}", "name", limit_name(limit), "value", text.data,
	    text.length, "used", is_known ? json_integer((json_int_t)used) : json_null(), "peak",
	    (json_int_t)limit_peak(ctl->shm, limit), "bites",
	    (json_int_t)limit_bites(ctl->shm, limit));
}

static int
write_json(const struct ctl *ctl, struct buffer *value)
{
	json_t *list = json_array();

	for (int i = 0; i < LIMIT_COUNT; i++)
		json_array_append_new(list, limit_json(ctl, (enum limit)i, value));
	return answer_write(json_pack("{so}", "limits", list));
}

int
limits_run(struct ctl *ctl)
{
	struct buffer value;
	struct table *table;
	int status;

	ctl_bound(CTL_SECONDS);
	status = ctl_open_config(ctl);
	if (status == 0)
		status = ctl_attach(ctl);
	if (status != 0)
		return status;
	buffer_init(&value);
	if (ctl->arguments.json) {
		status = write_json(ctl, &value);
	} else {
		table = table_new(columns);
		for (int i = 0; i < LIMIT_COUNT; i++)
			add_row(table, ctl, (enum limit)i, &value);
		table_write(table, stdout);
		table_free(&table);
	}
	buffer_clear(&value);
	return status;
}
