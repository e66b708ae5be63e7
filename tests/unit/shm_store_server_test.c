/* shm_store_server_test.c -- facts about requests to the store: answered in order, once, after the commit. */
#include "unit.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>

#undef BLOCK_SIZE	/* <sys/mount.h> has one too */

#include "base/result.h"
#include "shm/ring_record.h"
#include "shm/store_record.h"
#include "shm/store_request.h"
#include "tests/folder.h"

static char directory[64], data[80], runtime[64];
static struct shm *shm;
static struct store *core;
static struct store_server *server;
static struct store_client *client;

static int
open_all(void)
{
	if (store_open(data, STORE_CORE, true, &core) != RESULT_OK ||
	    store_server_open(shm, core, STORE_CORE, &server) != RESULT_OK)
		return -1;
	return store_client_open(shm, 0, STORE_CORE, &client);
}

static void
close_all(void)
{
	store_client_close(&client);
	store_server_close(&server);
	store_close(&core);
}

static int
make_runtime(void)
{
	struct shm_options options = { runtime, 2, 10, 1 << 20 };

	if (!folder_make(runtime, "/dev/shm") || shm_create(&options, &shm) != RESULT_OK)
		return -1;
	return store_rings_create(shm);
}

static int
setup(void **state)
{
	if (!folder_make(directory, "/tmp") || make_runtime() != 0)
		return -1;
	snprintf(data, sizeof(data), "%s/data", directory);
	return open_all();
}

static int
teardown(void **state)
{
	char command[200];

	close_all();
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s %s", directory, runtime);
	return system(command);
}

static int64_t
ask_as(struct store_client *asker, const char *jid, uint64_t version, uint64_t stanza)
{
	struct store_context context = { .session = { 3, 5 }, .stanza = stanza, .feature = 7,
		.tag = 9 };
	struct store_change change = {
		.verb = STORE_ACCOUNT_PUT,
		.version = version,
		.key = slice_from_text(jid),
		.value = SLICE("keys"),
	};

	return store_ask(asker, &context, &change, 1);
}

static int64_t
ask(const char *jid, uint64_t stanza)
{
	return ask_as(client, jid, 0, stanza);
}

#define ANSWERS_MAX 4096
static struct store_answer answer[ANSWERS_MAX];
static int answers;

static void
on_answer(void *owner, const struct store_answer *one)
{
	answer[answers++] = *one;
}

static int
take(void)
{
	answers = 0;
	return store_answers(client, on_answer, NULL);
}

static uint64_t
accounts(void)
{
	struct txn *txn = store_read(core);
	uint64_t count = txn_entries(txn, TABLE_ACCOUNT);

	txn_end(&txn);
	return count;
}

static void
answers_carry_what_was_asked(void **state)
{
	int64_t request = ask("romeo@localhost", 42);

	assert_int_equal(request, 1);
	assert_int_equal(take(), 0);
	assert_int_equal(store_server_turn(server), 1);
	assert_int_equal(take(), 1);
	assert_int_equal(answer[0].request, request);
	assert_int_equal(answer[0].result, RESULT_OK);
	assert_int_equal(answer[0].account, 1);
	assert_int_equal(answer[0].context.stanza, 42);
	assert_int_equal(answer[0].context.session.slot, 3);
	assert_int_equal(answer[0].context.session.epoch, 5);
	assert_int_equal(answer[0].context.feature, 7);
	assert_int_equal(answer[0].context.tag, 9);
	assert_int_equal(store_server_turn(server), 0);
	assert_int_equal(take(), 0);
}

static void
a_turn_sees_its_own_changes(void **state)
{
	ask("romeo@localhost", 1);
	ask("romeo@localhost", 2);
	ask("juliet@localhost", 3);
	assert_int_equal(store_server_turn(server), 3);
	assert_int_equal(take(), 3);
	assert_int_equal(answer[0].result, RESULT_OK);
	assert_int_equal(answer[1].result, RESULT_EXISTS);
	assert_int_equal(answer[1].account, 0);
	assert_int_equal(answer[2].result, RESULT_OK);
	assert_int_equal(answer[2].account, 2);
}

