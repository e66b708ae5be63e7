/* im_offline.c -- messages for those who are away, and their logins afterwards. */
#include "tests/bench/im.h"

#include <stdio.h>

#include "base/memory.h"
#include "tests/bench/split.h"

static const struct im_options *options;
static uint32_t *next; /* at each user */
static unsigned answered;

/* A body starts with the receiver's number and that of the message. */
static void
write_one(struct peer *writer, unsigned to, unsigned number)
{
	buffer_printf(&writer->out,
		      "<message to='%s%u@%s' type='chat' id='%08x'><body>%08x%08x",
		      options->user, to, options->host, number, to, number);
	for (unsigned at = 2 * IM_DIGITS; at < options->body; at++)
		buffer_append_byte(&writer->out, "the quick brown fox jumps "[at % 26]);
	buffer_append_text(&writer->out, "</body></message>");
}

/* Each to its own: a sender's next stanza waits until the one before is kept. */
static void
write_all(struct peer *writers)
{
	uint64_t count = (uint64_t)options->actors * options->entries;
	uint64_t start = peer_now_ns();

	for (uint64_t i = 0; i < count && chat_counts.broken == 0; i++) {
		unsigned writer = (unsigned)(i % options->actors);

		while (options->rate != 0 && chat_counts.broken == 0 &&
		       i > (peer_now_ns() - start) / 1000 * options->rate / 1000000)
			peer_turn(1);
		write_one(&writers[writer], options->actors + writer,
			  (unsigned)(i / options->actors));
		peer_flush(&writers[writer]);
	}
}

/* The answer to a question behind the last message says that it is kept. */
static void
wait_until_kept(struct peer *writers)
{
	uint64_t end = peer_now_ns() + UINT64_C(120000000000);

	for (unsigned i = 0; i < options->actors; i++) {
		buffer_printf(&writers[i].out,
			      "<iq type='get' id='kept' to='%s'>"
			      "<ping xmlns='urn:xmpp:ping'/></iq>",
			      options->host);
		peer_flush(&writers[i]);
	}
	while (answered < options->actors && chat_counts.broken == 0 &&
	       peer_now_ns() < end)
		peer_turn(20);
}

static void
note_refusal(struct slice element)
{
	if (chat_counts.refused++ == 0)
		fprintf(stderr, "load: refused: %.*s\n", (int)element.length,
			element.data);
}

static void
on_message(const struct peer *peer, struct slice element)
{
	struct slice body = split_text(element, "body");

	if (split_tag_has(element, "type='error'"))
		note_refusal(element);
	else if (body.length != options->body || im_number(body) != peer->number ||
		 im_number(slice_after(body, IM_DIGITS)) >= options->entries)
		chat_counts.damaged++;
	else
		im_note(&next[peer->number], im_number(slice_after(body, IM_DIGITS)));
}

static bool
on_element(struct peer *peer, struct slice element)
{
	if (split_is(element, "message"))
		on_message(peer, element);
	answered += split_is(element, "iq") && split_tag_has(element, "id='kept'");
	return !split_is(element, "stream:error");
}

static bool
keep_messages(const struct login_options *login, struct peer *peers,
	      struct im_figures *figures)
{
	struct usage_set before;

	if (!login_all(login, peers, options->actors))
		return false;
	im_wait_for_quiet(options);
	chat_expect(0);
	usage_take(options->server, &before);
	write_all(peers);
	wait_until_kept(peers);
	im_wait_for_quiet(options);
	im_note_usage(options, &before, &figures->in, figures);
	chat_counts.sent = (uint64_t)options->actors * options->entries;
	return true;
}

static bool
fetch_messages(const struct login_options *login, struct peer *peers,
	       struct im_figures *figures, struct usage_set *cost)
{
	struct usage_set before;

	usage_take(options->server, &before);
	if (!login_all(login, peers + options->actors, options->actors))
		return false;
	chat_drain(UINT64_C(3000000000));
	im_wait_for_quiet(options);
	im_note_usage(options, &before, cost, figures);
	return true;
}

bool
im_offline_run(const struct im_options *given, struct login_options login,
	       struct peer *peers, struct im_figures *figures)
{
	options = given;
	next = memory_new(options->users * sizeof(*next));
	login.on_element = on_element;
	if (!keep_messages(&login, peers, figures) ||
	    !fetch_messages(&login, peers, figures, &figures->out))
		return false;
	for (unsigned i = 0; i < options->actors; i++)
		peer_close(&peers[options->actors + i], false);
	im_wait_for_quiet(options);
	return fetch_messages(&login, peers, figures, &figures->bare);
}
