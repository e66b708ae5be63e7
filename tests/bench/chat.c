/* chat.c -- who talks to whom, and the proof that all came once and in order. */
#include "tests/bench/chat.h"

#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "tests/bench/managed.h"
#include "tests/bench/split.h"

/*
 * A body starts with the receiver's number, the message's number and when it was written,
 * in hexadecimal of fixed width, so that a template is copied and its digits are set.
 */
#define NUMBER_DIGITS 8
#define TIME_DIGITS   16
#define STAMP_LENGTH  (2 * NUMBER_DIGITS + TIME_DIGITS)
#define REMEMBERED    (2 * CHAT_WINDOW_MAX)

struct chat {
	struct peer *partner;
	char *message; /* the template */
	size_t length;
	size_t id_at;
	size_t stamp_at;
	uint32_t sent;
	uint32_t under_way;
	uint32_t next; /* the number expected from the partner */
	uint64_t seen[REMEMBERED / 64];
};

struct chat_counts chat_counts;

static const struct chat_options *options;
static bool is_sending;
static uint64_t goal;
static struct peer *senders;	/* where there is a rate */
static uint64_t started_ns;

/* --- sending --- */

static void
put_hex(char *out, uint64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value >>= 4)
		out[i] = "0123456789abcdef"[value & 15];
}

static void
send_one(struct peer *peer, uint64_t now)
{
	struct chat *chat = peer->chat;

	put_hex(chat->message + chat->id_at, chat->sent, NUMBER_DIGITS);
	put_hex(chat->message + chat->stamp_at + NUMBER_DIGITS, chat->sent,
		NUMBER_DIGITS);
	put_hex(chat->message + chat->stamp_at + (size_t)2 * NUMBER_DIGITS, now,
		TIME_DIGITS);
	peer_write(peer, slice_of(chat->message, chat->length));
	if (peer->managed != NULL)
		managed_note_sent(peer, 1);
	chat->sent++;
	chat->under_way++;
	chat_counts.sent++;
}

/* A server that promises before it has written needs a pace that its disk can keep. */
static bool
is_due(uint64_t now)
{
	return options->rate == 0 ||
	       chat_counts.sent < (now - started_ns) / 1000 * options->rate / 1000000;
}

static void
fill_window(struct peer *peer)
{
	struct chat *chat = peer->chat;
	uint64_t now = peer_now_ns();

	if (!options->both_ways && peer->number % 2 != 0)
		return;
	while (is_sending && chat->under_way < options->window &&
	       (options->messages == 0 || chat->sent < options->messages))
		send_one(peer, now);
	peer_flush(peer);
}

/* --- receiving --- */

