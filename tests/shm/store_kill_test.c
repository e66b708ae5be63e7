/* store_kill_test.c -- the store and those who ask it die at every step and at any moment. */

/*
 * Each request is applied once and answered once, in order, and nobody sleeps over it.
 *
 * Each client makes and deletes accounts in turn. A request applied twice finds its account there already, or
 * gone; one that is lost makes the next one fail; and every answer but RESULT_OK is a fault.
 *
 * Whom a death puts to sleep the requests of others wake: so one death of four comes while one client asks alone, where it or
 * the store has found the other one asleep and not woken it yet.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/result.h"
#include "die.h"
#include "shm/store_record.h"
#include "shm/store_request.h"
#include "shm/wake.h"
#include "tests/folder.h"

#define CLIENTS	 3
#define NAMES	 40		/* a client makes and deletes so many accounts, over and over */
#define WINDOW	 64		/* requests it has under way at most */
#define EVERYBODY (-1)
#define STORE	 0		/* number of the process; those of the clients follow */

static const char *const steps[] = { "store: taken", "store: applied", "store: committed",
	"store: answered", "store: all answered", "store: dropped", "store: sleeps",
	"ring: written", "ring: pushed", "ring: sleeper found", "ring: before drop", "ring: dropped" };

static char directory[64], runtime[64];
static int process_fds[PROCESSES_MAX], store_fds[STORE_COUNT];
static int ask_fds[CLIENTS];	/* written when those that were silent may ask again */

/* What a client learnt, kept for its replacement. */
struct client_board {
	_Atomic uint64_t answered;
	_Atomic uint64_t again;		/* answers that a replacement saw too */
	_Atomic uint64_t account;	/* of the last PUT */
	_Atomic bool	 is_silent;	/* has all its answers, and sleeps */
};

static struct shared {
	struct client_board client[CLIENTS];
	_Atomic int	    alone;	/* the one that asks; EVERYBODY */
} *shared;

static struct shm *
attach(void)
{
	struct shm *shm;

	ensure(shm_attach(runtime, false, &shm) == RESULT_OK);
	store_set_wake_fds(process_fds, store_fds);
	return shm;
}

/* --- the store --- */

static void
serve(int me)
{
	struct shm *shm = attach();
	struct store *store;
	struct store_server *server;

	ensure(store_open(directory, STORE_CORE, true, &store) == RESULT_OK);
	ensure(store_server_open(shm, store, STORE_CORE, &server) == RESULT_OK);
	for (;;) {
		store_server_wait(server, -1, -1);
		store_server_turn(server);
	}
}

/* --- its clients --- */

struct client {
	int		     number;	/* of the worker; plays are numbered from the store */
	struct store_client *store;
	struct ring	    *asked;
	struct client_board *board;
};

/* Request n of a client is always the same, whoever asks it. */
static bool
ask(struct client *client, uint64_t request)
{
	struct store_context context = { .session = { (uint32_t)client->number, 1 },
		.stanza = request };
	uint64_t step = request - 1;
	struct store_change change = {
		.verb = step % 2 == 0 ? STORE_ACCOUNT_PUT : STORE_ACCOUNT_DELETE,
		.value = SLICE("keys"),
		.hashes = 1,
	};
	char jid[64];
	int64_t result;

	snprintf(jid, sizeof(jid), "c%d-%llu@localhost", client->number,
	    (unsigned long long)(step / 2 % NAMES));
	change.key = slice_from_text(jid);
	result = store_ask(client->store, &context, &change, 1);
	if (result > 0 && (uint64_t)result != request)
		die_fault("client %d asked %llu as %lld", client->number,
		    (unsigned long long)request, (long long)result);
	return result > 0;
}

static void
check_account(struct client *client, const struct store_answer *answer)
{
	uint64_t account = atomic_load(&client->board->account);
	bool is_put = answer->request % 2 == 1;

	if (is_put ? answer->account < account : answer->account != account)
		die_fault("client %d: account %llu after %llu", client->number,
		    (unsigned long long)answer->account, (unsigned long long)account);
	atomic_store(&client->board->account, answer->account);
}

