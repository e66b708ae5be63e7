/* route_fuzz.c -- elements of bound clients, one after the other: each request is answered once, nobody speaks for another. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "shm/blocks.h"
#include "tests/fuzz/kept.h"
#include "tests/fuzz/still.h"
#include "tests/unit/core_kit.h"
#include "tests/unit/worker_caller.h"
#include "xml/parser.h"
#include "xml/writer.h"
#include "xmpp/jid.h"

/*
 * An input is lines. The first byte of each says who does what:
 *	a b c	romeo/orchard, juliet/balcony or romeo/phone sends the rest: whole elements, else the line is passed over
 *	- X	the connection of X is lost
 *	+ X	X comes again, and resumes where it can; a third character: with that much off its count
 *	! X	the administrator ends X
 *	t N	N seconds pass
 */
#define LINES	  40
#define INPUT_MAX 16384
#define IDS	  64
#define ID_MAX	  64
#define SENT	  256

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a client asked for, or has sent, by its id. */
struct note {
	char	 id[ID_MAX];
	unsigned asked;		/* requests that the server itself must answer */
	unsigned answered;
	unsigned sent[2];	/* messages, requests */
	bool	 is_unclear;	/* one of that id went to somebody else, too */
};

struct client {
	const char     *name, *resource, *full;
	struct caller	caller;
	struct parser  *parser;
	bool		is_here;
	uint64_t	stanzas;	/* sent, from its binding on */
	uint32_t	heard;		/* stanzas since then */
	bool		is_managed;
	char		resume_id[40];
	bool		is_resuming, is_refused;
	struct note	notes[IDS];
	int		note_count;
};

static struct worker worker;
static struct client clients[] = {
	{ .name = "romeo", .resource = "orchard", .full = "romeo@localhost/orchard" },
	{ .name = "juliet", .resource = "balcony", .full = "juliet@localhost/balcony" },
	{ .name = "romeo", .resource = "phone", .full = "romeo@localhost/phone" },
};
#define CLIENTS ((int)(sizeof(clients) / sizeof(clients[0])))

static const char config[] =
    "hosts = ( { name = \"localhost\"; require_tls = false; admins = [ \"romeo@localhost\" ]; } );";

/* What we say may be longer than what it was made from. */
static const struct parser_limits loose_limits = {
	.stanza_bytes = 1 << 28,
	.token_bytes = 1 << 28,
	.value_bytes = 1 << 28,
	.name_bytes = 1 << 20,
	.memory = 1 << 28,
	.depth = 1000,
	.attributes = 100000,
	.namespaces = 1000000,
	.elements = 1000000,
};

static const struct parser_limits line_limits = {
	.stanza_bytes = 100000,
	.token_bytes = 65536,
	.value_bytes = 16384,
	.name_bytes = 256,
	.memory = 262144,
	.depth = 64,
	.attributes = 64,
	.namespaces = 64,
	.elements = 2000,
};

/* --- notes --- */

static struct note *
note_of(struct client *client, struct slice id)
{
	struct note *note;

	if (id.length == 0 || id.length >= ID_MAX)
		return NULL;
	for (int i = 0; i < client->note_count; i++)
		if (slice_is(id, client->notes[i].id))
			return &client->notes[i];
	if (client->note_count == IDS)
		return NULL;
	note = &client->notes[client->note_count++];
	*note = (struct note){ .asked = 0 };
	memcpy(note->id, id.data, id.length);
	return note;
}

static struct client *
client_of(struct slice full)
{
	for (int i = 0; i < CLIENTS; i++)
		if (slice_is(full, clients[i].full))
			return &clients[i];
	return NULL;
}

static bool
is_type(const struct element *element, const char *type)
{
	return slice_is(element_attribute(element, "type"), type);
}

static bool
is_stanza(const struct element *element)
{
	return element->ns == NS_CLIENT &&
	    (slice_is(element->name, "iq") || slice_is(element->name, "message") ||
		slice_is(element->name, "presence"));
}

static bool
is_request(const struct element *element)
{
	return element_is(element, NS_CLIENT, "iq") &&
	    (is_type(element, "get") || is_type(element, "set"));
}

/* --- what clients send --- */