/* Whoever hears the answer finds the number changed, and nobody else need read anew. */
static void
a_commit_changes_the_number_of_its_tables(void **state)
{
	uint64_t before = store_changes(shm, STORE_CORE, STORE_ACCOUNTS);
	uint64_t other = store_changes(shm, STORE_CORE, STORE_BLOCKLIST);

	ask("romeo@localhost", 1);
	assert_true(store_changes(shm, STORE_CORE, STORE_ACCOUNTS) == before);
	store_server_turn(server);
	assert_true(store_changes(shm, STORE_CORE, STORE_ACCOUNTS) != before);
	assert_true(store_changes(shm, STORE_CORE, STORE_BLOCKLIST) == other);
	before = store_changes(shm, STORE_CORE, STORE_ACCOUNTS);
	ask("romeo@localhost", 2);	/* refused: it exists */
	store_server_turn(server);
	assert_true(store_changes(shm, STORE_CORE, STORE_ACCOUNTS) == before);
}

/* It may have committed, and told nobody. */
static void
a_death_changes_all_numbers(void **state)
{
	uint64_t accounts = store_changes(shm, STORE_CORE, STORE_ACCOUNTS);
	uint64_t blocklists = store_changes(shm, STORE_CORE, STORE_BLOCKLIST);

	close_all();
	assert_int_equal(open_all(), 0);
	assert_true(store_changes(shm, STORE_CORE, STORE_ACCOUNTS) != accounts);
	assert_true(store_changes(shm, STORE_CORE, STORE_BLOCKLIST) != blocklists);
}

static void
all_processes_are_served(void **state)
{
	struct store_client *worker, *master;

	assert_int_equal(store_client_open(shm, 1, STORE_CORE, &worker), RESULT_OK);
	assert_int_equal(store_client_open(shm, shm_master_number(shm), STORE_CORE, &master),
	    RESULT_OK);
	ask("a@localhost", 1);
	ask_as(worker, "b@localhost", 0, 2);
	ask_as(master, "c@localhost", 0, 3);
	assert_int_equal(store_server_turn(server), 3);
	assert_int_equal(take(), 1);
	answers = 0;
	assert_int_equal(store_answers(worker, on_answer, NULL), 1);
	assert_int_equal(answer[0].context.stanza, 2);
	answers = 0;
	assert_int_equal(store_answers(master, on_answer, NULL), 1);
	assert_int_equal(answer[0].context.stanza, 3);
	store_client_close(&worker);
	store_client_close(&master);
}

static void
many_changes_are_one_request(void **state)
{
	struct store_context context = { .stanza = 1 };
	struct store_change changes[3] = {
		{ .verb = STORE_SET, .table = STORE_ROSTER, .key = SLICE("a"), .value = SLICE("1") },
		{ .verb = STORE_SET, .table = STORE_PEP, .key = SLICE("b"), .value = SLICE("22") },
		{ .verb = STORE_SET, .table = STORE_ROSTER, .key = SLICE("c"), .version = 5 },
	};
	struct slice value;
	uint64_t version;
	struct txn *txn;

	assert_int_equal(store_ask(client, &context, changes, 3), 1);
	changes[2].version = STORE_ANY_VERSION;
	assert_int_equal(store_ask(client, &context, changes, 3), 2);
	store_server_turn(server);
	take();
	assert_int_equal(answer[0].result, RESULT_CONFLICT);
	assert_int_equal(answer[1].result, RESULT_OK);
	txn = store_read(core);
	assert_true(store_get(core, txn, STORE_PEP, SLICE("b"), &value, &version));
	assert_slice(value, "22");
	txn_end(&txn);
}

static struct ring_header *
header_of(enum ring_way way, struct segment *raw)
{
	struct segment_identity identity = { .kind = SEGMENT_RING,
		.number = store_ring_number(0, STORE_CORE, way), .unit = RING_UNIT };
	char name[32];

	snprintf(name, sizeof(name), "ring.%u", identity.number);
	assert_int_equal(segment_attach(raw, runtime, name, &identity, false), RESULT_OK);
	return raw->memory;
}

