/* managed.c -- stream management as the load client speaks it (XEP-0198): counts, acknowledgements, resumption. */
#include "tests/bench/managed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/bench/split.h"

#define ACK_EVERY 10
#define NAMESPACE " xmlns='urn:xmpp:sm:3'"

struct managed {
	char id[64];	   /* empty: not enabled yet */
	uint32_t sent;
	uint32_t received;
	uint32_t handled;  /* of those sent, by the server's newest word */
	uint32_t unasked;  /* sent since it was asked for that */
};

void
managed_enable(struct peer *peer)
{
	memory_free(peer->managed);
	peer->managed = NEW(struct managed);
	peer_write(peer, SLICE("<enable" NAMESPACE " resume='true'/>"));
}

bool
managed_can_resume(const struct peer *peer)
{
	const struct managed *managed = peer->managed;

	return managed != NULL && managed->id[0] != '\0';
}

void
managed_resume(struct peer *peer)
{
	const struct managed *managed = peer->managed;

	buffer_printf(&peer->out, "<resume" NAMESPACE " previd='%s' h='%u'/>", managed->id,
	    managed->received);
}

static void
ask(struct peer *peer)
{
	struct managed *managed = peer->managed;

	peer_write(peer, SLICE("<r" NAMESPACE "/>"));
	managed->unasked = 0;
}

void
managed_note_sent(struct peer *peer, unsigned stanzas)
{
	struct managed *managed = peer->managed;

	managed->sent += stanzas;
	managed->unasked += stanzas;
	if (managed->unasked >= ACK_EVERY)
		ask(peer);
}

static void
acknowledge(struct peer *peer)
{
	const struct managed *managed = peer->managed;

	buffer_printf(&peer->out, "<a" NAMESPACE " h='%u'/>", managed->received);
}

/* --- what the server says --- */

/* Of the first tag; empty where it has none of that name. */
static struct slice
attribute(struct slice element, const char *name)
{
	char start[32];
	const char *end = memchr(element.data, '>', element.length);
	const char *value;
	int length = snprintf(start, sizeof(start), " %s='", name);

	if (end == NULL)
		return SLICE_EMPTY;
	value = memmem(element.data, (size_t)(end - element.data), start, (size_t)length);
	if (value == NULL)
		return SLICE_EMPTY;
	value += length;
	return slice_of(value, (size_t)((const char *)memchr(value, '\'', (size_t)(end - value)) -
				   value));
}

static bool
take_count(struct managed *managed, struct slice element)
{
	char digits[16];
	struct slice h = attribute(element, "h");

	if (h.length == 0 || h.length >= sizeof(digits))
		return false;
	snprintf(digits, sizeof(digits), SLICE_FMT, SLICE_ARG(h));
	managed->handled = (uint32_t)strtoul(digits, NULL, 10);
	return managed->handled <= managed->sent;
}

static bool
take_id(struct managed *managed, struct slice element)
{
	struct slice id = attribute(element, "id");

	if (id.length == 0 || id.length >= sizeof(managed->id))
		return false;
	snprintf(managed->id, sizeof(managed->id), SLICE_FMT, SLICE_ARG(id));
	return true;
}

enum managed_word
managed_take(struct peer *peer, struct slice element)
{
	struct managed *managed = peer->managed;

	if (split_is(element, "a"))
		return take_count(managed, element) ? MANAGED_COUNT : MANAGED_WRONG;
	if (split_is(element, "r")) {
		acknowledge(peer);
		return MANAGED_COUNT;
	}
	if (split_is(element, "enabled"))
		return take_id(managed, element) ? MANAGED_ENABLED : MANAGED_WRONG;
	if (split_is(element, "resumed"))
		return take_count(managed, element) && managed->handled == managed->sent
			   ? MANAGED_RESUMED
			   : MANAGED_WRONG;
	managed->received++;
	return MANAGED_STANZA;
}

/* --- the end --- */

static unsigned
count_unsettled(const struct peer *peers, unsigned count)
{
	unsigned unsettled = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct managed *managed = peers[i].managed;

		unsettled += managed == NULL || managed->handled != managed->sent;
	}
	return unsettled;
}

unsigned
managed_settle(struct peer *peers, unsigned count, uint64_t most_ns)
{
	uint64_t end = peer_now_ns() + most_ns;

	for (unsigned i = 0; i < count; i++)
		if (peers[i].managed != NULL && peers[i].fd >= 0) {
			ask(&peers[i]);
			peer_flush(&peers[i]);
		}
	while (count_unsettled(peers, count) > 0 && peer_now_ns() < end)
		peer_turn(10);
	return count_unsettled(peers, count);
}

/* What still comes is of no interest. */
static void
ignore(struct peer *peer)
{
	buffer_empty(&peer->in);
}

void
managed_leave(struct peer *peers, unsigned count)
{
	uint64_t end;

	peer_set_input(ignore);
	for (unsigned i = 0; i < count; i++)
		if (peers[i].managed != NULL && peers[i].fd >= 0) {
			acknowledge(&peers[i]);
			peer_write(&peers[i], SLICE("</stream:stream>"));
			peer_flush(&peers[i]);
		}
	end = peer_now_ns() + UINT64_C(200000000);
	while (peer_now_ns() < end)
		peer_turn(10);
}