/* To a resource: who answers, if anybody, is not the server alone. */
static bool
goes_to_another(const struct element *element)
{
	struct slice to = element_attribute(element, "to");
	struct arena arena;
	struct jid jid;
	bool is_another;

	if (to.data == NULL)
		return false;
	arena_init(&arena);
	is_another = !jid_parse(&arena, to, &jid) ||
	    (jid.local.length > 0 && jid.resource.length > 0) ||
	    !slice_is(jid.domain, "localhost");
	arena_clear(&arena);
	return is_another;
}

static void
note_sent(struct client *client, struct element *element)
{
	struct note *note = note_of(client, element_attribute(element, "id"));

	if (!is_stanza(element))
		return;
	client->stanzas++;
	if (note == NULL)
		return;
	if (element_is(element, NS_CLIENT, "message"))
		note->sent[0]++;
	if (is_request(element))
		note->sent[1]++;
	if (is_request(element) && !goes_to_another(element))
		note->asked++;
	else if (element_is(element, NS_CLIENT, "iq"))
		note->is_unclear = true;
}

struct line {
	struct client *client;	/* NULL: only counted */
	int	       elements;
};

static void
on_line_element(void *owner, struct element *element)
{
	struct line *line = owner;

	line->elements++;
	if (line->client != NULL)
		note_sent(line->client, element);
}

static void
on_nothing(void *owner, struct element *element)
{
	(void)owner;
	(void)element;
}

static void
on_end(void *owner)
{
	ensure(owner != NULL);
}

/* Whole elements and nothing else. */
static bool
read_line(struct slice bytes, struct client *client)
{
	static const struct parser_events events = { on_nothing, on_line_element, on_end };
	struct line line = { .client = client };
	struct parser *parser = parser_new(&events, &line, &line_limits);
	size_t consumed;
	bool is_whole = parser_feed(parser, SLICE(CALLER_HEADER), &consumed) == PARSER_OK &&
	    parser_feed(parser, bytes, &consumed) == PARSER_OK && consumed == bytes.length &&
	    parser_is_at_rest(parser);

	parser_free(&parser);
	return is_whole && line.elements > 0;
}

static void
send_element(struct client *client, const struct element *element)
{
	struct buffer text;

	buffer_init(&text);
	writer_append(element, NS_CLIENT, &text);
	caller_say_bytes(&client->caller, buffer_slice(&text));
	buffer_clear(&text);
	client->stanzas++;
}

/* --- what clients hear --- */

/* A client that knows what it is asked, and little else. */
static void
answer(struct client *client, const struct element *request)
{
	struct element *payload = element_first(request), *query;
	struct element *iq;
	struct arena arena;

	arena_init(&arena);
	iq = element_new(&arena, NS_CLIENT, "iq");
	element_set(&arena, iq, "type", SLICE("result"));
	element_set(&arena, iq, "id", element_attribute(request, "id"));
	if (element_attribute(request, "from").data != NULL)
		element_set(&arena, iq, "to", element_attribute(request, "from"));
	if (payload != NULL && slice_is(payload->ns_uri, "http://jabber.org/protocol/disco#info")) {
		query = element_add(&arena, iq, payload->ns, "query");
		if (element_attribute(payload, "node").data != NULL)
			element_set(&arena, query, "node", element_attribute(payload, "node"));
		element_set(&arena, element_add(&arena, query, payload->ns, "identity"),
		    "category", SLICE("client"));
		element_set(&arena, element_first(query), "type", SLICE("pc"));
		element_set(&arena, element_add(&arena, query, payload->ns, "feature"), "var",
		    SLICE("urn:xmpp:ping"));
	}
	send_element(client, iq);
	arena_clear(&arena);
}

/* A message or request of a client was sent by it: with that id. */
static void
check_from(const struct element *element)
{
	struct client *from = client_of(element_attribute(element, "from"));
	struct slice id = element_attribute(element, "id");
	struct note *note;

	if (from == NULL || id.length == 0 || id.length >= ID_MAX || is_type(element, "error"))
		return;
	if (!element_is(element, NS_CLIENT, "message") && !is_request(element))
		return;
	note = note_of(from, id);
	ensure(note == NULL || note->sent[is_request(element)] > 0);
}

