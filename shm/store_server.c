/* store_server.c -- the store process's loop: one transaction and one sync for all that wait. */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/store_record.h"
#include "shm/store_request.h"
#include "shm/wake.h"

#define TURN_REQUESTS 4096
#define TURN_BYTES    (8u << 20)
#define BLOCKED_MS    5		/* how soon a full ring of answers is looked at again */
#define NO_PLACE      UINT64_MAX
#define GATHER_MS     10	/* what nobody waits for is committed together with what comes so soon behind it */

/* One client, and what this turn does for it. */
struct channel {
	uint32_t	number;		/* of the ring of requests: its name in "applied" */
	struct ring    *requests;
	struct ring    *answers;
	uint32_t	taken;		/* requests of this turn, from the ring's front */
	uint32_t	room;		/* answers there is room for */
	uint64_t	first;		/* number of the first one taken */
	uint64_t	applied;	/* the last number committed with an outcome before this turn */
	struct outcome *outcomes;	/* one for each taken */
	uint32_t	capacity;
	uint32_t	next;		/* the next one to apply */
	uint64_t	place;		/* in the log, of the next one to take, then to apply; 0: anywhere; NO_PLACE: there is none */
	size_t		length;		/* of the next one to take */
};

struct store_server {
	struct shm	  *shm;
	struct store	  *store;
	enum store_kind	   kind;
	struct channel	   channels[PROCESSES_MAX];
	int		   count;
	int		   next;	/* channel that comes first of those of one place: each is it in turn */
	struct store_change changes[STORE_CHANGES_MAX];
};

/* --- what was applied --- */

static struct applied_key
applied_key(const struct store_server *server, const struct channel *channel)
{
	return (struct applied_key){
		.instance = htobe64(server->shm->instance->header.instance),
		.ring = htobe32(channel->number),
	};
}

/* Outcomes of requests that a predecessor committed and may not have answered. */
static void
read_applied(struct store_server *server, struct channel *channel, struct txn *txn)
{
	struct applied_key key = applied_key(server, channel);
	struct applied_record record;
	struct slice value;

	if (!txn_get(txn, TABLE_APPLIED, slice_of(&key, sizeof(key)), &value) ||
	    value.length < sizeof(record))
		return;
	memcpy(&record, value.data, sizeof(record));
	value = slice_after(value, sizeof(record));
	channel->applied = record.last;
	for (uint32_t i = 0; i < channel->taken; i++) {
		uint64_t place = channel->first + i - record.first;

		if (channel->first + i >= record.first && channel->first + i <= record.last &&
		    place < value.length / sizeof(struct outcome))
			memcpy(&channel->outcomes[i],
			    value.data + place * sizeof(struct outcome), sizeof(struct outcome));
	}
}

static void
write_applied(struct store_server *server, struct channel *channel, struct txn *txn)
{
	struct applied_key key = applied_key(server, channel);
	struct applied_record record = {
		.first = channel->first,
		.last = channel->first + channel->taken - 1,
	};
	size_t length = sizeof(record) + channel->taken * sizeof(struct outcome);
	char *bytes = memory_new(length);

	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), channel->outcomes,
	    channel->taken * sizeof(struct outcome));
	txn_put(txn, TABLE_APPLIED, slice_of(&key, sizeof(key)), slice_of(bytes, length));
	memory_free(bytes);
}

struct forgetting {
	uint64_t	   instance;
	struct applied_key keys[64];
	int		   count;
};

static bool
on_applied(void *owner, struct slice key, struct slice value)
{
	struct forgetting *old = owner;
	struct applied_key found;

	if (key.length != sizeof(found))
		return true;
	memcpy(&found, key.data, sizeof(found));
	if (found.instance != old->instance)
		old->keys[old->count++] = found;
	return old->count < 64;
}

