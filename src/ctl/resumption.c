/* resumption.c -- stream management of one session (XEP-0198), as `session` shows it. */
#include "ctl/resumption.h"

#include <inttypes.h>

#include "base/clock.h"
#include "ctl/answer.h"
#include "ctl/print.h"

static bool
is_managed(const struct session_view *view)
{
	return (view->flags & SLOT_MANAGED) != 0;
}

static const char *
state_of(const struct session_view *view)
{
	if ((view->flags & SLOT_HIBERNATING) != 0)
		return "waits";
	if ((view->flags & SLOT_RESUMABLE) != 0)
		return "possible";
	return is_managed(view) ? "none" : "off";
}

static uint64_t
left_ms(const struct session_view *view)
{
	uint64_t now = clock_ms();

	return view->deadline_ms > now ? view->deadline_ms - now : 0;
}

static uint64_t
deadline_us(const struct session_view *view)
{
	return clock_wall_us() + left_ms(view) * 1000;
}

static struct slice
duration(struct arena *arena, uint64_t ms)
{
	struct buffer text;
	struct slice copy;

	buffer_init(&text);
	print_duration(&text, ms);
	copy = arena_copy(arena, buffer_slice(&text));
	buffer_clear(&text);
	return copy;
}

struct slice
resumption_text(struct arena *arena, const struct session_view *view)
{
	char stamp[CLOCK_STAMP_SIZE];

	if ((view->flags & SLOT_HIBERNATING) != 0) {
		clock_stamp(deadline_us(view), stamp, sizeof(stamp));
		return arena_printf(arena, "waits for its client, until %s (" SLICE_FMT ")", stamp,
				    SLICE_ARG(duration(arena, left_ms(view))));
	}
	if ((view->flags & SLOT_RESUMABLE) != 0)
		return arena_printf(arena, "possible, " SLICE_FMT " from a lost connection on",
				    SLICE_ARG(duration(arena, view->resume_ms)));
	return slice_from_text(state_of(view));
}

json_t *
resumption_json(const struct session_view *view)
{
	bool waits = (view->flags & SLOT_HIBERNATING) != 0;

	return json_pack("{ss sI so}", "state", state_of(view), "seconds",
			 (json_int_t)((waits ? left_ms(view) : view->resume_ms) / 1000),
			 "deadline", answer_time(waits ? deadline_us(view) : 0));
}

struct slice
resumption_unacked_text(struct arena *arena, const struct session_view *view)
{
	return arena_printf(arena, "%" PRIu64 " stanzas, %" PRIu64 " bytes",
			    view->queue_entries, view->queue_bytes);
}

json_t *
resumption_unacked_json(const struct session_view *view)
{
	return json_pack("{sI sI}", "stanzas", (json_int_t)view->queue_entries, "bytes",
			 (json_int_t)view->queue_bytes);
}

struct slice
resumption_h_text(struct arena *arena, const struct session_view *view)
{
	if (!is_managed(view))
		return SLICE("not counted");
	return arena_printf(arena, "%" PRIu32 " handled, %" PRIu32 " safe", view->h_in,
			    view->h_safe);
}

json_t *
resumption_h_json(const struct session_view *view)
{
	if (!is_managed(view))
		return json_null();
	return json_pack("{sI sI}", "handled", (json_int_t)view->h_in, "safe",
			 (json_int_t)view->h_safe);
}