static void
check_answer(struct client *client, const struct element *element)
{
	struct slice from = element_attribute(element, "from");
	struct note *note;
	struct jid jid;

	jid_split(from.data == NULL ? SLICE_EMPTY : from, &jid);
	if (jid.local.length > 0 && jid.resource.length > 0)
		return;
	note = note_of(client, element_attribute(element, "id"));
	if (note == NULL || note->is_unclear)
		return;
	note->answered++;
	ensure(note->answered <= note->asked);
}

static void
on_management(struct client *client, const struct element *element)
{
	int64_t h;

	if (slice_is(element->name, "enabled")) {
		struct slice id = element_attribute(element, "id");

		client->is_managed = true;
		client->heard = 0;
		snprintf(client->resume_id, sizeof(client->resume_id), SLICE_FMT, SLICE_ARG(id));
	}
	if (slice_is(element->name, "failed") && client->is_resuming)
		client->is_refused = true;
	if (slice_is(element->name, "resumed") || slice_is(element->name, "failed"))
		client->is_resuming = false;
	if (slice_is(element->name, "a") || slice_is(element->name, "resumed")) {
		ensure(slice_to_int(element_attribute(element, "h"), 0, UINT32_MAX, &h));
		ensure((uint64_t)h <= client->stanzas);
	}
}

static void
on_heard(void *owner, struct element *element)
{
	struct client *client = owner;

	if (!is_stanza(element)) {
		on_management(client, element);
		return;
	}
	client->heard++;
	check_from(element);
	if (is_request(element))
		answer(client, element);
	else if (element_is(element, NS_CLIENT, "iq"))
		check_answer(client, element);
}

static void
on_stream_end(void *owner)
{
	(void)owner;
}

static void
hear_with(struct client *client, const char *text)
{
	size_t consumed;

	ensure(parser_feed(client->parser, slice_from_text(text), &consumed) == PARSER_OK);
}

static bool
hear(struct client *client)
{
	struct buffer copy;
	const char *text = caller_hear(&client->caller);
	bool some = text[0] != '\0';

	buffer_init(&copy);
	buffer_append(&copy, slice_of(text, strlen(text) + 1));
	hear_with(client, buffer_slice(&copy).data);
	buffer_clear(&copy);
	return some;
}

/* --- coming and going --- */

static void
forget_asked(struct client *client)
{
	for (int i = 0; i < client->note_count; i++)
		client->notes[i].is_unclear = true;
}

static void
leave(struct client *client)
{
	if (!client->is_here)
		return;
	parser_free(&client->parser);
	caller_close(&client->caller);
	client->is_here = false;
	client->is_managed = client->is_managed && client->resume_id[0] != '\0';
	forget_asked(client);
}

static void
check_handled(struct client *client)
{
	struct session *session = caller_session(&client->caller);
	uint64_t h_in;

	if (session == NULL)
		return;
	h_in = atomic_load(&session->slot->h_in);
	ensure(h_in <= session->received && atomic_load(&session->slot->h_safe) <= h_in);
}

static void
bind_resource(struct client *client)
{
	char text[300];

	client->is_managed = false;
	client->is_refused = false;
	client->stanzas = 1;
	note_of(client, SLICE("bind"))->asked++;
	snprintf(text, sizeof(text),
	    "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<resource>%s</resource></bind></iq>",
	    client->resource);
	caller_say(&client->caller, text);
}

/* Until nobody has anything to say. */
static void
settle(void)
{
	bool more = true;

	for (int i = 0; more && i < 100; i++) {
		more = false;
		core_commit(&worker);
		for (int j = 0; j < CLIENTS; j++) {
			if (!clients[j].is_here)
				continue;
			more |= hear(&clients[j]);
			check_handled(&clients[j]);
			if (clients[j].is_refused)
				bind_resource(&clients[j]);
			if (caller_is_closed(&clients[j].caller) && !more)
				leave(&clients[j]);
		}
	}
}

static void
begin_parser(struct client *client)
{
	static const struct parser_events events = { on_nothing, on_heard, on_stream_end };
	size_t consumed;

	client->parser = parser_new(&events, client, &loose_limits);
	ensure(parser_feed(client->parser, SLICE(CALLER_HEADER), &consumed) == PARSER_OK);
}