static void
on_answer(void *owner, const struct store_answer *answer)
{
	struct client *client = owner;
	uint64_t answered = atomic_load(&client->board->answered);

	if (answer->request == answered) {
		atomic_fetch_add(&client->board->again, 1);
		return;
	}
	if (answer->request != answered + 1 || answer->context.stanza != answer->request ||
	    answer->context.session.slot != (uint32_t)client->number)
		die_fault("client %d: answer %llu after %llu", client->number,
		    (unsigned long long)answer->request, (unsigned long long)answered);
	if (answer->result != RESULT_OK)
		die_fault("client %d: request %llu: %s", client->number,
		    (unsigned long long)answer->request, result_text(answer->result));
	check_account(client, answer);
	atomic_store(&client->board->answered, answer->request);
}

static void
wait_for_answers(struct client *client)
{
	struct pollfd fd = { .fd = store_client_fd(client->store), .events = POLLIN };

	if (!store_client_sleep(client->store))
		return;
	poll(&fd, 1, -1);
	wake_drain_fd(fd.fd);
}

static bool
may_ask(const struct client *client)
{
	int alone = atomic_load(&shared->alone);

	return alone == EVERYBODY || alone == client->number;
}

static void
be_silent(struct client *client)
{
	struct pollfd fd = { .fd = ask_fds[client->number], .events = POLLIN };

	atomic_store(&client->board->is_silent, true);
	while (!may_ask(client)) {
		poll(&fd, 1, -1);
		wake_drain_fd(fd.fd);
	}
	atomic_store(&client->board->is_silent, false);
}

/* As many as it dares; how many it has asked in all. */
static uint64_t
ask_some(struct client *client)
{
	uint64_t asked = ring_pushed(client->asked);
	uint64_t window = 1 + die_roll(WINDOW);

	while (may_ask(client) && asked < atomic_load(&client->board->answered) + window &&
	    ask(client, asked + 1))
		asked++;
	return asked;
}

static void
play_client(int me)
{
	struct client client = { .number = me - 1, .board = &shared->client[me - 1] };
	struct shm *shm = attach();

	ensure(store_client_open(shm, (uint32_t)client.number, STORE_CORE, &client.store) ==
	    RESULT_OK);
	ensure(ring_attach(shm, store_ring_number((uint32_t)client.number, STORE_CORE,
			       RING_REQUESTS), &client.asked) == RESULT_OK);
	atomic_store(&client.board->is_silent, false);
	for (;;) {
		uint64_t asked = ask_some(&client);

		if (store_answers(client.store, on_answer, &client) > 0)
			continue;
		if (asked > atomic_load(&client.board->answered))
			wait_for_answers(&client);
		else if (!may_ask(&client))
			be_silent(&client);
	}
}

/* --- what is on disk, at any moment --- */

static bool
count_account(void *owner, const struct account *account)
{
	++*(uint64_t *)owner;
	return true;
}

static void
check_store(struct store *reader)
{
	struct txn *txn = store_read(reader);
	uint64_t accounts = txn_entries(txn, TABLE_ACCOUNT);
	uint64_t listed = 0, counted;
	uint32_t hashes = store_host_hashes(reader, txn, SLICE("localhost"), &counted);

	store_accounts(reader, txn, SLICE("localhost"), count_account, &listed);
	if (listed != accounts || counted != accounts || (accounts > 0 && hashes != 1) ||
	    txn_entries(txn, TABLE_ACCOUNT_HOST) != accounts)
		die_fault("%llu accounts, %llu listed, %llu counted",
		    (unsigned long long)accounts, (unsigned long long)listed,
		    (unsigned long long)counted);
	txn_end(&txn);
	env_reader_check(store_env(reader));
}

