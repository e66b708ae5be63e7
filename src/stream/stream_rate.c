/* stream_rate.c -- a stream that sends faster than it may is read later; it is never closed for that. */
#include "stream/stream_private.h"

#include "shm/limits.h"
#include "shm/shm.h"

static void on_slow_over(struct timer *timer, void *parameter);

/* Whoever waits already waits until the latest of its moments. */
static void
slow_down(struct stream *stream, uint64_t wait_ms)
{
	if (wait_ms == 0 || stream->state == STATE_CLOSED)
		return;
	if (!stream->rate.is_slow) {
		stream->rate.is_slow = true;
		parser_pause(stream->parser);
		connection_pause(stream->connection);
	} else if (stream->rate.timer.due_ms >= connection_last_input_ms(stream->connection) + wait_ms) {
		return;
	}
	timer_start(stream->server->timers, &stream->rate.timer, wait_ms, on_slow_over, stream);
}

static void
on_slow_over(struct timer *timer, void *parameter)
{
	struct stream *stream = parameter;

	stream->rate.is_slow = false;
	if (stream->state != STATE_CLOSED && !stream->rate.waits_for_owner &&
	    !stream_is_delayed(stream) && stream->state != STATE_SASL_WORK && stream->state != STATE_REGISTER &&
	    stream->state != STATE_RESUME)
		stream_go_on(stream);
}

/* Milliseconds to wait; what was had is counted in any case. */
static uint64_t
charge(struct stream *stream, limit_bucket *bucket, struct limit_rate rate, uint64_t count,
    enum limit limit)
{
	uint64_t now = connection_last_input_ms(stream->connection), wait;

	if (rate.burst == 0 || bucket == NULL)
		return 0;
	wait = limit_charge(bucket, rate, count, now);
	limit_reached(stream->server->shm, limit, limit_used(bucket, rate, now));
	if (wait > 0)
		limit_bite(stream->server->shm, limit);
	return wait;
}

/* The account's, found again each time: its place may have gone to another meanwhile. */
static uint64_t
charge_account(struct stream *stream, enum limits_bucket which, struct limit_rate rate,
    uint64_t count, enum limit limit)
{
	struct shm *shm = stream->server->shm;

	if (rate.burst == 0)
		return 0;
	return charge(stream, limits_bucket(shm, stream->rate.account, which), rate, count, limit);
}

void
stream_rate_login(struct stream *stream)
{
	uint64_t account = atomic_load(&stream->slot->account);

	stream->rate.account = limits_key(stream->server->shm, LIMITS_ACCOUNT,
	    slice_of(&account, sizeof(account)));
	/* What came before was limited more, and counts no longer. */
	atomic_store(&stream->rate.bytes, 0);
}

static void
charge_bytes(struct stream *stream, uint64_t count)
{
	const struct config *config = stream->server->config;
	uint64_t wait, account;

	if (!stream->authenticated) {
		slow_down(stream, charge(stream, &stream->rate.bytes,
		    limit_rate(config->byte_rate_unauthenticated, 1000,
			config->byte_burst_unauthenticated), count, LIMIT_BYTES_UNAUTHENTICATED));
		return;
	}
	wait = charge(stream, &stream->rate.bytes,
	    limit_rate(config->byte_rate, 1000, config->byte_burst), count, LIMIT_BYTES);
	account = charge_account(stream, BUCKET_BYTES,
	    limit_rate(config->account_byte_rate, 1000, config->account_byte_burst), count,
	    LIMIT_BYTES_ACCOUNT);
	slow_down(stream, wait > account ? wait : account);
}

void
stream_rate_bytes(struct stream *stream)
{
	uint64_t read = connection_bytes_in(stream->connection);

	if (read > stream->rate.counted)
		charge_bytes(stream, read - stream->rate.counted);
	stream->rate.counted = read;
}

void
stream_rate_stanza(struct stream *stream, const struct element *stanza)
{
	const struct config *config = stream->server->config;
	uint64_t wait = charge(stream, &stream->rate.stanzas,
	    limit_rate(config->stanza_rate, 1000, config->stanza_burst), 1, LIMIT_STANZAS);
	uint64_t account = charge_account(stream, BUCKET_STANZAS,
	    limit_rate(config->account_stanza_rate, 1000, config->account_stanza_burst), 1,
	    LIMIT_STANZAS_ACCOUNT);
	uint64_t presence = 0;

	if (element_is(stanza, NS_CLIENT, "presence"))
		presence = charge(stream, &stream->rate.presences,
		    limit_rate(config->presence_rate, 1000, config->presence_burst), 1,
		    LIMIT_PRESENCES);
	wait = account > wait ? account : wait;
	slow_down(stream, presence > wait ? presence : wait);
}

void
stream_rate_end(struct stream *stream)
{
	timer_stop(stream->server->timers, &stream->rate.timer);
	stream->rate.is_slow = false;
}