/* The store dies after its commit: before it answered, or before it dropped what it answered. */
static void
die_after_commit(bool answered)
{
	struct segment requests, answered_ones;
	struct ring_header *asked = header_of(RING_REQUESTS, &requests);
	struct ring_header *told = header_of(RING_ANSWERS, &answered_ones);
	uint64_t head = atomic_load(&asked->head), tail = atomic_load(&told->tail);

	assert_true(store_server_turn(server) > 0);
	atomic_store(&asked->head, head);
	if (!answered)
		atomic_store(&told->tail, tail);
	segment_detach(&requests);
	segment_detach(&answered_ones);
	close_all();
	assert_int_equal(open_all(), 0);
}

static void
what_was_committed_is_answered_after_a_death(void **state)
{
	ask("romeo@localhost", 1);
	ask("romeo@localhost", 2);
	die_after_commit(false);
	ask("juliet@localhost", 3);
	assert_int_equal(store_server_turn(server), 3);
	assert_int_equal(take(), 3);
	assert_int_equal(answer[0].result, RESULT_OK);
	assert_int_equal(answer[0].account, 1);
	assert_int_equal(answer[1].result, RESULT_EXISTS);
	assert_int_equal(answer[2].result, RESULT_OK);
	assert_int_equal(answer[2].account, 2);
	assert_int_equal(accounts(), 2);
}

static void
what_was_answered_is_not_answered_again(void **state)
{
	ask("romeo@localhost", 1);
	ask("romeo@localhost", 2);
	die_after_commit(true);
	assert_int_equal(store_server_turn(server), 2);
	assert_int_equal(take(), 2);
	assert_int_equal(answer[0].result, RESULT_OK);
	assert_int_equal(answer[1].result, RESULT_EXISTS);
	assert_int_equal(accounts(), 1);
}

static void
requests_wait_while_answers_are_not_taken(void **state)
{
	char jid[64];
	int asked = 0, told = 0;

	for (int i = 0; i < 3000; i++) {
		snprintf(jid, sizeof(jid), "user%d@localhost", i);
		if (ask(jid, (uint64_t)i) <= 0)
			break;
		asked++;
	}
	assert_int_equal(asked, 3000);
	while (store_server_turn(server) > 0)
		;
	assert_int_equal(store_server_turn(server), 0);
	store_server_wait(server, -1, -1);	/* returns: somebody may have taken answers */
	while (told < asked) {
		int count = take();

		for (int i = 0; i < count; i++)
			assert_int_equal(answer[i].context.stanza, told + i);
		assert_true(count > 0);
		told += count;
		while (store_server_turn(server) > 0)
			;
	}
	assert_int_equal(accounts(), 3000);
}

static void
a_full_ring_refuses(void **state)
{
	static char bytes[100000];
	struct store_change change = { .verb = STORE_SET, .table = STORE_PEP, .key = SLICE("k"),
		.version = STORE_ANY_VERSION, .value = slice_of(bytes, sizeof(bytes)) };
	struct store_context context = { .stanza = 1 };
	int count = 0;

	assert_true(store_can_ask(client, sizeof(bytes) + 64));
	while (store_ask(client, &context, &change, 1) > 0)
		count++;
	assert_in_range(count, 9, 10);
	assert_int_equal(store_ask(client, &context, &change, 1), RESULT_FULL);
	assert_false(store_can_ask(client, sizeof(bytes) + 64));
	assert_int_equal(store_server_turn(server), count);
	assert_true(store_ask(client, &context, &change, 1) > 0);
}

