/* worker_kit.c -- for tests: a whole worker in this process, its loop taken turn by turn. */
#include "tests/folder.h"
#include "tests/unit/worker_kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/credentials.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "features/feature.h"
#include "net/connection.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/tls_context.h"
#include "shm/blocks.h"
#include "shm/registry.h"
#include "shm/store.h"
#include "shm/wake.h"
#include "xmpp/jid_prepare.h"

#define SETTLE_TURNS 8

static const char default_config[] =
    "hosts = ( { name = \"localhost\"; require_tls = false; } );";

/* --- the loop --- */

static bool
on_before_sleep(void *owner)
{
	struct worker *worker = owner;
	bool more = sessions_turn(&worker->server);

	more |= connections_flush(worker->server.connections);
	wake_flush(worker->server.shm);
	if (worker->is_there == NULL || worker->is_there(worker->is_there_owner))
		loop_stop(worker->server.loop);
	return more;
}

static const struct loop_hooks hooks = { .before_sleep = on_before_sleep };

static void
on_wake(void *owner, int events)
{
	struct worker *worker = owner;

	(void)events;
	wake_drain_fd(worker->wake_fd);
}

void
worker_turns(struct worker *worker, int count)
{
	worker->is_there = NULL;
	for (int i = 0; i < count; i++)
		loop_run(worker->server.loop);
}

void
worker_settle(struct worker *worker)
{
	worker_turns(worker, SETTLE_TURNS);
}

void
worker_wait(struct worker *worker, bool (*is_there)(void *owner), void *owner)
{
	worker->is_there = is_there;
	worker->is_there_owner = owner;
	loop_run(worker->server.loop);
	worker_settle(worker);
}

void
worker_pass(struct worker *worker, uint64_t ms)
{
	clock_advance(ms);
	timers_run(worker->server.timers);
	worker_settle(worker);
}

/* --- beginning --- */

static struct shm *
make_memory(struct worker *worker, const struct worker_options *options)
{
	struct shm_options shm_options = { worker->runtime_dir,
		options->workers == 0 ? 1 : options->workers,
		options->sessions == 0 ? WORKER_SESSIONS : options->sessions,
		options->arena_bytes == 0 ? UINT64_C(16) << 20 : options->arena_bytes };
	struct shm *shm;

	ensure(shm_options.max_sessions <= WORKER_SESSIONS);
	ensure(shm_create(&shm_options, &shm) == RESULT_OK);
	ensure(store_rings_create(shm) == RESULT_OK);
	atomic_store(&shm->instance->serving, UINT64_MAX);
	shm_join(shm, 0);
	worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	shm_set_wake_fd(shm, 0, worker->wake_fd);
	shm_recover(shm);
	return shm;
}

/* The keys are slow to make: once a process. */
static struct slice
account_record(void)
{
	static uint8_t record[CREDENTIALS_RECORD_MAX];
	static size_t length;
	struct credentials credentials = { 0 };

	if (length == 0) {
		ensure(credentials_derive(&credentials, (1u << SCRAM_HASH_COUNT) - 1,
		    SLICE(WORKER_PASSWORD), SCRAM_ITERATIONS_LEAST));
		length = credentials_pack(&credentials, record);
	}
	return slice_of(record, length);
}

static void
make_accounts(const char *data_dir)
{
	static const char *const jids[] = { "romeo@localhost", "juliet@localhost",
		"nurse@localhost", "tybalt@localhost" };
	struct store *store;
	uint64_t id;

	ensure(store_open(data_dir, STORE_CORE, true, &store) == RESULT_OK);
	for (size_t i = 0; i < sizeof(jids) / sizeof(jids[0]); i++) {
		struct store_change change = { .verb = STORE_ACCOUNT_PUT,
			.hashes = (1u << SCRAM_HASH_COUNT) - 1,
			.key = slice_from_text(jids[i]),
			.value = account_record() };

		ensure(store_apply(store, &change, 1, &id) == RESULT_OK);
	}
	store_close(&store);
}

static bool
prepare_domain(struct slice text, char *out, size_t size)
{
	struct arena arena;
	struct slice prepared;
	bool is_domain;

	arena_init(&arena);
	is_domain = jid_prepare_domain(&arena, text, &prepared) && prepared.length < size;
	if (is_domain)
		snprintf(out, size, SLICE_FMT, SLICE_ARG(prepared));
	arena_clear(&arena);
	return is_domain;
}

static void
on_mistake(void *owner, const struct config_mistake *mistake)
{
	(void)owner;
	fprintf(stderr, "%s:%u: %s\n", mistake->file, mistake->line, mistake->text);
}

/* What a test does in a turn of the loop is more than a client may in a minute. */
static void
lift_limits(struct config *config)
{
	config->unauthenticated_percent = 100;
	config->connection_rate = 0;
	config->login_failures_per_address = 0;
	config->login_failures_per_network = 0;
	config->login_failures_per_account = 0;
	config->login_rate = 0;
	config->bind_rate = 0;
	config->byte_rate_unauthenticated = 0;
	config->byte_rate = 0;
	config->account_byte_rate = 0;
	config->stanza_rate = 0;
	config->account_stanza_rate = 0;
	config->presence_rate = 0;
}

