/* store_client.c -- a process's pair of rings to a store: requests go out, answers come back. */
#include <string.h>

#include "base/buffer.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/effect.h"
#include "shm/store_request.h"

struct store_client {
	struct shm   *shm;
	uint32_t      process;
	enum store_kind kind;
	struct ring  *requests;
	struct ring  *answers;
	struct buffer draft;
};

static int process_fd[PROCESSES_MAX];
static int store_fd[STORE_COUNT];
static bool fds_are_set;

void
store_set_wake_fds(const int *process_fds, const int *store_fds)
{
	memcpy(process_fd, process_fds, sizeof(process_fd));
	memcpy(store_fd, store_fds, sizeof(store_fd));
	fds_are_set = true;
}

int
store_process_fd(uint32_t process)
{
	return fds_are_set ? process_fd[process] : -1;
}

int
store_store_fd(enum store_kind kind)
{
	return fds_are_set ? store_fd[kind] : -1;
}

bool
store_is_client(const struct shm *shm, uint32_t process)
{
	return process < shm->workers || process == shm_master_number(shm);
}

uint32_t
store_ring_number(uint32_t process, enum store_kind kind, enum ring_way way)
{
	return (process * STORE_COUNT + (uint32_t)kind) * 2 + (uint32_t)way;
}

int
store_rings_create(struct shm *shm)
{
	int result = RESULT_OK;

	for (uint32_t process = 0; process < PROCESSES_MAX; process++) {
		if (!store_is_client(shm, process))
			continue;
		for (int kind = 0; kind < STORE_COUNT && result == RESULT_OK; kind++) {
			result = ring_create(shm, store_ring_number(process, kind, RING_REQUESTS),
			    REQUEST_RING_BYTES);
			if (result == RESULT_OK)
				result = ring_create(shm,
				    store_ring_number(process, kind, RING_ANSWERS),
				    ANSWER_RING_BYTES);
		}
	}
	return result;
}

/* Adds how many records stand in a ring. */
static int
count_waiting(struct shm *shm, uint32_t number, uint32_t *waiting)
{
	struct ring *ring;
	int result = ring_attach(shm, number, &ring);

	if (result != RESULT_OK)
		return result;
	*waiting += ring_waiting(ring);
	ring_detach(&ring);
	return RESULT_OK;
}

int
store_rings_waiting(struct shm *shm, uint32_t *waiting)
{
	uint32_t answers = 0;
	int result = RESULT_OK;

	*waiting = 0;
	for (uint32_t process = 0; process < PROCESSES_MAX; process++) {
		if (!store_is_client(shm, process))
			continue;
		for (int kind = 0; kind < STORE_COUNT && result == RESULT_OK; kind++) {
			result = count_waiting(shm,
			    store_ring_number(process, kind, RING_REQUESTS), waiting);
			if (result == RESULT_OK)
				result = count_waiting(shm,
				    store_ring_number(process, kind, RING_ANSWERS), &answers);
		}
	}
	return result;
}

int
store_client_attach(struct shm *shm, uint32_t process, enum store_kind kind,
    struct store_client **out)
{
	struct store_client *client;
	int result;

	ensure(store_is_client(shm, process));
	client = NEW(struct store_client);
	client->shm = shm;
	client->process = process;
	client->kind = kind;
	buffer_init(&client->draft);
	result = ring_attach(shm, store_ring_number(process, kind, RING_REQUESTS),
	    &client->requests);
	if (result == RESULT_OK)
		result = ring_attach(shm, store_ring_number(process, kind, RING_ANSWERS),
		    &client->answers);
	if (result == RESULT_OK && process == shm->me)
		result = effect_open_ring(shm, kind);
	if (result != RESULT_OK) {
		store_client_close(&client);
		return result;
	}
	ring_set_wake_fd(client->requests, store_store_fd(kind));
	ring_set_wake_fd(client->answers, store_process_fd(process));
	*out = client;
	return RESULT_OK;
}

