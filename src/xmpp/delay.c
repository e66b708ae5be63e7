/* delay.c -- XEP-0203: when a stanza was sent that arrives late. */
#include "xmpp/delay.h"

#include "base/clock.h"

void
delay_strip(struct element *stanza, struct slice from)
{
	struct element *child = element_first(stanza);

	while (child != NULL) {
		struct element *next = element_next(stanza, child);

		if (element_is(child, NS_DELAY, "delay") &&
		    slice_equal(element_attribute(child, "from"), from))
			element_remove(stanza, child);
		child = next;
	}
}

void
delay_stamp(struct arena *arena, struct element *stanza, struct slice from, uint64_t wall_us)
{
	char stamp[CLOCK_STAMP_SIZE];
	struct element *delay;

	delay_strip(stanza, from);
	clock_stamp(wall_us, stamp, sizeof(stamp));
	delay = element_add(arena, stanza, NS_DELAY, "delay");
	element_set(arena, delay, "from", from);
	element_set(arena, delay, "stamp", arena_copy(arena, slice_from_text(stamp)));
}