static struct config *
parse(struct worker *worker, const char *text)
{
	struct config *config = config_parse(slice_from_text(text), "rookery.conf",
	    prepare_domain, on_mistake, NULL);

	ensure(config != NULL);
	if (!worker->has_limits)
		lift_limits(config);
	return config;
}

static void
set_tls(struct server *server, const struct worker_options *options)
{
	char why[200];

	if (options->chain_pem.length == 0)
		return;
	config_set_certificate(server->config, 0, options->chain_pem, options->key_pem);
	server->tls = tls_context_new("intermediate", NULL);
	ensure(tls_context_add(server->tls, slice_from_text(server->config->hosts[0].name),
		   options->chain_pem, options->key_pem, why, sizeof(why)) == RESULT_OK);
}

static void
open_msg(struct worker *worker)
{
	struct server *server = &worker->server;

	ensure(store_open(worker->data_dir, STORE_MSG, true, &server->msg) == RESULT_OK);
	ensure(store_client_open(server->shm, 0, STORE_MSG, &server->msg_client) == RESULT_OK);
}

void
worker_begin(struct worker *worker, const struct worker_options *options)
{
	static const struct worker_options nothing;
	struct server *server = &worker->server;
	struct txn *txn;

	alarm(120);	/* a test that hangs is ended */
	memset(worker, 0, sizeof(*worker));
	options = options == NULL ? &nothing : options;
	worker->log = memfd_create("log", MFD_CLOEXEC);
	log_to_fd(worker->log);
	ensure(folder_make(worker->runtime_dir, "/dev/shm"));
	ensure(folder_make(worker->data_dir, "/dev/shm"));
	server->shm = make_memory(worker, options);
	ensure(registry_open(server->shm, true, false, &server->registry) == RESULT_OK);
	make_accounts(worker->data_dir);
	ensure(store_open(worker->data_dir, STORE_CORE, false, &server->core) == RESULT_OK);
	ensure(store_client_open(server->shm, 0, STORE_CORE, &server->core_client) ==
	    RESULT_OK);
	if (options->has_msg)
		open_msg(worker);
	txn = store_read(server->core);
	store_secret(server->core, txn, server->secret);
	txn_end(&txn);
	worker->has_limits = options->has_limits;
	server->config = parse(worker, options->config == NULL ? default_config : options->config);
	set_tls(server, options);
	server->loop = loop_new();
	server->timers = timers_new(server->loop);
	server->connections = connections_new(server->loop, server->timers);
	ensure(features_start(server));
	worker->own_timers = timers_count(server->timers);
	sessions_adopt(server, server->number);
	loop_set_hooks(server->loop, &hooks, worker);
	watch_set(watch_new(server->loop, worker->wake_fd, on_wake, worker), WATCH_READ);
}

void
worker_reload(struct worker *worker, const char *text)
{
	config_free(&worker->server.config);
	worker->server.config = parse(worker, text);
	sessions_reload(&worker->server);
}

/* --- end --- */

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void
remove_directory(const char *path)
{
	ensure(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

bool
worker_is_clean(struct worker *worker)
{
	struct shm *shm = worker->server.shm;

	for (uint32_t i = 0; i < shm->workers; i++) {
		uint32_t used, committed;

		blocks_count(shm, i, &used, &committed);
		if (used != 0)
			return false;
	}
	return slot_count(shm) == 0 &&
	    timers_count(worker->server.timers) <= worker->own_timers;
}

void
worker_end(struct worker *worker)
{
	struct server *server = &worker->server;

	for (uint32_t i = 0; i < server->shm->max_sessions; i++) {
		struct session *session = session_of_slot(server, i);

		if (session != NULL)
			session_destroy(session, "the test is over");
	}
	worker_settle(worker);
	ensure(worker_is_clean(worker));
	connections_free(&server->connections);
	timers_free(&server->timers);
	loop_free(&server->loop);
	features_stop(server);
	tls_context_free(&server->tls);
	config_free(&server->config);
	store_client_close(&server->core_client);
	store_client_close(&server->msg_client);
	store_close(&server->core);
	store_close(&server->msg);
	registry_close(&server->registry);
	shm_detach(&server->shm);
	remove_directory(worker->runtime_dir);
	remove_directory(worker->data_dir);
	log_to_fd(STDERR_FILENO);
	close(worker->log);
	close(worker->wake_fd);
}

/* --- what a test asks --- */

bool
worker_logged(struct worker *worker, const char *text)
{
	static char all[1 << 20];
	ssize_t length = pread(worker->log, all, sizeof(all) - 1, 0);

	ensure(length >= 0);
	all[length] = 0;
	return strstr(all, text) != NULL;
}

uint64_t
worker_counter(struct worker *worker, enum counter counter)
{
	return counter_sum(worker->server.shm, counter);
}
