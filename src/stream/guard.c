/* guard.c -- who may connect, try passwords and begin sessions now, counted for all workers. */
#include "stream/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "config/network.h"
#include "net/listener.h"
#include "shm/counters.h"
#include "stream/server.h"

#define TEN_MINUTES_MS 600000
#define HOUR_MS	       3600000
#define DELAY_MOST_MS  10000

static uint64_t
seconds(uint64_t ms)
{
	return (ms + 999) / 1000;
}

/* --- connections --- */

static bool
is_trusted(const struct config *config, const struct network *address)
{
	struct network trusted;

	for (size_t i = 0; i < config->trusted_networks.count; i++)
		if (network_read(slice_from_text(config->trusted_networks.item[i]), &trusted) &&
		    network_has(&trusted, address))
			return true;
	return false;
}

static void
know(struct server *server, const struct sockaddr_storage *address, struct guard *guard)
{
	struct network network;

	*guard = (struct guard){ 0 };
	network_of(address, &network);
	guard->is_trusted = is_trusted(server->config, &network);
	network_cut(&network, 32, 64);
	guard->address = limits_key(server->shm, LIMITS_ADDRESS, slice_of(network.bytes, 16));
	guard->connected = limits_key(server->shm, LIMITS_CONNECTED, slice_of(network.bytes, 16));
	network_cut(&network, 24, 48);
	guard->network = limits_key(server->shm, LIMITS_NETWORK, slice_of(network.bytes, 16));
}

/* Nothing is written where there is no limit. */
static uint64_t
take(struct server *server, uint64_t key, enum limits_bucket which, struct limit_rate rate,
    enum limit limit)
{
	limit_bucket *bucket = rate.burst == 0 ? NULL : limits_bucket(server->shm, key, which);
	uint64_t now = clock_ms(), wait;

	if (bucket == NULL)
		return 0;
	wait = limit_take(bucket, rate, 1, now);
	limit_reached(server->shm, limit, limit_used(bucket, rate, now));
	if (wait > 0)
		limit_bite(server->shm, limit);
	return wait;
}

static bool
refuse_for(struct refusal *refusal, enum stream_condition condition, const char *why, uint64_t wait)
{
	refusal->condition = condition;
	snprintf(refusal->text, sizeof(refusal->text), "%s: try again in %llu s", why,
	    (unsigned long long)seconds(wait));
	return false;
}

static bool
enter(struct server *server, uint64_t key, int64_t most, struct limits_seat *seat,
    enum limit limit)
{
	if (!limits_enter(server->shm, key, (uint64_t)most, seat)) {
		limit_bite(server->shm, limit);
		return false;
	}
	limit_reached(server->shm, limit, limits_count(server->shm, key));
	return true;
}

static bool
enter_address(struct server *server, struct guard *guard, struct refusal *refusal)
{
	const struct config *config = server->config;
	uint64_t wait = take(server, guard->address, BUCKET_CONNECTIONS,
	    limit_rate(config->connection_rate, 1000, config->connection_burst),
	    LIMIT_CONNECTIONS);

	if (wait > 0)
		return refuse_for(refusal, STREAM_POLICY_VIOLATION,
		    "too many connections from your address", wait);
	if (!enter(server, guard->address, config->unauthenticated_per_address, &guard->seat,
		LIMIT_UNAUTHENTICATED_ADDRESS))
		return refuse_for(refusal, STREAM_POLICY_VIOLATION,
		    "too many connections from your address without a login",
		    (uint64_t)config->login_timeout);
	return enter(server, guard->connected, config->connections_per_address,
		   &guard->connected_seat, LIMIT_CONNECTED_ADDRESS) ||
	    refuse_for(refusal, STREAM_POLICY_VIOLATION,
		"as many connections from your address as may be", 60000);
}

static bool
enter_all(struct server *server, struct guard *guard, struct refusal *refusal)
{
	struct shm *shm = server->shm;
	uint64_t most = (uint64_t)shm->max_sessions *
	    (uint64_t)server->config->unauthenticated_percent / 100;

	if (!limits_all_enter(shm, ALL_UNAUTHENTICATED, most > 0 ? most : 1)) {
		limit_bite(shm, LIMIT_UNAUTHENTICATED);
		return refuse_for(refusal, STREAM_RESOURCE_CONSTRAINT,
		    "too many connections without a login", 1000);
	}
	guard->is_counted = true;
	limit_reached(shm, LIMIT_UNAUTHENTICATED, limits_all_count(shm, ALL_UNAUTHENTICATED));
	return true;
}

bool
guard_admit(struct server *server, const struct sockaddr_storage *address, struct guard *guard,
    struct refusal *refusal)
{
	*refusal = (struct refusal){ 0 };
	know(server, address, guard);
	if ((guard->is_trusted || enter_address(server, guard, refusal)) &&
	    enter_all(server, guard, refusal))
		return true;
	guard_leave(server, guard);
	return false;
}

void
guard_login(struct server *server, struct guard *guard)
{
	limits_leave(server->shm, &guard->seat);
	if (guard->is_counted)
		limits_all_leave(server->shm, ALL_UNAUTHENTICATED);
	guard->is_counted = false;
}

void
guard_leave(struct server *server, struct guard *guard)
{
	guard_login(server, guard);
	limits_leave(server->shm, &guard->connected_seat);
}