static void
corrupt_requests_are_answered_so(void **state)
{
	struct request_head head = { .context = { .stanza = 77 }, .count = 1 };
	struct change_head change = { .verb = STORE_SET, .table = STORE_PEP, .key_length = 100 };
	struct ring *ring;

	assert_int_equal(ring_attach(shm, store_ring_number(0, STORE_CORE, RING_REQUESTS), &ring),
	    RESULT_OK);
	ring_push(ring, SLICE("short"), SLICE_EMPTY);
	ring_push(ring, SLICE_EMPTY, SLICE_EMPTY);
	ring_push(ring, slice_of(&head, sizeof(head)), SLICE_EMPTY);
	ring_push(ring, slice_of(&head, sizeof(head)), slice_of(&change, sizeof(change)));
	change.key_length = 0;
	change.value_length = UINT64_MAX;
	ring_push(ring, slice_of(&head, sizeof(head)), slice_of(&change, sizeof(change)));
	head.count = UINT32_MAX;
	ring_push(ring, slice_of(&head, sizeof(head)), slice_of(&change, sizeof(change)));
	head.count = 1;
	change.value_length = 0;
	change.verb = 99;
	ring_push(ring, slice_of(&head, sizeof(head)), slice_of(&change, sizeof(change)));
	ring_detach(&ring);
	assert_int_equal(store_server_turn(server), 7);
	assert_int_equal(take(), 7);
	for (int i = 0; i < 6; i++)
		assert_int_equal(answer[i].result, RESULT_CORRUPT);
	assert_int_equal(answer[2].context.stanza, 77);
	assert_int_equal(answer[6].result, RESULT_INVALID);
}

/* Takes the data file away from LMDB, so that its next write fails. */
static void
break_disk(void)
{
	char path[64], target[256];

	for (int fd = 3; fd < 64; fd++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof(target) - 1);
		if (length > 0 && strstr((target[length] = 0, target), "/data.mdb") != NULL)
			close(fd);
	}
}

static void
a_failed_commit_ends_the_process_and_loses_nothing(void **state)
{
	int status;
	pid_t child;

	ask("romeo@localhost", 1);
	close_all();
	child = fork();
	if (child == 0) {
		if (open_all() != 0)
			_exit(9);
		break_disk();
		store_server_turn(server);
		_exit(8);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
	assert_int_equal(open_all(), 0);
	assert_int_equal(take(), 0);
	assert_int_equal(store_server_turn(server), 1);
	assert_int_equal(take(), 1);
	assert_int_equal(answer[0].result, RESULT_OK);
}

#define CANNOT_MOUNT 77

static int
answer_to(struct store_change *change, int key)
{
	struct store_context context = { .stanza = 1 };

	change->key = slice_of(&key, sizeof(key));
	return store_ask(client, &context, change, 1) > 0 && store_server_turn(server) == 1 &&
		take() == 1
	    ? answer[0].result
	    : RESULT_FAILED;
}

/* What adds has no room, what takes away is done, and then there is room again. */
static int
serve_on_a_small_disk(void)
{
	static char bytes[100000];
	struct store_context context = { .stanza = 1 };
	struct store_change change = { .verb = STORE_SET, .table = STORE_PEP,
		.version = STORE_ANY_VERSION, .value = slice_of(bytes, sizeof(bytes)) };
	int refused = 0;

	if ((geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) || unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", directory, "tmpfs", 0, "size=12m") != 0)
		return CANNOT_MOUNT;
	if (open_all() != 0)
		return 2;
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 4; i++) {
			int key = round * 4 + i;

			change.key = slice_of(&key, sizeof(key));
			if (store_ask(client, &context, &change, 1) <= 0)
				return 3;
		}
		/* A small one between large ones has room where they have none. */
		if (ask("romeo@localhost", 2) <= 0 || store_server_turn(server) != 5)
			return 4;
		if (take() != 5)
			return 5;
		for (int i = 0; i < 4; i++)
			refused += answer[i].result == RESULT_FULL;
		if (answer[4].result != (round == 0 ? RESULT_OK : RESULT_EXISTS))
			return 6;
	}
	if (refused == 0)
		return 7;
	change.value = SLICE_EMPTY;
	for (int key = 0; key < 160; key++)
		if (answer_to(&change, key) != RESULT_OK)
			return 8;
	change.value = slice_of(bytes, sizeof(bytes));
	return answer_to(&change, 0) == RESULT_OK ? 0 : 9;
}