/* The rings of another instance are gone for ever, and with them all that could be asked again. */
static int
forget_others(struct store_server *server)
{
	struct forgetting old = { .instance = htobe64(server->shm->instance->header.instance) };
	int result = RESULT_OK;

	do {
		struct txn *txn = store_read(server->store);

		old.count = 0;
		txn_each(txn, TABLE_APPLIED, SLICE_EMPTY, SLICE_EMPTY, on_applied, &old);
		txn_end(&txn);
		if (old.count == 0)
			break;
		txn = txn_write(store_env(server->store));
		for (int i = 0; i < old.count; i++)
			txn_delete(txn, TABLE_APPLIED, slice_of(&old.keys[i], sizeof(old.keys[i])));
		result = txn_commit(&txn);
	} while (result == RESULT_OK);
	return result;
}

/* --- what others remember --- */

/* Those that remember what they read of these tables read it again. */
static void
tell_changes(struct store_server *server, uint32_t tables)
{
	_Atomic uint64_t *changes = server->shm->instance->store_changes[server->kind];

	for (int table = 0; table < STORE_TABLES_MAX; table++)
		if ((tables & 1u << table) != 0)
			atomic_fetch_add(&changes[table], 1);
}

/* --- opening --- */

static int
open_channel(struct store_server *server, uint32_t process)
{
	struct channel *channel = &server->channels[server->count];
	int result;

	channel->number = store_ring_number(process, server->kind, RING_REQUESTS);
	result = ring_attach(server->shm, channel->number, &channel->requests);
	if (result == RESULT_OK)
		result = ring_attach(server->shm,
		    store_ring_number(process, server->kind, RING_ANSWERS), &channel->answers);
	if (result != RESULT_OK)
		return result;
	ring_set_wake_fd(channel->requests, store_store_fd(server->kind));
	ring_set_wake_fd(channel->answers, store_process_fd(process));
	ring_awake(channel->requests);
	ring_wake(channel->answers);
	server->count++;
	return RESULT_OK;
}

int
store_server_open(struct shm *shm, struct store *store, enum store_kind kind,
    struct store_server **out)
{
	struct store_server *server = NEW(struct store_server);
	int result = RESULT_OK;

	ensure(store->kind == kind && store->lock_fd >= 0);
	server->shm = shm;
	server->store = store;
	server->kind = kind;
	for (uint32_t process = 0; process < PROCESSES_MAX && result == RESULT_OK; process++)
		if (store_is_client(shm, process))
			result = open_channel(server, process);
	if (result == RESULT_OK)
		result = forget_others(server);
	if (result != RESULT_OK) {
		store_server_close(&server);
		return result;
	}
	/* A predecessor may have died behind a commit. */
	tell_changes(server, UINT32_MAX);
	*out = server;
	return RESULT_OK;
}

void
store_server_close(struct store_server **pointer)
{
	struct store_server *server = *pointer;

	if (server == NULL)
		return;
	for (int i = 0; i < PROCESSES_MAX; i++) {
		ring_detach(&server->channels[i].requests);
		ring_detach(&server->channels[i].answers);
		memory_free(server->channels[i].outcomes);
	}
	memory_free(server);
	*pointer = NULL;
}

/* --- a turn --- */

/* Answers are pushed after the commit, when there is no way back: so their room is counted first. */
static uint32_t
answers_room(const struct channel *channel)
{
	return ring_fits(channel->answers, sizeof(struct answer_record));
}

static struct slice
request_at(struct channel *channel, uint32_t index)
{
	struct slice record = SLICE_EMPTY;
	uint64_t number;

	ensure(ring_peek(channel->requests, index, &record, &number));
	return record;
}

/*
 * Of one channel requests come in their order; among the channels the log's come in the order of the log, so that it
 * grows at its end and lists are numbered as they are read. Those that have no place there come first, of each in turn.
 */
static struct channel *
next_channel(struct store_server *server)
{
	struct channel *found = NULL;

	for (int i = 0; i < server->count; i++) {
		struct channel *channel = &server->channels[(server->next + i) % server->count];

		if (channel->place != NO_PLACE && (found == NULL || channel->place < found->place))
			found = channel;
	}
	if (found != NULL)
		server->next = (int)(found - server->channels + 1) % server->count;
	return found;
}

