/* lmdb_kill_test.c -- writers and readers of a volatile environment die inside and between their transactions. */

/* After each death what was committed stands, what was not does not, and the next goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/result.h"
#include "die.h"
#include "shm/lmdb.h"
#include "shm/shm.h"
#include "tests/folder.h"

#define WRITERS	 3
#define ACCOUNTS 200
#define START	 1000000
#define JOURNAL	 50		/* entries a writer keeps */

enum { TABLE_BALANCE, TABLE_RANK, TABLE_JOURNAL };
static const char *const tables[] = { "balance", "rank", "journal" };

static const char *const steps[] = { "txn: begun", "txn: half", "txn: full", "txn: committed",
	"read: open" };

static char directory[64];

static struct shared {
	_Atomic uint64_t committed[WRITERS];	/* told after the commit */
} *shared;

struct rank_key {
	int64_t	 balance;
	uint32_t account;
} __attribute__((packed));

struct journal_key {
	uint32_t writer;
	uint64_t number;
} __attribute__((packed));

static int
open_env(unsigned flags, struct env **env)
{
	struct env_options options = {
		.directory = directory,
		.flags = flags | ENV_VOLATILE,
		.map_size = 64 << 20,
		.readers = 16,
		.tables = tables,
		.table_count = 3,
		.layout = 1,
	};

	return env_open(&options, env);
}

static int64_t
balance_of(struct txn *txn, uint32_t account)
{
	struct slice value;
	int64_t balance = 0;

	ensure(txn_get(txn, TABLE_BALANCE, slice_of(&account, sizeof(account)), &value));
	memcpy(&balance, value.data, sizeof(balance));
	return balance;
}

/* The rank is an index of the balance: one without the other is a torn transaction. */
static void
set_balance(struct txn *txn, uint32_t account, int64_t balance, bool is_new)
{
	struct rank_key rank = { .account = account };

	if (!is_new) {
		rank.balance = balance_of(txn, account);
		ensure(txn_delete(txn, TABLE_RANK, slice_of(&rank, sizeof(rank))));
	}
	rank.balance = balance;
	txn_put(txn, TABLE_BALANCE, slice_of(&account, sizeof(account)),
	    slice_of(&balance, sizeof(balance)));
	txn_put(txn, TABLE_RANK, slice_of(&rank, sizeof(rank)), SLICE("x"));
}

static void
transfer(struct txn *txn)
{
	uint32_t from = die_roll(ACCOUNTS), to = die_roll(ACCOUNTS);
	int64_t amount = die_roll(1000);

	set_balance(txn, from, balance_of(txn, from) - amount, false);
	SHM_STEP("txn: half");
	set_balance(txn, to, balance_of(txn, to) + amount, false);
}

/* Values of very different sizes make LMDB use, free and use again many pages. */
static void
write_journal(struct txn *txn, uint32_t writer, uint64_t number)
{
	static char text[12000];
	struct journal_key key = { writer, __builtin_bswap64(number) };
	size_t length = die_roll(8) == 0 ? 4000 + die_roll(8000) : die_roll(400);

	memset(text, (int)('a' + number % 26), length);
	txn_put(txn, TABLE_JOURNAL, slice_of(&key, sizeof(key)), slice_of(text, length));
	if (number > JOURNAL) {
		key.number = __builtin_bswap64(number - JOURNAL);
		ensure(txn_delete(txn, TABLE_JOURNAL, slice_of(&key, sizeof(key))));
	}
}

struct journal {
	uint32_t writer;
	uint64_t last;
	uint64_t count;
};

static bool
on_journal(void *owner, struct slice bytes, struct slice value)
{
	struct journal *journal = owner;
	struct journal_key key;
	uint64_t number;

	memcpy(&key, bytes.data, sizeof(key));
	number = __builtin_bswap64(key.number);
	if (journal->last != 0 && number != journal->last + 1)
		die_fault("writer %u: entry %llu after %llu", key.writer,
		    (unsigned long long)number, (unsigned long long)journal->last);
	for (size_t i = 0; i < value.length; i++)
		if (value.data[i] != (char)('a' + number % 26)) {
			die_fault("writer %u: entry %llu is torn", key.writer,
			    (unsigned long long)number);
			break;
		}
	journal->last = number;
	journal->count++;
	return true;
}

static uint64_t
last_entry(struct txn *txn, uint32_t writer)
{
	struct journal journal = { .writer = writer };

	txn_each(txn, TABLE_JOURNAL, slice_of(&writer, sizeof(writer)), SLICE_EMPTY, on_journal,
	    &journal);
	return journal.last;
}