static void
a_full_disk_is_an_answer(void **state)
{
	int status;
	pid_t child;

	close_all();
	child = fork();
	if (child == 0)
		_exit(serve_on_a_small_disk());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(open_all(), 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_MOUNT) {
		print_message("SKIPPED: a_full_disk_is_an_answer: cannot mount a tmpfs of its own "
			      "(needs root, or user namespaces)\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static uint64_t
applied_records(void)
{
	struct txn *txn = store_read(core);
	uint64_t count = txn_entries(txn, TABLE_APPLIED);

	txn_end(&txn);
	return count;
}

/* After a reboot the rings are new ones and number from 1 again: nothing old may answer for them. */
static void
a_new_memory_starts_over(void **state)
{
	char command[128];

	ask("romeo@localhost", 1);
	store_server_turn(server);
	assert_int_equal(applied_records(), 1);
	close_all();
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s", runtime);
	assert_int_equal(system(command), 0);
	assert_int_equal(make_runtime(), 0);
	assert_int_equal(open_all(), 0);
	assert_int_equal(applied_records(), 0);
	assert_int_equal(ask("juliet@localhost", 2), 1);
	assert_int_equal(store_server_turn(server), 1);
	assert_int_equal(take(), 1);
	assert_int_equal(answer[0].result, RESULT_OK);
	assert_int_equal(accounts(), 2);
}

static void
who_sleeps_is_woken_by_eventfd(void **state)
{
	int process_fds[PROCESSES_MAX], store_fds[STORE_COUNT];
	uint64_t count;

	for (int i = 0; i < PROCESSES_MAX; i++)
		process_fds[i] = -1;
	process_fds[0] = eventfd(0, EFD_NONBLOCK);
	store_fds[STORE_CORE] = eventfd(0, EFD_NONBLOCK);
	store_fds[STORE_MSG] = -1;
	store_set_wake_fds(process_fds, store_fds);
	close_all();
	assert_int_equal(open_all(), 0);
	/* Opening writes once to the other side: a predecessor may have died before it did. */
	assert_int_equal(read(process_fds[0], &count, sizeof(count)), sizeof(count));
	assert_int_equal(read(store_fds[STORE_CORE], &count, sizeof(count)), sizeof(count));
	assert_int_equal(store_client_fd(client), process_fds[0]);
	assert_true(store_client_sleep(client));
	ask("romeo@localhost", 1);
	store_server_wait(server, -1, -1);	/* does not sleep */
	store_server_turn(server);
	assert_int_equal(read(process_fds[0], &count, sizeof(count)), sizeof(count));
	assert_false(store_client_sleep(client));
	assert_int_equal(take(), 1);
	assert_true(write(store_fds[STORE_CORE], &(uint64_t){ 1 }, 8) == 8);
	store_server_wait(server, -1, -1);	/* woken, and drains */
	assert_int_equal(read(store_fds[STORE_CORE], &count, sizeof(count)), -1);
	process_fds[0] = store_fds[STORE_CORE] = -1;
	store_set_wake_fds(process_fds, store_fds);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(answers_carry_what_was_asked),
		FACT(a_turn_sees_its_own_changes),
		FACT(a_commit_changes_the_number_of_its_tables),
		FACT(a_death_changes_all_numbers),
		FACT(all_processes_are_served),
		FACT(many_changes_are_one_request),
		FACT(what_was_committed_is_answered_after_a_death),
		FACT(what_was_answered_is_not_answered_again),
		FACT(requests_wait_while_answers_are_not_taken),
		FACT(a_full_ring_refuses),
		FACT(corrupt_requests_are_answered_so),
		FACT(a_failed_commit_ends_the_process_and_loses_nothing),
		FACT(a_full_disk_is_an_answer),
		FACT(a_new_memory_starts_over),
		FACT(who_sleeps_is_woken_by_eventfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
