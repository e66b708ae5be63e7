/* store_bench.c -- what registry, rings and store cost: reading, binding, a record, a committed request. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/result.h"
#include "shm/registry.h"
#include "shm/slots.h"
#include "shm/store.h"
#include "shm/wake.h"
#include "tests/folder.h"

#define SESSIONS 10000
#define READS	 1000000
#define RECORDS	 5000000
#define REQUESTS 40000

static char runtime[64], data[64];
static struct shm *shm;

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- registry --- */

static struct slot_ref session[SESSIONS];

static void
bind_all(struct registry *registry)
{
	struct bind_request request = {
		.bare_jid = SLICE("romeo@montague.example"),
		.policy = BIND_KICK_OLD,
		.sessions_max = 20,
	};
	struct bind_answer answer;

	for (uint32_t i = 0; i < SESSIONS; i++) {
		ensure(slot_take(shm, &session[i]) == RESULT_OK);
		request.session = session[i];
		request.account = 1 + i / 2;
		request.resource = i % 2 == 0 ? SLICE("balcony") : SLICE("orchard");
		request.now_us = i;
		ensure(registry_bind(registry, &request, &answer) == RESULT_OK);
	}
}

static void
measure_registry(void)
{
	struct registry *registry;
	struct route route[8];
	uint32_t found = 0;
	double start;

	ensure(registry_open(shm, true, false, &registry) == RESULT_OK);
	start = now();
	bind_all(registry);
	printf("registry: slot_take+bind        %7.2f us\n", (now() - start) / SESSIONS * 1e6);
	start = now();
	for (uint32_t i = 0; i < READS; i++) {
		struct txn *txn = registry_read(registry);

		found += (uint32_t)registry_find(registry, txn, 1 + i * 7919 % (SESSIONS / 2),
		    route, 8);
		txn_end(&txn);
	}
	ensure(found == 2 * READS);
	printf("registry: read+find(2 of 10000)+end %7.0f ns\n", (now() - start) / READS * 1e9);
	start = now();
	for (uint32_t i = 0; i < SESSIONS; i++)
		ensure(registry_set_presence(registry, 1 + i / 2,
			   i % 2 == 0 ? SLICE("balcony") : SLICE("orchard"), session[i], 5, 0,
			   SLICE("<presence from='romeo@montague.example'/>")) == RESULT_OK);
	printf("registry: set_presence          %7.2f us\n", (now() - start) / SESSIONS * 1e6);
	start = now();
	for (uint32_t i = 0; i < SESSIONS; i++)
		ensure(registry_unbind(registry, 1 + i / 2,
			   i % 2 == 0 ? SLICE("balcony") : SLICE("orchard"), session[i]) ==
		    RESULT_OK);
	printf("registry: unbind                %7.2f us\n", (now() - start) / SESSIONS * 1e6);
	registry_close(&registry);
}

/* --- rings --- */

static void
measure_ring(void)
{
	static const char bytes[64];
	struct ring *writer, *reader;
	struct slice record;
	uint64_t number;
	uint32_t taken = 0;
	double start;

	ensure(ring_create(shm, 500, 1 << 20) == RESULT_OK);
	ensure(ring_attach(shm, 500, &writer) == RESULT_OK);
	ensure(ring_attach(shm, 500, &reader) == RESULT_OK);
	start = now();
	for (uint32_t pushed = 0; pushed < RECORDS;) {
		uint32_t count = 0;

		for (int i = 0; i < 32; i++, pushed++)
			ensure(ring_push(writer, slice_of(bytes, 64), SLICE_EMPTY) == RESULT_OK);
		while (ring_peek(reader, count, &record, &number))
			count++;
		ring_drop(reader, count);
		taken += count;
	}
	ensure(taken == RECORDS);
	printf("ring: push+peek+drop of 64 bytes, by 32, one process %5.1f ns\n",
	    (now() - start) / RECORDS * 1e9);
	ring_detach(&writer);
	ring_detach(&reader);
}

/* --- store --- */

static double asked_at[REQUESTS + 1], took[REQUESTS];
static int answered;

static void
on_answer(void *owner, const struct store_answer *answer)
{
	ensure(answer->result == RESULT_OK);
	took[answered++] = now() - asked_at[answer->context.stanza];
}

static _Noreturn void
serve(void)
{
	struct store *store;
	struct store_server *server;
	struct shm *own;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ensure(shm_attach(runtime, false, &own) == RESULT_OK);
	ensure(store_open(data, STORE_CORE, true, &store) == RESULT_OK);
	ensure(store_server_open(own, store, STORE_CORE, &server) == RESULT_OK);
	for (;;) {
		store_server_wait(server, -1, -1);
		store_server_turn(server);
	}
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
ask(struct store_client *client, uint64_t number)
{
	static const char value[200];
	struct store_context context = { .stanza = number };
	uint64_t key = number * 0x9e3779b97f4a7c15u;
	struct store_change change = { .verb = STORE_SET, .table = STORE_ROSTER,
		.version = STORE_ANY_VERSION, .key = slice_of(&key, sizeof(key)),
		.value = slice_of(value, sizeof(value)) };

	asked_at[number] = now();
	ensure(store_ask(client, &context, &change, 1) > 0);
}

static void
measure_store(struct store_client *client, int outstanding, int requests)
{
	struct pollfd fd = { .fd = store_client_fd(client), .events = POLLIN };
	double start = now();
	int asked = 0;

	answered = 0;
	while (answered < requests) {
		while (asked < requests && asked - answered < outstanding)
			ask(client, (uint64_t)asked++);
		if (store_answers(client, on_answer, NULL) > 0 || !store_client_sleep(client))
			continue;
		ensure(poll(&fd, 1, -1) >= 0);
		wake_drain_fd(fd.fd);
	}
	start = now() - start;
	qsort(took, (size_t)requests, sizeof(took[0]), compare);
	printf("store: %3d under way  %8.0f requests/s  p50 %6.2f ms  p99 %6.2f ms\n", outstanding,
	    requests / start, took[requests / 2] * 1e3, took[requests * 99 / 100] * 1e3);
}

static void
measure_stores(void)
{
	int process_fds[PROCESSES_MAX], store_fds[STORE_COUNT];
	struct store_client *client;
	pid_t server;

	for (int i = 0; i < PROCESSES_MAX; i++)
		process_fds[i] = i == 0 ? eventfd(0, EFD_NONBLOCK) : -1;
	for (int i = 0; i < STORE_COUNT; i++)
		store_fds[i] = eventfd(0, EFD_NONBLOCK);
	store_set_wake_fds(process_fds, store_fds);
	ensure(store_rings_create(shm) == RESULT_OK);
	server = fork();
	if (server == 0)
		serve();
	ensure(store_client_open(shm, 0, STORE_CORE, &client) == RESULT_OK);
	measure_store(client, 1, REQUESTS / 20);
	measure_store(client, 200, REQUESTS);
	store_client_close(&client);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* The argument: where the durable store is to be, on the disk that is to be measured. */
int
main(int argc, char **argv)
{
	struct shm_options options = { runtime, 1, SESSIONS, 1 << 20 };
	char command[200];

	ensure(folder_make(runtime, "/dev/shm"));
	ensure(folder_make(data, argc > 1 ? argv[1] : "/tmp"));
	ensure(shm_create(&options, &shm) == RESULT_OK);
	shm_join(shm, 0);
	measure_registry();
	measure_ring();
	measure_stores();
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s %s", runtime, data);
	return system(command);
}
