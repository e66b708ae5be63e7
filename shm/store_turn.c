/* store_turn.c -- one transaction and one sync for all that wait: taken, applied, committed, answered, dropped. */
#include "shm/store_server_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"

#define TURN_REQUESTS 4096
#define TURN_BYTES    (8u << 20)

void
store_tell_changes(struct store_server *server, uint32_t tables)
{
	_Atomic uint64_t *changes = server->shm->instance->store_changes[server->kind];

	for (int table = 0; table < STORE_TABLES_MAX; table++)
		if ((tables & 1u << table) != 0)
			atomic_fetch_add(&changes[table], 1);
}

uint32_t
store_answers_room(const struct channel *channel)
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
		channel->room = store_answers_room(channel);
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
			store_applied_read(server, channel, txn);
	}
}

static void
end_channels(struct store_server *server, struct txn *txn)
{
	for (int i = 0; i < server->count; i++) {
		struct channel *channel = &server->channels[i];

		if (channel->taken > 0 &&
		    channel->first + channel->taken - 1 > channel->applied)
			store_applied_write(server, channel, txn);
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
		store_tell_changes(server, apply.touched);
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
