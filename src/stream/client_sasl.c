/* client_sasl.c -- a client proves who it is (RFC 6120 6): exchanges, failures that are counted, keys that are added. */
#include "stream/stream_private.h"

#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "base/text.h"
#include "net/loop.h"
#include "net/tls.h"
#include "shm/counters.h"
#include "shm/store.h"
#include "xmpp/jid.h"

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

/* All of them are offered; only who binds is worth computing them for. */
static void
find_bindings(struct tls *tls, bool binds, struct sasl_situation *situation)
{
	situation->exporter_length =
	    tls_binding_exporter(tls, binds ? situation->exporter : NULL);
	situation->end_point_length =
	    tls_binding_end_point(tls, binds ? situation->end_point : NULL);
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

	if (tls != NULL)
		find_bindings(tls, sasl_mechanism_binds(mechanism), &situation);
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
	    stream->attempts >= CLIENT_FAILURES_MAX) {
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
	guard_login(stream->server, &stream->guard);
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

void
client_on_auth(struct stream *stream, struct element *element)
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

void
client_on_response(struct stream *stream, struct element *element)
{
	step(stream, element, false);
}

void
client_on_abort(struct stream *stream, struct element *element)
{
	fail_login(stream, SASL_ABORTED, "by the client");
}

/* RFC 6120 6.4: out of order. */
void
client_on_sasl_out_of_order(struct stream *stream, struct element *element)
{
	fail_login(stream, SASL_NOT_AUTHORIZED, "out of order");
}
