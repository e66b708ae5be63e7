/* im_roster.c -- rosters asked for whole, and changed item by item. */
#include "tests/bench/im.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/bench/split.h"

/* What a set brings: an answer and a push, in any order. */
enum { HAS_ANSWER = 1, HAS_PUSH = 2 };

#define FIRST_CONTACT 20u

struct asking {
	uint32_t number; /* of the request under way */
	unsigned has;
	bool is_ready; /* has asked for the roster, and so gets pushes */
	uint64_t written;
};

static const struct im_options *options;
static struct peer *peers;
static struct asking *askings;

/* A name as it was in an earlier run would be no change, and so no push. */
static void
ask(struct peer *peer)
{
	struct asking *asking = &askings[peer->number];

	if (!chat_is_sending() ||
	    (options->messages != 0 && asking->number == options->messages))
		return;
	if (options->task == IM_ROSTER_GET)
		buffer_printf(
		    &peer->out,
		    "<iq type='get' id='%08x'><query xmlns='jabber:iq:roster'/></iq>",
		    asking->number);
	else
		buffer_printf(&peer->out,
			      "<iq type='set' id='%08x'><query xmlns='jabber:iq:roster'>"
			      "<item jid='%s%u@%s' name='%08x %d'/></query></iq>",
			      asking->number, options->user,
			      FIRST_CONTACT + asking->number % options->entries,
			      options->host, asking->number, (int)getpid());
	asking->has = 0;
	asking->written = peer_now_ns();
	chat_counts.sent++;
	peer_flush(peer);
}

static struct slice
attribute(struct slice element, const char *start)
{
	const char *found = memmem(element.data, element.length, start, strlen(start));

	return found == NULL
		   ? SLICE_EMPTY
		   : slice_after(element, (size_t)(found - element.data) + strlen(start));
}

static void
next(struct peer *peer)
{
	struct asking *asking = &askings[peer->number];

	chat_counts.received++;
	latency_add(&chat_counts.latency, peer_now_ns() - asking->written);
	asking->number++;
	ask(peer);
}

static void
on_part(struct peer *peer, unsigned part, uint32_t number)
{
	struct asking *asking = &askings[peer->number];

	if (number != asking->number) {
		if (number < asking->number)
			chat_counts.doubled++;
		else
			chat_counts.damaged++;
		return;
	}
	if (asking->has & part)
		chat_counts.doubled++;
	asking->has |= part;
	if (asking->has == (HAS_ANSWER | HAS_PUSH))
		next(peer);
}

static void
on_roster(struct peer *peer, struct slice element)
{
	unsigned count = im_count_text(element, "<item ");

	if (count != options->entries) {
		fprintf(stderr, "load: a roster of %u items, not %u\n", count,
			options->entries);
		chat_counts.damaged++;
	}
	if (!askings[peer->number].is_ready) {
		askings[peer->number].is_ready = true;
		ask(peer);
	} else {
		askings[peer->number].has = HAS_PUSH;
		on_part(peer, HAS_ANSWER, im_number(attribute(element, " id='")));
	}
}

static void
on_push(struct peer *peer, struct slice element)
{
	struct slice id = attribute(element, " id='");
	const char *end = memchr(id.data, '\'', id.length);

	on_part(peer, HAS_PUSH, im_number(attribute(element, " name='")));
	if (end != NULL)
		buffer_printf(&peer->out, "<iq type='result' id='%.*s'/>",
			      (int)(end - id.data), id.data);
}

static void
on_iq(struct peer *peer, struct slice element)
{
	if (split_tag_has(element, "type='error'"))
		chat_counts.refused++;
	else if (split_tag_has(element, "type='set'"))
		on_push(peer, element);
	else if (memmem(element.data, element.length, "<query", 6) != NULL)
		on_roster(peer, element);
	else
		on_part(peer, HAS_ANSWER, im_number(attribute(element, " id='")));
}

static void
on_input(struct peer *peer)
{
	struct slice element;
	size_t length;

	while ((length = split_next(buffer_slice(&peer->in), &element)) > 0) {
		if (split_is(element, "iq"))
			on_iq(peer, element);
		buffer_take(&peer->in, length);
	}
}

void
im_roster_start(const struct im_options *given, struct peer *all)
{
	options = given;
	peers = all;
	askings = memory_new(options->users * sizeof(*askings));
	peer_set_input(on_input);
	chat_expect(options->messages * options->actors);
	for (unsigned i = 0; i < options->actors; i++) {
		peer_write(&peers[i], SLICE("<iq type='get' id='first'><query "
					    "xmlns='jabber:iq:roster'/></iq>"));
		peer_flush(&peers[i]);
	}
}
