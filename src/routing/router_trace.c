/* router_trace.c -- what `rookeryctl trace` shows of a stanza: each station, and what was said there. */
#include "routing/router_trace.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "routing/router_private.h"
#include "session/session.h"
#include "shm/trace.h"
#include "stream/server.h"

#define LINE_MAX_BYTES 1024
#define JID_SHOWN      200

static void line(const struct stanza *stanza, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "2026-11-21T13:17:02.123456Z <sid> #<number> ..."; the worker stands before it. A body never stands in it. */
static void
line(const struct stanza *stanza, const char *format, ...)
{
	struct server *server = router_server(stanza->router);
	char text[LINE_MAX_BYTES];
	char stamp[CLOCK_STAMP_SIZE];
	va_list arguments;
	int used;

	clock_stamp(clock_wall_us(), stamp, sizeof(stamp));
	used = snprintf(text, sizeof(text), "%s %s #%llu ", stamp,
	    stanza->session == NULL ? "server" : stanza->session->id,
	    (unsigned long long)stanza->number);
	va_start(arguments, format);
	vsnprintf(text + used, sizeof(text) - (size_t)used, format, arguments);
	va_end(arguments);
	trace_line(server->shm, text);
}

/* Cut; "-" where there is none. */
static struct slice
shown(struct slice text)
{
	if (text.length == 0)
		return SLICE("-");
	return slice_of(text.data, text.length > JID_SHOWN ? JID_SHOWN : text.length);
}

void
router_trace_begin(struct stanza *stanza)
{
	struct shm *shm = router_server(stanza->router)->shm;

	if (!trace_is_on(shm))
		return;
	stanza->is_traced = trace_matches(shm, stanza->from.full) ||
	    (stanza->to.domain.length > 0 && trace_matches(shm, stanza->to.full));
	if (!stanza->is_traced)
		return;
	line(stanza, "%s %s id=" SLICE_FMT " from=" SLICE_FMT " to=" SLICE_FMT " payload=" SLICE_FMT,
	    stanza_kind_name(stanza->kind), stanza_type_name(stanza->type),
	    SLICE_ARG(shown(stanza->id)), SLICE_ARG(shown(stanza->from.full)),
	    SLICE_ARG(shown(stanza->to.full)),
	    SLICE_ARG(shown(stanza->payload == NULL ? SLICE_EMPTY : stanza->payload->ns_uri)));
}

static const char *
verdict_text(int verdict)
{
	switch (verdict) {
	case STANZA_PASS:
		return "pass";
	case STANZA_LATER:
		return "later";
	case STANZA_DONE:
		return "done";
	default:
		return stanza_condition_name((enum stanza_condition)verdict);
	}
}

void
router_trace_verdict(const struct stanza *stanza, const char *station, const char *feature,
    int verdict)
{
	if (stanza->is_traced)
		line(stanza, "%s%s%s: %s", station, feature[0] == 0 ? "" : " ", feature,
		    verdict_text(verdict));
}

void
router_trace_target(const struct stanza *stanza, struct slot_ref target)
{
	const struct slot *slot;

	if (!stanza->is_traced)
		return;
	slot = &router_server(stanza->router)->shm->slots[target.slot];
	line(stanza, "deliver slot=%u worker=%u sid=%.24s", target.slot,
	    atomic_load(&slot->owner) - 1, slot->stream_id);
}

void
router_trace_end(const struct stanza *stanza, int gone)
{
	if (stanza->is_traced && gone != 0)
		line(stanza, gone > 0 ? "targets had ended: %d" : "nothing happened: %d", gone);
}
