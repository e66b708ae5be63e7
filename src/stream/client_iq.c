/* client_iq.c -- questions before a session has stanzas: binding a resource (RFC 6120 7), making an account (XEP-0077). */
#include "stream/stream_private.h"

#include <stdio.h>

#include "stream/registration.h"
#include "xml/writer.h"

static void
write_element(struct stream *stream, const struct element *element)
{
	writer_append(element, NS_CLIENT, &stream->control);
	connection_want_write(stream->connection);
}

static void
refuse_iq_with(struct stream *stream, struct arena *arena, struct element *iq,
    enum stanza_condition condition, const char *text)
{
	struct element *reply = stanza_error_reply(arena, iq, condition, text);

	if (reply != NULL)
		write_element(stream, reply);
}

static void
refuse_iq(struct stream *stream, struct element *iq, enum stanza_condition condition)
{
	refuse_iq_with(stream, parser_arena(stream->parser), iq, condition, NULL);
}

static void
answer_bind(struct stream *stream, struct arena *arena, struct element *iq,
    struct slice full_jid)
{
	struct element *reply = element_new(arena, NS_CLIENT, "iq");
	struct element *bind = element_add(arena, reply, NS_BIND, "bind");

	element_set(arena, reply, "type", SLICE("result"));
	if (element_attribute(iq, "id").data != NULL)
		element_set(arena, reply, "id", element_attribute(iq, "id"));
	element_add_text(arena, element_add(arena, bind, NS_BIND, "jid"), full_jid);
	write_element(stream, reply);
}

void
client_bind(struct stream *stream, struct arena *arena, struct element *iq)
{
	struct element *bind = element_child(iq, NS_BIND, "bind");
	struct element *wanted = element_child(bind, NS_BIND, "resource");
	struct slice resource = wanted == NULL ? SLICE_EMPTY : element_text(arena, wanted);
	struct slice full_jid;
	int condition = stream->events->on_bind(stream->owner, resource, &full_jid);

	if (condition != 0) {
		refuse_iq_with(stream, arena, iq, (enum stanza_condition)condition, NULL);
		return;
	}
	answer_bind(stream, arena, iq, full_jid);
	stream_set_state(stream, STATE_READY);
}

static void
refuse_bind(struct stream *stream, struct element *iq, const char *why, uint64_t seconds)
{
	char text[120];

	snprintf(text, sizeof(text), "%s: try again in %llu s", why, (unsigned long long)seconds);
	refuse_iq_with(stream, parser_arena(stream->parser), iq, STANZA_RESOURCE_CONSTRAINT, text);
}

void
client_on_bind_iq(struct stream *stream, struct element *iq)
{
	uint64_t wait;

	if (element_child(iq, NS_BIND, "bind") == NULL ||
	    !slice_is(element_attribute(iq, "type"), "set")) {
		refuse_iq(stream, iq, STANZA_NOT_AUTHORIZED);
		return;
	}
	wait = guard_bind_wait(stream->server, atomic_load(&stream->slot->account));
	if (wait > 0) {
		refuse_bind(stream, iq, "too many new sessions of your account", wait);
		return;
	}
	wait = governor_admit(stream->server, GOVERNOR_LOGIN);
	if (wait > GOVERNOR_LONGEST_MS)
		refuse_bind(stream, iq, "too many new sessions", (wait + 999) / 1000);
	else if (wait > 0)
		stream_delay_bind(stream, iq, wait);
	else
		client_bind(stream, parser_arena(stream->parser), iq);
}

/* --- new accounts (XEP-0077) --- */

static bool
is_registration(struct stream *stream, struct element *iq)
{
	struct slice type = element_attribute(iq, "type");
	struct slice to = element_attribute(iq, "to");

	return stream->server->registration != NULL && stream_config_host(stream) != NULL &&
	    (slice_is(type, "get") || slice_is(type, "set")) &&
	    (to.data == NULL || slice_is(to, stream->host)) && element_count(iq) == 1 &&
	    element_child(iq, NS_REGISTER, "query") != NULL;
}

static void
register_account(struct stream *stream, struct element *iq)
{
	struct element *answer;

	if (++stream->attempts > CLIENT_FAILURES_MAX) {
		stream_fail(stream, STREAM_POLICY_VIOLATION, "too many attempts to register");
		return;
	}
	if (stream->registered) {
		refuse_iq(stream, iq, STANZA_NOT_ACCEPTABLE);
		return;
	}
	answer = stream->server->registration->on_iq(stream->server, stream->owner,
	    stream_config_host(stream), stream->secure, parser_arena(stream->parser), iq);
	if (answer != NULL) {
		write_element(stream, answer);
		return;
	}
	stream_set_state(stream, STATE_REGISTER);
	connection_pause(stream->connection);
	parser_pause(stream->parser);
}

/* Any other iq before the login is not authorized (RFC 6120 4.9.3.12). */
void
client_on_login_iq(struct stream *stream, struct element *iq)
{
	if (is_registration(stream, iq))
		register_account(stream, iq);
	else
		stream_fail(stream, STREAM_NOT_AUTHORIZED, NULL);
}

void
stream_registered(struct stream *stream, const struct element *answer)
{
	if (stream->state != STATE_REGISTER)
		return;
	stream->registered = slice_is(element_attribute(answer, "type"), "result");
	write_element(stream, answer);
	stream_set_state(stream, STATE_LOGIN);
	stream_go_on(stream);
}
