/* ask_kill_test.c -- a worker dies at every step of effects that ask a store as well as deliver. */

/*
 * Each stanza is one entry in a session's outbox and one request in a ring, and counts once both are there: so however
 * often the worker dies, requests come once each, in the order of the stanzas, and there are as many as entries.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/result.h"
#include "die.h"
#include "shm/effect.h"
#include "shm/slots.h"
#include "shm/store_request.h"
#include "shm/wake.h"
#include "tests/folder.h"

#define ENTRIES 16	/* that the session has at most */

static const char *const steps[] = { "effect: drafted", "effect: stands", "ask: looked",
	"ring: written", "ring: pushed", "ring: sleeper found", "ask: pushed", "ask: done",
	"step: locked", "step: appended", "step: done", "effect: counted", "effect: cleared" };

static char directory[64];
static int process_fds[PROCESSES_MAX], store_fds[STORE_COUNT];

static struct shared {
	struct slot_ref	 session;
	_Atomic uint64_t asked;	/* stanza of the last request the store has seen */
} *shared;

static struct shm *
attach(void)
{
	struct shm *shm;

	ensure(shm_attach(directory, false, &shm) == RESULT_OK);
	store_set_wake_fds(process_fds, store_fds);
	return shm;
}

/* --- the worker --- */

/* Sometimes two requests, sometimes none, between the two of them the entry. */
static int
requests_of(uint64_t stanza)
{
	return (int)((stanza * 2654435761u >> 7) % 3);
}

static void
ask(struct store_client *client, uint64_t stanza, int part)
{
	struct store_context context = { .session = shared->session, .stanza = stanza,
		.tag = (uint32_t)part };
	struct store_change change = { .verb = STORE_SET, .table = STORE_STANZA,
		.version = STORE_ANY_VERSION, .key = SLICE("key"), .value = SLICE("value") };

	while (store_draft(client, &context, &change, 1, stanza % 4 == 0) == RESULT_FULL)
		sched_yield();
}

static void
deliver(struct shm *shm, uint64_t stanza)
{
	struct effect_piece piece = { .length = sizeof(stanza) };
	char *memory;

	ensure(effect_stage(shm, piece.length, &memory, &piece.offset) == RESULT_OK);
	memcpy(memory, &stanza, sizeof(stanza));
	ensure(effect_add(shm, shared->session, ENTRY_MESSAGE, 0, &piece, 1) == RESULT_OK);
}

static void
check_entry(struct shm *shm, struct outbox_cursor *cursor)
{
	uint64_t number = cursor->number, stanza = 0;

	outbox_read(shm, shared->session, cursor, (char *)&stanza, sizeof(stanza), 0);
	if (stanza != number)
		die_fault("entry %llu is of stanza %llu", (unsigned long long)number,
		    (unsigned long long)stanza);
}

static void
take_entries(struct shm *shm)
{
	struct slot *slot = &shm->slots[shared->session.slot];
	struct outbox_cursor cursor;

	if (outbox_entries(slot) < ENTRIES)
		return;
	outbox_start(shm, shared->session, &cursor);
	while (cursor.number <= atomic_load(&slot->out_next))
		check_entry(shm, &cursor);
	ensure(outbox_give(shm, shared->session, atomic_load(&slot->out_next)) == RESULT_OK);
}

static void
work(int me)
{
	struct shm *shm = attach();
	struct store_client *client;
	struct slot *slot;

	shm_reaped(shm, 0);	/* a predecessor is gone, if there was one */
	shm_join(shm, 0);
	shm_recover(shm);
	ensure(store_client_open(shm, 0, STORE_MSG, &client) == RESULT_OK);
	slot = &shm->slots[shared->session.slot];
	for (;;) {
		uint64_t stanza = atomic_load(&slot->h_in) + 1;

		if (atomic_load(&slot->out_next) + 1 != stanza)
			die_fault("%llu entries before stanza %llu",
			    (unsigned long long)atomic_load(&slot->out_next),
			    (unsigned long long)stanza);
		effect_draft(shm, shared->session, stanza, true);
		if (requests_of(stanza) > 0)
			ask(client, stanza, 1);
		deliver(shm, stanza);
		if (requests_of(stanza) > 1)
			ask(client, stanza, 2);
		while (effect_run(shm) == RESULT_FULL)
			sched_yield();
		take_entries(shm);
	}
}

