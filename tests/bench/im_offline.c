/* im_offline.c -- messages for those who are away, and their logins afterwards. */
#include "tests/bench/im.h"

#include <stdio.h>

#include "base/memory.h"
#include "tests/bench/split.h"

static const struct im_options *options;
static uint32_t *next; /* at each user */

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

static void
write_all(struct peer *writer)
{
	uint64_t count = (uint64_t)options->actors * options->entries;
	uint64_t start = peer_now_ns();

	for (uint64_t i = 0; i < count && chat_counts.broken == 0; i++) {
		while (options->rate != 0 && chat_counts.broken == 0 &&
		       i > (peer_now_ns() - start) / 1000 * options->rate / 1000000) {
			peer_flush(writer);
			peer_turn(1);
		}
		write_one(writer, 1 + (unsigned)(i % options->actors),
			  (unsigned)(i / options->actors));
	}
	peer_flush(writer);
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
	return !split_is(element, "stream:error");
}

static bool
keep_messages(const struct login_options *login, struct peer *peers,
	      struct im_figures *figures)
{
	struct usage_set before;

	if (!login_all(login, peers, 1))
		return false;
	im_wait_for_quiet(options);
	chat_expect(0);
	usage_take(options->server, &before);
	write_all(&peers[0]);
	while (buffer_length(&peers[0].out) > 0 && chat_counts.broken == 0)
		peer_turn(20);
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
	if (!login_all(login, peers + 1, options->actors))
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
	for (unsigned i = 1; i <= options->actors; i++)
		peer_close(&peers[i], false);
	im_wait_for_quiet(options);
	return fetch_messages(&login, peers, figures, &figures->bare);
}