void
store_client_take_over(struct store_client *client)
{
	ring_wake(client->requests);
	ring_awake(client->answers);
}

int
store_client_open(struct shm *shm, uint32_t process, enum store_kind kind,
    struct store_client **out)
{
	int result = store_client_attach(shm, process, kind, out);

	if (result == RESULT_OK)
		store_client_take_over(*out);
	return result;
}

void
store_client_close(struct store_client **pointer)
{
	struct store_client *client = *pointer;

	if (client == NULL)
		return;
	ring_detach(&client->requests);
	ring_detach(&client->answers);
	buffer_clear(&client->draft);
	memory_free(client);
	*pointer = NULL;
}

/* --- requests --- */

/* Keys of a password may have been in it. */
static void
forget_request(struct store_client *client)
{
	memory_wipe(client->draft.data, client->draft.end);
}

typedef int push_fn(struct ring *ring, struct slice head, struct slice body);

static int64_t
ask(struct store_client *client, const struct store_context *context,
    const struct store_change *changes, int count, push_fn *push)
{
	int result;

	if (!store_request_write(&client->draft, context, changes, count))
		return RESULT_INVALID;
	result = push(client->requests, buffer_slice(&client->draft), SLICE_EMPTY);
	forget_request(client);
	return result == RESULT_OK ? (int64_t)ring_pushed(client->requests) : result;
}

int64_t
store_ask(struct store_client *client, const struct store_context *context,
    const struct store_change *changes, int count)
{
	return ask(client, context, changes, count, ring_push);
}

int64_t
store_ask_later(struct store_client *client, const struct store_context *context,
    const struct store_change *changes, int count)
{
	return ask(client, context, changes, count, ring_push_later);
}

void
store_hurry(struct store_client *client)
{
	ring_hurry(client->requests);
}

int
store_draft(struct store_client *client, const struct store_context *context,
    const struct store_change *changes, int count, bool later)
{
	struct slice request;
	struct effect_piece piece;
	char *memory;
	int result;

	if (!store_request_write(&client->draft, context, changes, count))
		return RESULT_INVALID;
	request = buffer_slice(&client->draft);
	piece.length = (uint32_t)request.length;
	result = effect_stage(client->shm, piece.length, &memory, &piece.offset);
	if (result == RESULT_OK) {
		memcpy(memory, request.data, request.length);
		result = effect_ask(client->shm, client->kind, later, piece);
		if (result != RESULT_OK)
			effect_stage_cut(client->shm, piece.offset, 0);
	}
	forget_request(client);
	return result;
}

bool
store_can_ask(const struct store_client *client, size_t bytes)
{
	return ring_room(client->requests) >= sizeof(struct request_head) + bytes;
}

/* --- answers --- */

/* One is dropped when its callback has returned: who dies in it leaves it to the replacement. */
int
store_answers(struct store_client *client,
    void (*each)(void *owner, const struct store_answer *answer), void *owner)
{
	struct slice bytes;
	uint64_t number;
	int count = 0;

	ring_awake(client->answers);
	while (ring_peek(client->answers, 0, &bytes, &number)) {
		struct answer_record record;

		if (bytes.length == sizeof(record)) {
			struct store_answer answer;

			memcpy(&record, bytes.data, sizeof(record));
			answer = (struct store_answer){
				.context = record.context,
				.request = record.request,
				.result = record.result,
				.account = record.account,
			};
			each(owner, &answer);
			count++;
		} else {
			log_error(LOG_STORE, "corrupt answer", "bytes=%zu", bytes.length);
		}
		ring_drop(client->answers, 1);
	}
	return count;
}

uint64_t
store_asked(const struct store_client *client)
{
	return ring_pushed(client->requests);
}

/* Each request has one answer, in order. */
uint64_t
store_answered(const struct store_client *client)
{
	return ring_pushed(client->answers) - ring_waiting(client->answers);
}

int
store_client_fd(struct store_client *client)
{
	return store_process_fd(client->process);
}

bool
store_client_sleep(struct store_client *client)
{
	return ring_sleep(client->answers);
}
