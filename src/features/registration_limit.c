/* registration_limit.c -- registrations of the last hour by address, in the durable store: counted once for all workers. */
#include "features/registration_limit.h"

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "features/account_data.h"
#include "stream/server.h"

/*
 * Kept for account 0, which nobody has: under an address a wall clock in microseconds (8) for each account made,
 * oldest first.
 */
#define HOUR_US	     (UINT64_C(3600) * 1000000)
#define STAMPS_MAX   100	/* most that the option allows */
#define LOOKED_AT    32		/* other addresses, for each account made */

struct stamps {
	uint64_t at[STAMPS_MAX];
	size_t	 count;
};

struct registration_address
registration_address_of(const uint8_t address[16], bool is_ipv6)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct registration_address found = { { 0 } };

	if (!is_ipv6)
		memcpy(found.bytes, address, 4);
	else if (memcmp(address, mapped, sizeof(mapped)) == 0)
		memcpy(found.bytes, address + 12, 4);
	else
		memcpy(found.bytes, address, 8);
	return found;
}

static struct slice
key_of(struct server *server, struct arena *arena, const struct registration_address *address)
{
	return account_data_key(arena, server, 0, SPACE_REGISTRATIONS,
	    slice_of(address->bytes, sizeof(address->bytes)));
}

/* A stamp of the future, after a clock was set back, counts no more than an old one. */
static bool
is_recent(uint64_t stamp, uint64_t now)
{
	return stamp <= now && now - stamp < HOUR_US;
}

static void
read_stamps(struct slice value, uint64_t now, struct stamps *stamps)
{
	uint64_t stamp;

	stamps->count = 0;
	for (; value.length >= 8 && stamps->count < STAMPS_MAX; value = slice_after(value, 8)) {
		memcpy(&stamp, value.data, 8);
		if (is_recent(stamp, now))
			stamps->at[stamps->count++] = stamp;
	}
}

static uint64_t
find(struct server *server, struct txn *txn, struct slice key, uint64_t now,
    struct stamps *stamps)
{
	struct slice value;
	uint64_t version;

	stamps->count = 0;
	if (account_data_get(server, txn, key, &value, &version))
		read_stamps(value, now, stamps);
	return version;
}

static bool
is_full(const struct server *server, const struct stamps *stamps)
{
	return stamps->count >= (size_t)server->config->registrations_per_address ||
	    stamps->count >= STAMPS_MAX;
}

uint64_t
registration_limit_wait(struct server *server, struct arena *arena,
    const struct registration_address *address)
{
	size_t most = (size_t)server->config->registrations_per_address;
	struct slice key = key_of(server, arena, address);
	struct txn *txn = store_read(server->core);
	uint64_t now = clock_wall_us(), until;
	struct stamps stamps;

	find(server, txn, key, now, &stamps);
	txn_end(&txn);
	if (!is_full(server, &stamps))
		return 0;
	until = stamps.at[stamps.count > most ? stamps.count - most : 0] + HOUR_US;
	return (until - now + 999999) / 1000000;
}

/* --- what has become old --- */

struct sweep {
	struct arena	    *arena;
	struct slice	     own;
	uint64_t	     now;
	struct store_change *changes;
	int		     count;
	int		     looked_at;
};

static bool
sweep_one(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct sweep *sweep = owner;
	struct stamps stamps;

	read_stamps(value, sweep->now, &stamps);
	if (stamps.count == 0 && !slice_equal(key, sweep->own))
		sweep->changes[sweep->count++] = account_data_change(
		    arena_copy(sweep->arena, key), version, SLICE_EMPTY);
	return ++sweep->looked_at < LOOKED_AT && sweep->count < REGISTRATION_CHANGES_MAX - 1;
}

int
registration_limit_note(struct server *server, struct arena *arena,
    const struct registration_address *address, struct store_change *changes)
{
	struct slice space = account_data_key(arena, server, 0, SPACE_REGISTRATIONS, SLICE_EMPTY);
	struct sweep sweep = { arena, key_of(server, arena, address), clock_wall_us(),
		changes + 1, 0, 0 };
	struct txn *txn = store_read(server->core);
	struct stamps stamps;
	uint64_t version = find(server, txn, sweep.own, sweep.now, &stamps);

	if (!is_full(server, &stamps))
		store_each(server->core, txn, STORE_DATA, space, sweep_one, &sweep);
	txn_end(&txn);
	if (is_full(server, &stamps))
		return RESULT_FULL;
	stamps.at[stamps.count++] = sweep.now;
	changes[0] = account_data_change(sweep.own, version,
	    arena_copy(arena, slice_of(stamps.at, stamps.count * 8)));
	return 1 + sweep.count;
}