/* Whoever floods us does not flood the log. */
static void
log_refusal(const struct refusal *refusal)
{
	static uint64_t next_ms, silent;
	uint64_t now = clock_ms();

	if (now < next_ms) {
		silent++;
		return;
	}
	log_warn(LOG_SESSION, "connection refused", "condition=%s reason=\"%s\" others=%llu",
	    stream_condition_name(refusal->condition), refusal->text,
	    (unsigned long long)silent);
	silent = 0;
	next_ms = now + 1000;
}

/* Written at once, not waited for: a new socket has room. */
void
guard_refuse(struct server *server, int fd, bool direct_tls, const struct refusal *refusal)
{
	char text[600];
	int length = snprintf(text, sizeof(text),
	    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
	    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><stream:error>"
	    "<%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
	    "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>%s</text>"
	    "</stream:error></stream:stream>",
	    stream_condition_name(refusal->condition), refusal->text);

	if (!direct_tls && write(fd, text, (size_t)length) < 0)
		log_debug(LOG_SESSION, "refusal not written", "reason=%s", strerror(errno));
	counter_add(server->shm, COUNTER_REFUSED, 1);
	log_refusal(refusal);
	close(fd);
}

/* --- passwords --- */

static struct limit_rate
address_rate(const struct config *config)
{
	return limit_rate(config->login_failures_per_address, TEN_MINUTES_MS,
	    config->login_failures_per_address);
}

static struct limit_rate
network_rate(const struct config *config)
{
	return limit_rate(config->login_failures_per_network, HOUR_MS,
	    config->login_failures_per_network);
}

static struct limit_rate
name_rate(const struct config *config)
{
	return limit_rate(config->login_failures_per_account, HOUR_MS,
	    config->login_failures_per_account);
}

static uint64_t
name_key(struct server *server, struct slice name)
{
	return limits_key(server->shm, LIMITS_NAME, name);
}

static uint64_t
wait_at(struct server *server, uint64_t key, struct limit_rate rate, enum limit limit)
{
	limit_bucket *bucket = rate.burst == 0 ? NULL
					       : limits_bucket(server->shm, key, BUCKET_FAILURES);
	uint64_t wait = bucket == NULL ? 0 : limit_wait(bucket, rate, 1, clock_ms());

	if (wait > 0)
		limit_bite(server->shm, limit);
	return wait;
}

uint64_t
guard_login_wait(struct server *server, const struct guard *guard)
{
	uint64_t address, network;

	if (guard->is_trusted)
		return 0;
	address = wait_at(server, guard->address, address_rate(server->config),
	    LIMIT_FAILURES_ADDRESS);
	network = wait_at(server, guard->network, network_rate(server->config),
	    LIMIT_FAILURES_NETWORK);
	return seconds(address > network ? address : network);
}

/* A full bucket gets no fuller: who fails no more is waited for no longer than that. */
static void
fail_at(struct server *server, uint64_t key, struct limit_rate rate, enum limit limit)
{
	limit_bucket *bucket = rate.burst == 0 ? NULL
					       : limits_bucket(server->shm, key, BUCKET_FAILURES);
	uint64_t now = clock_ms();

	if (bucket == NULL)
		return;
	limit_take(bucket, rate, 1, now);
	limit_reached(server->shm, limit, limit_used(bucket, rate, now));
}

void
guard_login_failed(struct server *server, const struct guard *guard, struct slice name)
{
	const struct config *config = server->config;

	if (!guard->is_trusted) {
		fail_at(server, guard->address, address_rate(config), LIMIT_FAILURES_ADDRESS);
		fail_at(server, guard->network, network_rate(config), LIMIT_FAILURES_NETWORK);
	}
	fail_at(server, name_key(server, name), name_rate(config), LIMIT_FAILURES_ACCOUNT);
}

uint64_t
guard_login_delay(struct server *server, struct slice name)
{
	struct limit_rate rate = name_rate(server->config);
	limit_bucket *bucket;
	uint64_t used;

	if (rate.burst == 0)
		return 0;
	bucket = limits_bucket(server->shm, name_key(server, name), BUCKET_FAILURES);
	used = bucket == NULL ? 0 : limit_used(bucket, rate, clock_ms());
	if (used == 0 || used < rate.burst / 10)
		return 0;
	limit_bite(server->shm, LIMIT_FAILURES_ACCOUNT);
	return used * DELAY_MOST_MS / rate.burst;
}

/* --- sessions --- */

uint64_t
governor_admit(struct server *server, enum governor_kind kind)
{
	const struct config *config = server->config;
	struct limit_rate rate = limit_rate(config->login_rate, 1000, config->login_burst);
	limit_bucket *bucket = limits_logins(server->shm);
	uint64_t now = clock_ms(), wait;

	if (rate.burst == 0)
		return 0;
	wait = kind == GOVERNOR_RESUME ? 0 : limit_wait(bucket, rate, 1, now);
	if (wait <= GOVERNOR_LONGEST_MS)
		limit_charge(bucket, rate, 1, now);
	limit_reached(server->shm, LIMIT_LOGINS, limit_used(bucket, rate, now));
	if (wait > 0)
		limit_bite(server->shm, LIMIT_LOGINS);
	return wait;
}

uint64_t
guard_bind_wait(struct server *server, uint64_t account)
{
	const struct config *config = server->config;
	uint64_t key = limits_key(server->shm, LIMITS_ACCOUNT, slice_of(&account, sizeof(account)));

	return seconds(take(server, key, BUCKET_BINDS,
	    limit_rate(config->bind_rate, 60000, config->bind_burst), LIMIT_BINDS_ACCOUNT));
}