static void
open_eventfds(void)
{
	for (int i = 0; i < PROCESSES_MAX; i++)
		process_fds[i] = i < CLIENTS ? eventfd(0, EFD_NONBLOCK) : -1;
	for (int i = 0; i < CLIENTS; i++)
		ask_fds[i] = eventfd(0, EFD_NONBLOCK);
	for (int i = 0; i < STORE_COUNT; i++)
		store_fds[i] = eventfd(0, EFD_NONBLOCK);
}

static void
make_store(void)
{
	struct store *store;

	ensure(store_open(directory, STORE_CORE, true, &store) == RESULT_OK);
	store_close(&store);
}

static uint64_t goal[CLIENTS];

static bool
has_everybody_answers(void)
{
	for (int i = 0; i < CLIENTS; i++)
		if (atomic_load(&shared->client[i].answered) < goal[i])
			return false;
	return true;
}

static bool
are_others_silent(void)
{
	for (int i = 0; i < CLIENTS; i++)
		if (i != atomic_load(&shared->alone) &&
		    !atomic_load(&shared->client[i].is_silent))
			return false;
	return true;
}

static void
describe(void)
{
	for (int i = 0; i < CLIENTS; i++)
		fprintf(stderr, "  client %d: answered=%llu goal=%llu silent=%d\n", i,
		    (unsigned long long)atomic_load(&shared->client[i].answered),
		    (unsigned long long)goal[i],
		    (int)atomic_load(&shared->client[i].is_silent));
}

/* Each that may ask comes further while nobody dies. */
static void
let_live(void)
{
	int alone = atomic_load(&shared->alone);

	for (int i = 0; i < CLIENTS; i++)
		goal[i] = alone != EVERYBODY && alone != i
		    ? 0
		    : atomic_load(&shared->client[i].answered) + 2 * WINDOW;
	die_wait(has_everybody_answers);
}

static void
live_on(struct store *reader, int number)
{
	check_store(reader);
	die_replace(number);
	let_live();
}

static void
die_alone(struct store *reader, int round)
{
	int client = round / 2 % CLIENTS;
	uint64_t one = 1;

	atomic_store(&shared->alone, client);
	die_wait(are_others_silent);
	live_on(reader, die_at("ring: sleeper found", round % 2 == 0 ? STORE : client + 1));
	atomic_store(&shared->alone, EVERYBODY);
	for (int i = 0; i < CLIENTS; i++)
		ensure(write(ask_fds[i], &one, sizeof(one)) == sizeof(one));
	let_live();
}

static bool
run(int kills)
{
	static die_play *const plays[] = { serve, play_client, play_client, play_client };
	struct store *reader;
	uint64_t answered = 0, again = 0;
	bool right;

	die_describe = describe;
	die_start(steps, sizeof(steps) / sizeof(steps[0]), plays, CLIENTS + 1);
	ensure(store_open(directory, STORE_CORE, false, &reader) == RESULT_OK);
	for (int i = 0; i < kills && atomic_load(&die_board->faults) == 0; i++) {
		if (i % 4 == 3)
			die_alone(reader, i / 4);
		else
			live_on(reader, die_once());
	}
	die_stop();
	check_store(reader);
	store_close(&reader);
	right = die_report("store_kill_test");
	for (int i = 0; i < CLIENTS; i++) {
		answered += atomic_load(&shared->client[i].answered);
		again += atomic_load(&shared->client[i].again);
	}
	printf("store_kill_test: %llu requests answered, %llu answers seen again\n",
	    (unsigned long long)answered, (unsigned long long)again);
	return right;
}

int
main(void)
{
	struct shm_options options = { runtime, CLIENTS, 10, 1 << 20 };
	int kills = die_kills(150);
	char command[200];
	struct shm *shm;
	bool right;

	ensure(folder_make(directory, "/tmp") && folder_make(runtime, "/dev/shm"));
	ensure(shm_create(&options, &shm) == RESULT_OK);
	ensure(store_rings_create(shm) == RESULT_OK);
	shared = die_shared(sizeof(*shared));
	shared->alone = EVERYBODY;
	open_eventfds();
	make_store();
	right = run(kills);
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s %s", directory, runtime);
	ensure(system(command) == 0);
	return right ? 0 : 1;
}