static void
look(struct env *env)
{
	struct txn *txn = txn_read(env);

	ensure(txn_error(txn) == RESULT_OK);
	SHM_STEP("read: open");
	ensure(txn_entries(txn, TABLE_RANK) == ACCOUNTS);
	txn_end(&txn);
}

static void
play_writer(int me)
{
	struct env *env;
	struct txn *txn;
	uint64_t number, told = atomic_load(&shared->committed[me]);

	ensure(open_env(0, &env) == RESULT_OK);
	txn = txn_read(env);
	number = last_entry(txn, (uint32_t)me);
	txn_end(&txn);
	if (number < told || number > told + 1)
		die_fault("writer %d: at %llu, was told %llu", me, (unsigned long long)number,
		    (unsigned long long)told);
	atomic_store(&shared->committed[me], number);
	for (;;) {
		txn = txn_write(env);
		SHM_STEP("txn: begun");
		for (uint32_t i = 1 + die_roll(4); i > 0; i--)
			transfer(txn);
		write_journal(txn, (uint32_t)me, ++number);
		SHM_STEP("txn: full");
		ensure(txn_commit(&txn) == RESULT_OK);
		SHM_STEP("txn: committed");
		atomic_store(&shared->committed[me], number);
		look(env);
	}
}

struct sum {
	struct txn *txn;
	int64_t	    total;
	uint64_t    count;
	bool	    is_torn;
};

static bool
on_rank(void *owner, struct slice bytes, struct slice value)
{
	struct sum *sum = owner;
	struct rank_key key;

	memcpy(&key, bytes.data, sizeof(key));
	sum->is_torn |= balance_of(sum->txn, key.account) != key.balance;
	sum->total += key.balance;
	sum->count++;
	return true;
}

static void
check(struct env *env)
{
	uint64_t told[WRITERS];
	struct txn *txn;
	struct sum sum = { 0 };

	for (uint32_t i = 0; i < WRITERS; i++)
		told[i] = atomic_load(&shared->committed[i]);
	sum.txn = txn = txn_read(env);
	txn_each(txn, TABLE_RANK, SLICE_EMPTY, SLICE_EMPTY, on_rank, &sum);
	if (sum.is_torn || sum.count != ACCOUNTS || sum.total != (int64_t)ACCOUNTS * START)
		die_fault("%llu ranks, total %lld", (unsigned long long)sum.count,
		    (long long)sum.total);
	for (uint32_t i = 0; i < WRITERS; i++)
		if (last_entry(txn, i) < told[i])
			die_fault("writer %u lost what was committed", i);
	if (txn_error(txn) != RESULT_OK)
		die_fault("cannot read: %s", result_text(txn_error(txn)));
	txn_end(&txn);
}

static void
make(void)
{
	struct env *env;
	struct txn *txn;

	ensure(open_env(ENV_CREATE, &env) == RESULT_OK);
	txn = txn_write(env);
	for (uint32_t i = 0; i < ACCOUNTS; i++)
		set_balance(txn, i, START, true);
	ensure(txn_commit(&txn) == RESULT_OK);
	env_close(&env);
}

int
main(void)
{
	static die_play *const plays[] = { play_writer, play_writer, play_writer };
	int kills = die_kills(150), cleared = 0;
	uint64_t committed = 0;
	char command[128];
	struct env *env;
	double fill;
	bool right;

	ensure(folder_make(directory, "/dev/shm"));
	shared = die_shared(sizeof(*shared));
	make();
	die_start(steps, sizeof(steps) / sizeof(steps[0]), plays, WRITERS);
	ensure(open_env(ENV_READ_ONLY, &env) == RESULT_OK);
	for (int i = 0; i < kills && atomic_load(&die_board->faults) == 0; i++) {
		int number = die_once();

		cleared += env_reader_check(env);
		check(env);
		die_replace(number);
	}
	die_stop();
	check(env);
	fill = env_fill(env);
	if (fill > 0.5)
		die_fault("the dead left the map %.0f %% full", fill * 100);
	env_close(&env);
	right = die_report("lmdb_kill_test");
	for (int i = 0; i < WRITERS; i++)
		committed += atomic_load(&shared->committed[i]);
	printf("lmdb_kill_test: %llu transactions, %d dead readers cleared, map %.0f %% full\n",
	    (unsigned long long)committed, cleared, fill * 100);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ensure(system(command) == 0);
	return right ? 0 : 1;
}
