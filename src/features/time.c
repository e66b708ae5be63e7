/* time.c -- XEP-0202: tells the server's time. */
#include "features/feature.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

/* "+01:00" (XEP-0082 3.3). */
static struct slice
offset_from_utc(struct arena *arena, time_t now)
{
	struct tm local;
	long minutes;

	localtime_r(&now, &local);
	minutes = local.tm_gmtoff / 60;
	return arena_printf(arena, "%c%02ld:%02ld", minutes < 0 ? '-' : '+',
	    (minutes < 0 ? -minutes : minutes) / 60, (minutes < 0 ? -minutes : minutes) % 60);
}

static int
time_on_get(struct stanza *stanza)
{
	struct arena *arena = stanza->arena;
	uint64_t now = clock_wall_us();
	struct element *time_element = element_new(arena, NS_TIME, "time");
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(now, stamp, sizeof(stamp));
	element_add_text(arena, element_add(arena, time_element, NS_TIME, "tzo"),
	    offset_from_utc(arena, (time_t)(now / 1000000)));
	element_add_text(arena, element_add(arena, time_element, NS_TIME, "utc"),
	    arena_copy(arena, slice_from_text(stamp)));
	return router_reply(stanza, time_element);
}

static const struct iq_row time_iqs[] = {
	{ NS_TIME, "time", IQ_GET, SCOPE_HOST, time_on_get },
	{ 0 }
};

static const char *const time_vars[] = { "urn:xmpp:time", NULL };

const struct feature time_feature = {
	.name = "time",
	.spec = "XEP-0202 2.0",
	.about = "Tells the time of the server and its distance from UTC.",
	.iqs = time_iqs,
	.host_vars = time_vars,
};