static bool
take_hex(const char *text, int digits, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < digits; i++) {
		unsigned digit = (unsigned)text[i] - '0';

		if (digit > 9)
			digit = (unsigned)text[i] - 'a' + 10;
		if (digit > 15)
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static bool
is_seen(const struct chat *chat, uint32_t number)
{
	return chat->seen[number % REMEMBERED / 64] >> number % 64 & 1;
}

static void
set_seen(struct chat *chat, uint32_t number, bool value)
{
	uint64_t bit = UINT64_C(1) << number % 64;

	if (value)
		chat->seen[number % REMEMBERED / 64] |= bit;
	else
		chat->seen[number % REMEMBERED / 64] &= ~bit;
}

/* False: it has come before. A gap counts as out of order when what was left out comes
 * after all. */
static bool
note_number(struct chat *chat, uint32_t number)
{
	if (number < chat->next &&
	    (chat->next - number > REMEMBERED || is_seen(chat, number))) {
		chat_counts.doubled++;
		return false;
	}
	if (number < chat->next)
		chat_counts.reordered++;
	for (; chat->next < number; chat->next++)
		set_seen(chat, chat->next, false);
	set_seen(chat, number, true);
	if (number >= chat->next)
		chat->next = number + 1;
	return true;
}

/* The template's padding is what every body ends with. */
static bool
is_whole(const struct chat *chat, struct slice body)
{
	const struct chat *sender = chat->partner->chat;

	return body.length == options->body &&
	       memcmp(body.data + STAMP_LENGTH,
		      sender->message + sender->stamp_at + STAMP_LENGTH,
		      body.length - STAMP_LENGTH) == 0;
}

static void
on_message(struct peer *peer, struct slice element)
{
	struct chat *chat = peer->chat;
	struct chat *sender = chat->partner->chat;
	struct slice body = split_text(element, "body");
	uint64_t to, number, written;

	if (split_tag_has(element, "type='error'")) {
		if (chat_counts.refused++ == 0)
			fprintf(stderr, "load: refused: %.*s\n", (int)element.length,
				element.data);
		return;
	}
	if (!is_whole(chat, body) || !take_hex(body.data, NUMBER_DIGITS, &to) ||
	    !take_hex(body.data + NUMBER_DIGITS, NUMBER_DIGITS, &number) ||
	    !take_hex(body.data + (size_t)2 * NUMBER_DIGITS, TIME_DIGITS, &written) ||
	    to != peer->number || number >= sender->sent) {
		chat_counts.damaged++;
		return;
	}
	if (!note_number(chat, (uint32_t)number))
		return;
	chat_counts.received++;
	sender->under_way--;
	latency_add(&chat_counts.latency, peer_now_ns() - written);
}

static void
on_input(struct peer *peer)
{
	struct chat *chat = peer->chat;
	struct slice element;
	bool came = false;
	size_t length;

	while ((length = split_next(buffer_slice(&peer->in), &element)) > 0) {
		if (peer->managed != NULL && managed_take(peer, element) == MANAGED_WRONG)
			chat_counts.damaged++;
		if (split_is(element, "message") && chat != NULL) {
			on_message(peer, element);
			came = true;
		} else if (split_is(element, "stream:error")) {
			fprintf(stderr, "load: user %u: %.*s\n", peer->number,
				(int)element.length, element.data);
		}
		buffer_take(&peer->in, length);
	}
	if (came && senders == NULL)
		fill_window(chat->partner);
}

/* --- the whole --- */

static void
make_template(struct peer *peer)
{
	struct chat *chat = peer->chat;
	struct buffer text;

	buffer_init(&text);
	buffer_printf(&text, "<message to='%s%u@%s%s%s' type='chat' id='", options->user,
		      chat->partner->number, options->host,
		      options->resource == NULL ? "" : "/",
		      options->resource == NULL ? "" : options->resource);
	chat->id_at = buffer_length(&text);
	buffer_printf(&text, "%08x'><body>", 0u);
	chat->stamp_at = buffer_length(&text);
	buffer_printf(&text, "%08x%08x%016x", chat->partner->number, 0u, 0u);
	for (unsigned i = STAMP_LENGTH; i < options->body; i++)
		buffer_append_byte(&text, "the quick brown fox jumps "[i % 26]);
	buffer_printf(&text, "</body>%s</message>",
		      options->is_archived ? "" : "<no-store xmlns='urn:xmpp:hints'/>");
	chat->length = buffer_length(&text);
	chat->message = memory_copy_text(buffer_slice(&text));
	buffer_clear(&text);
}

void
chat_expect(uint64_t expected)
{
	memset(&chat_counts, 0, sizeof(chat_counts));
	goal = expected;
	is_sending = true;
	senders = NULL;
}

bool
chat_is_sending(void)
{
	return is_sending;
}

void
chat_start(const struct chat_options *given, struct peer *peers)
{
	options = given;
	ensure(options->body >= STAMP_LENGTH && options->window <= CHAT_WINDOW_MAX);
	peer_set_input(on_input);
	for (unsigned i = 0; i < 2 * options->pairs; i++) {
		struct chat *chat = NEW(struct chat);

		chat->partner = &peers[i ^ 1u];
		peers[i].chat = chat;
	}
	for (unsigned i = 0; i < 2 * options->pairs; i++)
		make_template(&peers[i]);
	chat_expect(options->messages * options->pairs * (options->both_ways ? 2 : 1));
	started_ns = peer_now_ns();
	if (options->rate != 0)
		senders = peers;
	else
		for (unsigned i = 0; i < 2 * options->pairs; i++)
			fill_window(&peers[i]);
}

void
chat_forget_latency(void)
{
	memset(&chat_counts.latency, 0, sizeof(chat_counts.latency));
}

bool
chat_is_complete(void)
{
	return goal != 0 && chat_counts.received == goal;
}

/* One message of each in turn. */
static void
send_what_is_due(void)
{
	static unsigned turn;
	unsigned count = 2 * options->pairs;
	uint64_t now = peer_now_ns();

	for (unsigned i = 0; i < count && is_due(now); i++, turn++) {
		struct peer *peer = &senders[turn % count];
		const struct chat *chat = peer->chat;

		if ((options->both_ways || peer->number % 2 == 0) &&
		    chat->under_way < options->window &&
		    (options->messages == 0 || chat->sent < options->messages)) {
			send_one(peer, now);
			peer_flush(peer);
		}
	}
}

void
chat_run(uint64_t until_ns)
{
	while (peer_now_ns() < until_ns && !chat_is_complete() && chat_counts.broken == 0) {
		if (senders != NULL)
			send_what_is_due();
		peer_turn(senders != NULL ? 1 : 10);
	}
}

void
chat_drain(uint64_t silence_ns)
{
	uint64_t received = chat_counts.received;
	uint64_t end = peer_now_ns() + silence_ns;

	is_sending = false;
	while (peer_now_ns() < end && chat_counts.received < chat_counts.sent &&
	       chat_counts.broken == 0) {
		peer_turn(10);
		if (chat_counts.received != received)
			end = peer_now_ns() + silence_ns;
		received = chat_counts.received;
	}
	for (int i = 0; i < 20; i++) /* a double would come now */
		peer_turn(5);
	chat_counts.lost = chat_counts.sent - chat_counts.received;
}

bool
chat_is_sound(void)
{
	return chat_counts.received == chat_counts.sent && chat_counts.doubled == 0 &&
	       chat_counts.reordered == 0 && chat_counts.damaged == 0 &&
	       chat_counts.refused == 0 && chat_counts.broken == 0;
}
