/* client.c -- what a client may send in each state of its stream, and what then happens. */
#include "stream/stream_private.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "base/text.h"
#include "net/loop.h"
#include "net/tls.h"
#include "shm/counters.h"
#include "shm/store.h"
#include "stream/registration.h"
#include "xml/writer.h"
#include "xmpp/jid.h"

#define FAILURES_MAX 12	/* of any kind, a connection: every mechanism once, and some */

/* --- STARTTLS (RFC 6120 5) --- */

/* Nothing may stand behind <starttls/> in clear: what was read with it makes TLS fail to start. */
static void
on_starttls(struct stream *stream, struct element *element)
{
	const struct config_host *host = stream_config_host(stream);

	if (stream->server->tls == NULL || host == NULL || host->certificate_pem.length == 0) {
		stream_write(stream, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		stream_close(stream, 0, "no TLS on this host");
		return;
	}
	connection_pause(stream->connection);
	parser_stop(stream->parser);
	stream_set_state(stream, STATE_PROCEED);
	stream_write(stream, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
}

/* --- SASL (RFC 6120 6) --- */

static bool
find_account(void *owner, struct slice username, struct slice host, struct credentials *found)
{
	struct stream *stream = owner;
	struct txn *txn = store_read(stream->server->core);
	struct account account;
	char jid[JID_MAX + 1];
	int length = snprintf(jid, sizeof(jid), SLICE_FMT "@" SLICE_FMT, SLICE_ARG(username),
	    SLICE_ARG(host));
	bool is_found = length < (int)sizeof(jid) &&
	    store_account(stream->server->core, txn, slice_of(jid, (size_t)length), &account) &&
	    credentials_unpack(account.record, found) == RESULT_OK;

	if (is_found) {
		found->account_id = account.id;
		found->version = account.version;
	}
	txn_end(&txn);
	return is_found;
}

static void
work(void *owner, void (*run)(void *job), void (*done)(void *job), void *job)
{
	struct stream *stream = owner;

	loop_work(stream->server->loop, run, done, job);
}

static void
on_sasl_later(void *owner, enum sasl_step step)
{
	struct stream *stream = owner;

	if (stream->state != STATE_SASL_WORK) {
		sasl_free(&stream->sasl);
		return;
	}
	client_sasl_done(stream, step);
	stream_go_on(stream);
}

static void
begin(struct stream *stream, enum sasl_mechanism mechanism)
{
	struct sasl_situation situation = { .host = slice_from_text(stream->host),
		.offered = stream_features_mechanisms(stream),
		.secure = stream->secure };
	struct sasl_accounts accounts = { find_account, work, stream->server->secret,
		(uint32_t)stream->server->config->scram_iterations };
	struct tls *tls = connection_tls(stream->connection);

	if (tls != NULL) {
		situation.exporter_length = tls_binding_exporter(tls, situation.exporter);
		situation.end_point_length = tls_binding_end_point(tls, situation.end_point);
	}
	sasl_free(&stream->sasl);
	stream->delay.was_slow = false;
	stream->sasl = sasl_new(mechanism, &situation, &accounts, stream, on_sasl_later);
	snprintf(stream->slot->mechanism, sizeof(stream->slot->mechanism), "%s",
	    sasl_mechanism_name(mechanism));
}

/* The name that was claimed, as an address; "" where it is too long to be one. */
static struct slice
claimed_name(const struct stream *stream, char *out, size_t size)
{
	struct slice username = stream->sasl == NULL ? SLICE_EMPTY : sasl_username(stream->sasl);
	int length = snprintf(out, size, SLICE_FMT "@%s", SLICE_ARG(username), stream->host);

	return length < 0 || (size_t)length >= size ? SLICE_EMPTY : slice_of(out, (size_t)length);
}

static void
count_guess(struct stream *stream)
{
	char name[JID_MAX + 1];

	guard_login_failed(stream->server, &stream->guard,
	    claimed_name(stream, name, sizeof(name)));
}

/* How long the answer to a step is to wait: the first one that speaks of an account, once a login. */
static uint64_t
delay_of(const struct stream *stream)
{
	char name[JID_MAX + 1];

	if (stream->delay.was_slow || sasl_username(stream->sasl).length == 0)
		return 0;
	return guard_login_delay(stream->server, claimed_name(stream, name, sizeof(name)));
}

/*
 * A wrong password counts as a guess. What fails before one was tried does not: there are clients that go through
 * all mechanisms, with bindings nobody knows, before they come to one that they can do.
 */
static void
fail_login_with(struct stream *stream, enum sasl_failure failure, const char *detail,
    const char *text)
{
	bool is_guess = failure == SASL_NOT_AUTHORIZED &&
	    (stream->state == STATE_SASL || stream->state == STATE_SASL_WORK);

	counter_add(stream->server->shm, COUNTER_LOGIN_FAILURES, 1);
	log_info(LOG_AUTH, "login failed", "sid=%s host=%s user=" SLICE_FMT " reason=%s detail=%s",
	    stream->id, stream->host,
	    SLICE_ARG(stream->sasl == NULL ? SLICE_EMPTY : sasl_username(stream->sasl)),
	    sasl_failure_name(failure), detail);
	stream_write(stream, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><%s/>",
	    sasl_failure_name(failure));
	if (text != NULL)
		stream_write(stream, "<text xml:lang='en'>%s</text>", text);
	stream_write(stream, "</failure>");
	if (is_guess)
		count_guess(stream);
	sasl_free(&stream->sasl);
	stream_set_state(stream, STATE_LOGIN);
	stream->attempts++;
	stream->guesses += is_guess;
	if (stream->guesses >= stream->server->config->login_attempts ||
	    stream->attempts >= FAILURES_MAX) {
		limit_bite(stream->server->shm, LIMIT_FAILURES);
		stream_fail(stream, STREAM_POLICY_VIOLATION, "too many failed logins");
	}
}

static void
fail_login(struct stream *stream, enum sasl_failure failure, const char *detail)
{
	fail_login_with(stream, failure, detail, NULL);
}

/* PLAIN proved the password, so the keys the account misses could be made: the store keeps them if nothing changed. */
static void
keep_upgrade(struct stream *stream)
{
	struct credentials upgraded;
	uint8_t record[CREDENTIALS_RECORD_MAX];
	char jid[JID_MAX + 1];
	struct store_context context = { .session = { UINT32_MAX, 0 } };
	struct store_change change = { .verb = STORE_ACCOUNT_PUT };

	if (!sasl_upgraded(stream->sasl, &upgraded))
		return;
	snprintf(jid, sizeof(jid), SLICE_FMT "@%s", SLICE_ARG(sasl_username(stream->sasl)),
	    stream->host);
	for (int hash = 0; hash < SCRAM_HASH_COUNT; hash++)
		if (upgraded.scram[hash].iterations != 0)
			change.hashes |= 1u << hash;
	change.version = upgraded.version;
	change.key = slice_from_text(jid);
	change.value = slice_of(record, credentials_pack(&upgraded, record));
	if (store_ask(stream->server->core_client, &context, &change, 1) > 0)
		log_info(LOG_AUTH, "keys added", "sid=%s jid=%s", stream->id, jid);
	memory_wipe(&upgraded, sizeof(upgraded));
	memory_wipe(record, sizeof(record));
}

static void
write_output(struct stream *stream, const char *name)
{
	struct slice output = sasl_output(stream->sasl);
	char text[TEXT_BASE64_LENGTH(SASL_INPUT_MAX) + 1];
	size_t length = output.length > SASL_INPUT_MAX ? 0 : text_base64_encode(output, text);

	if (length == 0)
		stream_write(stream, "<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", name);
	else
		stream_write(stream, "<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</%s>",
		    name, text, name);
}

static void
succeed(struct stream *stream)
{
	struct slice username = sasl_username(stream->sasl);

	write_output(stream, "success");
	keep_upgrade(stream);
	stream->authenticated = true;
	counter_add(stream->server->shm, COUNTER_LOGINS, 1);
	log_info(LOG_AUTH, "login", "sid=%s jid=" SLICE_FMT "@%s mechanism=%s tls=%s", stream->id,
	    SLICE_ARG(username), stream->host, stream->slot->mechanism, stream->slot->tls);
	stream->events->on_login(stream->owner, username, slice_from_text(stream->host),
	    sasl_account_id(stream->sasl));
	guard_leave(stream->server, &stream->guard);
	stream_rate_login(stream);
	sasl_free(&stream->sasl);
	stream_restart(stream);
	stream_set_state(stream, STATE_HEADER);
}

void
client_sasl_done(struct stream *stream, enum sasl_step step)
{
	uint64_t delay = step == SASL_STEP_LATER ? 0 : delay_of(stream);

	if (delay > 0) {
		stream_delay_sasl(stream, step, delay);
		return;
	}
	switch (step) {
	case SASL_STEP_CHALLENGE:
		write_output(stream, "challenge");
		stream_set_state(stream, STATE_SASL);
		break;
	case SASL_STEP_SUCCESS:
		succeed(stream);
		break;
	case SASL_STEP_LATER:
		stream_set_state(stream, STATE_SASL_WORK);
		connection_pause(stream->connection);
		parser_pause(stream->parser);
		break;
	case SASL_STEP_FAILURE:
		fail_login(stream, sasl_failure(stream->sasl),
		    sasl_failure_detail(stream->sasl));
		break;
	}
}

/* "=" is an empty response (RFC 6120 6.4.2), no text is none. */
static void
step(struct stream *stream, struct element *element, bool may_lack_data)
{
	struct slice text = element_text(parser_arena(stream->parser), element);
	uint8_t data[SASL_INPUT_MAX];
	long length = 0;

	if (text.length > 0 && !slice_is(text, "=")) {
		length = text.length > TEXT_BASE64_LENGTH(SASL_INPUT_MAX)
		    ? -1
		    : text_base64_decode(text, data, sizeof(data));
		if (length < 0) {
			fail_login(stream, SASL_INCORRECT_ENCODING, "not base64");
			return;
		}
	}
	client_sasl_done(stream, sasl_step(stream->sasl, text.length > 0 || !may_lack_data,
				     slice_of(data, (size_t)length)));
	memory_wipe(data, sizeof(data));
}

static void
on_auth(struct stream *stream, struct element *element)
{
	const struct config_host *host = stream_config_host(stream);
	unsigned mechanism = sasl_mechanism_find(element_attribute(element, "mechanism"));
	char text[120];
	uint64_t wait;

	if (host != NULL && host->require_tls && !stream->secure) {
		fail_login(stream, SASL_ENCRYPTION_REQUIRED, "TLS first");
		return;
	}
	if ((mechanism & stream_features_mechanisms(stream)) == 0) {
		fail_login(stream, SASL_INVALID_MECHANISM, "not offered");
		return;
	}
	wait = guard_login_wait(stream->server, &stream->guard);
	if (wait > 0) {
		snprintf(text, sizeof(text), "too many failed logins from your address: "
		    "try again in %llu s", (unsigned long long)wait);
		fail_login_with(stream, SASL_TEMPORARY_AUTH_FAILURE, "too many failures", text);
		return;
	}
	begin(stream, (enum sasl_mechanism)mechanism);
	step(stream, element, true);
}

static void
on_response(struct stream *stream, struct element *element)
{
	step(stream, element, false);
}

static void
on_abort(struct stream *stream, struct element *element)
{
	fail_login(stream, SASL_ABORTED, "by the client");
}

/* RFC 6120 6.4: out of order. */
static void
on_sasl_out_of_order(struct stream *stream, struct element *element)
{
	fail_login(stream, SASL_NOT_AUTHORIZED, "out of order");
}

/* --- resource binding (RFC 6120 7) --- */

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

static void
on_bind_iq(struct stream *stream, struct element *iq)
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

	if (++stream->attempts > FAILURES_MAX) {
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
static void
on_login_iq(struct stream *stream, struct element *iq)
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

/* --- stanzas --- */

static void
on_stanza(struct stream *stream, struct element *element)
{
	stream_rate_stanza(stream, element);
	stream->events->on_stanza(stream->owner, element);
}

/* --- client state indication (XEP-0352) --- */

static void
on_active(struct stream *stream, struct element *element)
{
	stream->events->on_state(stream->owner, false);
}

static void
on_inactive(struct stream *stream, struct element *element)
{
	stream->events->on_state(stream->owner, true);
}

/* --- the rows --- */

static const struct state_row login_rows[] = {
	/* element		handler		unless */
	{ NS_TLS,    "starttls", on_starttls, UNLESS_SECURE },
	{ NS_SASL,   "auth",     on_auth, UNLESS_NEVER },
	{ NS_CLIENT, "iq",       on_login_iq, UNLESS_NEVER },
	{ NS_SASL,   "response", on_sasl_out_of_order, UNLESS_NEVER },
	{ NS_SASL,   "abort",    on_sasl_out_of_order, UNLESS_NEVER },
	{ 0 }
};

static const struct state_row sasl_rows[] = {
	{ NS_SASL,   "response", on_response, UNLESS_NEVER },
	{ NS_SASL,   "abort",    on_abort, UNLESS_NEVER },
	{ NS_SASL,   "auth",     on_auth, UNLESS_NEVER },	/* begins anew, R13 */
	{ 0 }
};

static const struct state_row bind_rows[] = {
	{ NS_CLIENT, "iq",       on_bind_iq, UNLESS_NEVER },
	{ NS_SM3,    "resume",   management_on_resume, UNLESS_NEVER },
	{ NS_SM2,    "resume",   management_on_resume, UNLESS_NEVER },
	{ NS_SM3,    "enable",   management_on_late, UNLESS_NEVER },
	{ NS_SM2,    "enable",   management_on_late, UNLESS_NEVER },
	{ 0 }
};

static const struct state_row ready_rows[] = {
	{ NS_CLIENT, "message",  on_stanza, UNLESS_NEVER },
	{ NS_CLIENT, "presence", on_stanza, UNLESS_NEVER },
	{ NS_CLIENT, "iq",       on_stanza, UNLESS_NEVER },
	{ NS_CSI,    "active",   on_active, UNLESS_NEVER },
	{ NS_CSI,    "inactive", on_inactive, UNLESS_NEVER },
	{ NS_SM3,    "a",        management_on_ack, UNLESS_NEVER },
	{ NS_SM3,    "r",        management_on_ack_request, UNLESS_NEVER },
	{ NS_SM3,    "enable",   management_on_enable, UNLESS_NEVER },
	{ NS_SM3,    "resume",   management_on_late, UNLESS_NEVER },
	{ NS_SM2,    "a",        management_on_ack, UNLESS_NEVER },
	{ NS_SM2,    "r",        management_on_ack_request, UNLESS_NEVER },
	{ NS_SM2,    "enable",   management_on_enable, UNLESS_NEVER },
	{ NS_SM2,    "resume",   management_on_late, UNLESS_NEVER },
	{ 0 }
};

const struct state_row *
client_rows(enum stream_state state)
{
	switch (state) {
	case STATE_LOGIN:
		return login_rows;
	case STATE_SASL:
		return sasl_rows;
	case STATE_BIND:
		return bind_rows;
	case STATE_READY:
	case STATE_ENDING:
		return ready_rows;
	default:
		return NULL;
	}
}
