/* im_presence.c -- presence of some to many, each counted where it arrives. */
#include "tests/bench/im.h"

#include "base/memory.h"
#include "tests/bench/split.h"

/* A status: the sender's number, that of the presence, and when it was written. */
#define STATUS_LENGTH (2 * IM_DIGITS)

static const struct im_options *options;
static struct peer *peers;
static uint32_t *next; /* of each actor, at each user */
static uint32_t *sent;
static unsigned *missing;
static uint64_t *written;

static void
send_presence(unsigned actor)
{
	if (!chat_is_sending() ||
	    (options->messages != 0 && sent[actor] == options->messages))
		return;
	buffer_printf(&peers[actor].out, "<presence><status>%08x%08x</status></presence>",
		      actor, sent[actor]++);
	missing[actor] = options->contacts + 1;
	chat_counts.sent += missing[actor];
	written[actor] = peer_now_ns();
	peer_flush(&peers[actor]);
}

static bool
is_for(unsigned actor, unsigned user)
{
	unsigned rest = options->users - options->actors;
	unsigned first = actor * options->contacts % rest;

	if (user < options->actors)
		return user == actor;
	return (user - options->actors + rest - first) % rest < options->contacts;
}

static void
on_presence(const struct peer *peer, struct slice element)
{
	struct slice status = split_text(element, "status");
	uint32_t actor = im_number(status);
	uint32_t number;

	if (split_tag_has(element, "type='error'"))
		chat_counts.refused++;
	if (status.length == 0) /* of a login */
		return;
	number =
	    im_number(slice_after(status, status.length < IM_DIGITS ? 0 : IM_DIGITS));
	if (status.length != STATUS_LENGTH || actor >= options->actors ||
	    number >= sent[actor] || !is_for(actor, peer->number)) {
		chat_counts.damaged++;
		return;
	}
	if (!im_note(&next[peer->number * options->actors + actor], number))
		return;
	latency_add(&chat_counts.latency, peer_now_ns() - written[actor]);
	if (--missing[actor] == 0)
		send_presence(actor);
}

static void
on_input(struct peer *peer)
{
	struct slice element;
	size_t length;

	while ((length = split_next(buffer_slice(&peer->in), &element)) > 0) {
		if (split_is(element, "presence"))
			on_presence(peer, element);
		buffer_take(&peer->in, length);
	}
}

void
im_presence_start(const struct im_options *given, struct peer *all)
{
	options = given;
	peers = all;
	next = memory_new((size_t)options->users * options->actors * sizeof(*next));
	sent = memory_new(options->actors * sizeof(*sent));
	missing = memory_new(options->actors * sizeof(*missing));
	written = memory_new(options->actors * sizeof(*written));
	peer_set_input(on_input);
	chat_expect(options->messages * options->actors * (options->contacts + 1));
	for (unsigned i = 0; i < options->actors; i++)
		send_presence(i);
}