static void
resume(struct client *client, uint32_t off)
{
	char text[200];

	snprintf(text, sizeof(text), "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%u'/>",
	    client->resume_id, client->heard + off);
	client->is_resuming = true;
	caller_say(&client->caller, text);
}

static void
come(struct client *client, uint32_t off)
{
	if (client->is_here)
		return;
	caller_open(&client->caller, &worker, 0, false);
	caller_login(&client->caller, client->name);
	client->is_here = true;
	begin_parser(client);
	if (client->is_managed && client->resume_id[0] != '\0')
		resume(client, off);
	else
		bind_resource(client);
}

/* --- one line --- */

static void
act(struct slice line)
{
	struct client *client;
	int64_t number;
	char verb = line.data[0];
	bool is_word = verb == '-' || verb == '+' || verb == '!';

	if (verb == 't') {
		if (slice_to_int(slice_after(line, 1), 1, 100000, &number))
			worker_pass(&worker, (uint64_t)number * 1000);
		return;
	}
	if (line.length < 2)
		return;
	if (is_word)
		verb = line.data[1];
	if (verb < 'a' || verb >= 'a' + CLIENTS)
		return;
	client = &clients[verb - 'a'];
	line = slice_after(line, is_word ? 2 : 1);
	switch (is_word ? (line.data - 2)[0] : ' ') {
	case '-':
		leave(client);
		break;
	case '+':
		come(client, line.length > 0 ? (uint8_t)line.data[0] & 7 : 0);
		break;
	case '!':
		if (client->is_here)
			slot_ask(worker.server.shm, client->caller.ref, ORDER_KICK);
		break;
	default:
		if (client->is_here && read_line(line, NULL)) {
			read_line(line, client);
			caller_say_bytes(&client->caller, line);
		}
	}
}

/* --- before and after --- */

static void
end_worker(void)
{
	core_end(&worker);
	worker_end(&worker);
}

static void
make_worker(void)
{
	struct worker_options options = { .config = config, .has_msg = true };

	worker_begin(&worker, &options);
	core_begin(&worker);
	kept_begin(&worker);
	atexit(end_worker);
	alarm(0);
	log_set_level(LOG_ERROR);
	log_to_fd(STDERR_FILENO);
}

/* What a thread works at, or a timer waits for, is answered in the end. */
static bool
is_answered(const struct client *client)
{
	for (int i = 0; i < client->note_count; i++)
		if (!client->notes[i].is_unclear &&
		    client->notes[i].answered != client->notes[i].asked)
			return false;
	return true;
}

static void
await_answers(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		for (int tries = 0; !is_answered(&clients[i]) && clients[i].is_here; tries++) {
			ensure(tries < 100);
			worker_pass(&worker, 1000);
			settle();
		}
	}
}

static void
check_clean(void)
{
	struct shm *shm = worker.server.shm;
	uint32_t used, committed;

	for (int i = 0; i < 10 && slot_count(shm) > 0; i++) {
		worker_pass(&worker, 700000);
		core_commit(&worker);
	}
	ensure(slot_count(shm) == 0);
	blocks_count(shm, 0, &used, &committed);
	ensure(used == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size);

	if (size > INPUT_MAX)
		return 0;
	if (worker.server.shm == NULL)
		make_worker();
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].note_count = 0;
		clients[i].is_managed = false;
		clients[i].is_resuming = clients[i].is_refused = false;
		clients[i].resume_id[0] = '\0';
	}
	still_seed(1);
	come(&clients[0], 0);
	come(&clients[1], 0);
	settle();
	for (int i = 0; i < LINES && rest.length > 0; i++) {
		size_t end = slice_find(rest, '\n');

		if (end > 0)
			act(slice_of(rest.data, end));
		settle();
		rest = slice_after(rest, end < rest.length ? end + 1 : end);
	}
	await_answers();
	for (int i = 0; i < CLIENTS; i++)
		leave(&clients[i]);
	core_commit(&worker);
	check_clean();
	if (kept_is_asked(&worker))
		kept_restore(&worker);
	return 0;
}