/* A process that does not take its answers holds nobody up: what it has asked comes late. */
static void
look_behind(struct channel *channel)
{
	struct slice record;
	uint64_t number;

	channel->place = NO_PLACE;
	if (channel->taken >= channel->room ||
	    !ring_peek(channel->requests, channel->taken, &record, &number))
		return;
	if (channel->taken == 0)
		channel->first = number;
	channel->place = store_request_place(record);
	channel->length = record.length;
}

static void
take_request(struct channel *channel)
{
	if (channel->taken == channel->capacity) {
		channel->capacity = channel->capacity == 0 ? 64 : channel->capacity * 2;
		channel->outcomes = memory_resize(channel->outcomes,
		    channel->capacity * sizeof(struct outcome));
	}
	memset(&channel->outcomes[channel->taken++], 0, sizeof(struct outcome));
}

/*
 * Until all is taken or the turn is large enough, and then nothing is left behind in one ring that belongs before what
 * was taken of another.
 */
static uint32_t
gather(struct store_server *server, uint32_t most)
{
	struct channel *channel;
	uint32_t taken = 0;
	size_t bytes = 0;

	for (int i = 0; i < server->count; i++) {
		channel = &server->channels[i];
		channel->taken = 0;
		channel->applied = 0;
		channel->room = answers_room(channel);
		look_behind(channel);
	}
	while (taken < most && bytes < TURN_BYTES && (channel = next_channel(server)) != NULL) {
		take_request(channel);
		bytes += channel->length;
		taken++;
		look_behind(channel);
	}
	return taken;
}

/* Who died between commit and drop has applied this request already, or even answered it. */
static bool
is_done(const struct channel *channel, uint64_t number)
{
	return number <= channel->applied || number <= ring_pushed(channel->answers);
}

static int
apply_one(struct store_server *server, struct store_apply *apply, struct channel *channel,
    uint32_t index)
{
	struct outcome *outcome = &channel->outcomes[index];
	struct request_head head;
	int result;

	if (is_done(channel, channel->first + index))
		return RESULT_OK;
	result = store_request_read(request_at(channel, index), &head, server->changes);
	if (result == RESULT_OK)
		result = store_apply_request(apply, server->changes, (int)head.count,
		    &outcome->account);
	else
		log_error(LOG_STORE, "corrupt request", "ring=%u request=%llu", channel->number,
		    (unsigned long long)(channel->first + index));
	outcome->result = result;
	return txn_error(apply->txn);
}

static void
look_at_next(struct channel *channel)
{
	channel->place = channel->next < channel->taken
	    ? store_request_place(request_at(channel, channel->next))
	    : NO_PLACE;
}

static void
begin_channels(struct store_server *server, struct txn *txn)
{
	for (int i = 0; i < server->count; i++) {
		struct channel *channel = &server->channels[i];

		channel->next = 0;
		look_at_next(channel);
		if (channel->taken > 0)
			read_applied(server, channel, txn);
	}
}

static void
end_channels(struct store_server *server, struct txn *txn)
{
	for (int i = 0; i < server->count; i++) {
		struct channel *channel = &server->channels[i];

		if (channel->taken > 0 &&
		    channel->first + channel->taken - 1 > channel->applied)
			write_applied(server, channel, txn);
	}
}

static int
commit(struct store_server *server)
{
	struct store_apply apply;
	struct channel *channel;
	int error = RESULT_OK, result;

	store_apply_begin(&apply, server->store);
	begin_channels(server, apply.txn);
	while (error == RESULT_OK && (channel = next_channel(server)) != NULL) {
		error = apply_one(server, &apply, channel, channel->next++);
		look_at_next(channel);
	}
	if (error != RESULT_OK) {
		store_apply_give_up(&apply);
		return error;
	}
	end_channels(server, apply.txn);
	SHM_STEP("store: applied");
	result = store_apply_commit(&apply);
	if (result == RESULT_OK)
		tell_changes(server, apply.touched);
	return result;
}