/* --- the store's end of the ring --- */

/* The request behind that one. */
static void
follow(uint64_t *stanza, uint32_t *part)
{
	if (*part < (uint32_t)requests_of(*stanza)) {
		++*part;
		return;
	}
	do
		++*stanza;
	while (requests_of(*stanza) == 0);
	*part = 1;
}

static void
serve(int me)
{
	struct shm *shm = attach();
	struct pollfd fd = { .fd = store_fds[STORE_MSG], .events = POLLIN };
	uint64_t stanza = 0, number;
	uint32_t part = 0;
	struct ring *ring;
	struct slice record;

	ensure(ring_attach(shm, store_ring_number(0, STORE_MSG, RING_REQUESTS), &ring) ==
	    RESULT_OK);
	for (;;) {
		struct store_context context;

		if (!ring_peek(ring, 0, &record, &number)) {
			if (ring_sleep(ring))
				poll(&fd, 1, -1);
			ring_awake(ring);
			wake_drain_fd(fd.fd);
			continue;
		}
		memcpy(&context, record.data, sizeof(context));
		follow(&stanza, &part);
		if (context.stanza != stanza || context.tag != part)
			die_fault("request %llu.%u where %llu.%u was due",
			    (unsigned long long)context.stanza, context.tag,
			    (unsigned long long)stanza, part);
		stanza = context.stanza;
		part = context.tag;
		atomic_store(&shared->asked, stanza);
		ring_drop(ring, 1);
	}
}

/* --- the test --- */

static uint64_t goal;
static struct ring *requests;

static bool
has_gone_on(void)
{
	return atomic_load(&shared->asked) >= goal;
}

static void
describe(void)
{
	fprintf(stderr, "  of %llu requests %u wait\n", (unsigned long long)ring_pushed(requests),
	    ring_waiting(requests));
}

static void
make(struct shm **shm)
{
	struct shm_options options = { directory, 1, 10, 1 << 20 };

	ensure(folder_make(directory, "/dev/shm"));
	ensure(shm_create(&options, shm) == RESULT_OK);
	ensure(store_rings_create(*shm) == RESULT_OK);
	ensure(ring_attach(*shm, store_ring_number(0, STORE_MSG, RING_REQUESTS), &requests) ==
	    RESULT_OK);
	die_describe = describe;
	for (int i = 0; i < PROCESSES_MAX; i++)
		process_fds[i] = -1;
	for (int i = 0; i < STORE_COUNT; i++)
		store_fds[i] = eventfd(0, EFD_NONBLOCK);
	shared = die_shared(sizeof(*shared));
	shm_join(*shm, 0);
	ensure(slot_take(*shm, &shared->session) == RESULT_OK);
}

int
main(void)
{
	static die_play *const plays[] = { work, serve };
	int kills = die_kills(200);
	char command[128];
	struct shm *shm;
	bool right;

	make(&shm);
	die_start(steps, sizeof(steps) / sizeof(steps[0]), plays, 2);
	die_spare_behind(1);	/* the store's end alone remembers what came last */
	for (int i = 0; i < kills && atomic_load(&die_board->faults) == 0; i++) {
		die_replace(die_once());
		goal = atomic_load(&shared->asked) + 50;
		die_wait(has_gone_on);
	}
	die_stop();
	right = die_report("ask_kill_test");
	printf("ask_kill_test: %llu stanzas\n", (unsigned long long)atomic_load(&shared->asked));
	ring_detach(&requests);
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ensure(system(command) == 0);
	return right ? 0 : 1;
}