static void
push_answer(struct channel *channel, uint32_t index)
{
	struct outcome *outcome = &channel->outcomes[index];
	struct answer_record answer = {
		.request = channel->first + index,
		.result = outcome->result,
		.account = outcome->account,
	};
	struct slice request = request_at(channel, index);

	if (answer.request <= ring_pushed(channel->answers))
		return;
	if (request.length >= sizeof(answer.context))
		memcpy(&answer.context, request.data, sizeof(answer.context));
	ensure(ring_put(channel->answers, slice_of(&answer, sizeof(answer)), SLICE_EMPTY) ==
	    RESULT_OK);
	SHM_STEP("store: answered");
}

static void
answer(struct store_server *server)
{
	for (int i = 0; i < server->count; i++) {
		struct channel *channel = &server->channels[i];

		for (uint32_t index = 0; index < channel->taken; index++)
			push_answer(channel, index);
		if (channel->taken > 0)
			ring_tell(channel->answers);
	}
	SHM_STEP("store: all answered");
	for (int i = 0; i < server->count; i++)
		ring_drop(server->channels[i].requests, server->channels[i].taken);
	SHM_STEP("store: dropped");
}

/* The page of a failed write may be in the kernel's cache as if it were on disk: only a new process knows. */
static _Noreturn void
end_process(int result)
{
	log_error(LOG_STORE, "cannot commit, this process ends", "reason=\"%s\"",
	    result_text(result));
	_exit(EXIT_FAILURE);
}

static int
turn(struct store_server *server, uint32_t most)
{
	uint32_t taken = gather(server, most);
	int result;

	if (taken == 0)
		return 0;
	SHM_STEP("store: taken");
	result = commit(server);
	SHM_STEP("store: committed");
	if (result == RESULT_FULL && taken > 1)
		return RESULT_FULL;
	if (result == RESULT_FULL) {
		/* No room for this one alone. Nothing happened, and that is its answer. */
		for (int i = 0; i < server->count; i++)
			if (server->channels[i].taken > 0)
				server->channels[i].outcomes[0] =
				    (struct outcome){ .result = RESULT_FULL };
	} else if (result != RESULT_OK) {
		end_process(result);
	}
	answer(server);
	return (int)taken;
}

int
store_server_turn(struct store_server *server)
{
	int result = turn(server, TURN_REQUESTS);
	int taken = 0;

	/* What has no room spoils the transaction for all: so one by one, those that have it go on. */
	if (result != RESULT_FULL)
		return result;
	while ((result = turn(server, 1)) > 0 && taken < TURN_REQUESTS)
		taken += result;
	return taken;
}

/* --- waiting --- */

/* False when there is something to do. What waits for room among its answers does not wait for us. */
static bool
sleep_all(struct store_server *server, int *timeout_ms)
{
	for (int i = 0; i < server->count; i++) {
		struct channel *channel = &server->channels[i];

		if (ring_sleep(channel->requests))
			continue;
		if (answers_room(channel) > 0)
			return false;
		if (*timeout_ms < 0 || *timeout_ms > BLOCKED_MS)
			*timeout_ms = BLOCKED_MS;
	}
	return true;
}

static bool
gather_all(struct store_server *server)
{
	for (int i = 0; i < server->count; i++)
		if (!ring_gather(server->channels[i].requests))
			return false;
	return true;
}

/* True: a byte came on extra_fd. */
static bool
nap(struct store_server *server, int extra_fd, int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = store_store_fd(server->kind), .events = POLLIN },
		{ .fd = extra_fd, .events = POLLIN },
	};

	SHM_STEP("store: sleeps");
	if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
		log_error(LOG_STORE, "cannot wait", "reason=\"%s\"", strerror(errno));
	if ((fds[0].revents & POLLIN) != 0)
		wake_drain_fd(fds[0].fd);
	return (fds[1].revents & POLLIN) != 0;
}

void
store_server_wait(struct store_server *server, int extra_fd, int timeout_ms)
{
	bool is_called = sleep_all(server, &timeout_ms) && nap(server, extra_fd, timeout_ms);

	if (!is_called && gather_all(server))
		nap(server, extra_fd, GATHER_MS);
	for (int i = 0; i < server->count; i++)
		ring_awake(server->channels[i].requests);
}
