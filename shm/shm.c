/* shm.c -- the shared memory of one server, as one process sees it. */
#include "shm/shm.h"

#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/result.h"
#include "shm/limits_table.h"
#include "shm/ring.h"
#include "shm/segments.h"

#ifdef SHM_STEPS
void (*shm_step_hook)(const char *step);
#endif

static uint32_t
arena_blocks(const struct shm_options *options)
{
	uint64_t blocks = options->arena_bytes / BLOCK_SIZE;

	blocks -= blocks % BLOCK_EXTENT;
	if (blocks < BLOCK_EXTENT)
		blocks = BLOCK_EXTENT;
	return blocks > BLOCKS_MAX ? BLOCKS_MAX : (uint32_t)blocks;
}

static struct segment_identity
identity_of(enum segment_kind kind, uint32_t number, uint32_t unit, uint64_t size,
    uint64_t instance)
{
	return (struct segment_identity){ .kind = kind,
		.number = number,
		.unit = unit,
		.size = size,
		.instance = instance };
}

static void
view_slots(struct shm *shm)
{
	char *memory = shm->slots_segment.memory;

	shm->slots = (struct slot *)(memory + SEGMENTS_PAGE);
	shm->slots_committed = (_Atomic uint32_t *)(memory + sizeof(struct segment_header));
}

static void
view_worker(struct shm_worker *worker)
{
	char *arena = worker->arena_segment.memory;
	char *effect = worker->effect_segment.memory;
	char *dirty = worker->dirty_segment.memory;

	worker->arena = (struct arena_header *)arena;
	worker->block_owner = (_Atomic uint32_t *)(arena + sizeof(struct arena_header));
	worker->blocks = (struct block *)(arena + sizeof(struct arena_header) +
	    segments_owners_size(atomic_load(&worker->arena->count)));
	worker->effect = (struct effect_header *)effect;
	worker->steps = (struct effect_step *)(effect + sizeof(struct effect_header));
	worker->staging = (char *)(worker->steps + EFFECT_STEPS_MAX);
	worker->dirty = (_Atomic uint64_t *)(dirty + SEGMENTS_PAGE);
}

static int
create_instance(struct shm *shm, const struct shm_options *options, uint64_t id)
{
	struct segment_identity identity = identity_of(SEGMENT_INSTANCE, 0,
	    sizeof(struct process_page), sizeof(struct instance), id);
	int result = segment_create(&shm->instance_segment, options->runtime_dir, "instance",
	    &identity, sizeof(struct instance));

	if (result != RESULT_OK)
		return result;
	shm->instance = shm->instance_segment.memory;
	shm->instance->workers = options->workers;
	shm->instance->max_sessions = options->max_sessions;
	random_bytes(shm->instance->hash_key, sizeof(shm->instance->hash_key));
	for (uint32_t i = 0; i < PROCESSES_MAX; i++)
		atomic_store(&shm->instance->process[i].generation, 1);
	return RESULT_OK;
}

static int
create_slots(struct shm *shm, const struct shm_options *options, uint64_t id)
{
	struct segment_identity identity = identity_of(SEGMENT_SLOTS, 0, sizeof(struct slot),
	    segments_slots_size(options->max_sessions), id);
	int result = segment_create(&shm->slots_segment, options->runtime_dir, "slots",
	    &identity, SEGMENTS_PAGE);

	if (result == RESULT_OK)
		view_slots(shm);
	return result;
}

static int
create_limits(struct shm *shm, const struct shm_options *options, uint64_t id)
{
	uint64_t size = limits_size(options->max_sessions, options->workers);
	struct segment_identity identity = identity_of(SEGMENT_LIMITS, 0,
	    sizeof(struct limits_place), size, id);
	int result = segment_create(&shm->limits_segment, options->runtime_dir, "limits",
	    &identity, size);

	if (result == RESULT_OK)
		limits_view(shm, shm->limits_segment.memory);
	return result;
}

static int
create_worker(struct shm *shm, const struct shm_options *options, uint64_t id, uint32_t number)
{
	struct shm_worker *worker = &shm->worker[number];
	uint32_t blocks = arena_blocks(options);
	struct segment_identity identity = identity_of(SEGMENT_ARENA, number, BLOCK_SIZE,
	    segments_arena_size(blocks), id);
	char name[32];
	int result;

	snprintf(name, sizeof(name), "arena.%u", number);
	result = segment_create(&worker->arena_segment, options->runtime_dir, name, &identity,
	    sizeof(struct arena_header));
	if (result != RESULT_OK)
		return result;
	worker->arena = worker->arena_segment.memory;
	atomic_store(&worker->arena->count, blocks);

	snprintf(name, sizeof(name), "effect.%u", number);
	identity = identity_of(SEGMENT_EFFECT, number, sizeof(struct effect_step),
	    segments_effect_size(), id);
	result = segment_create(&worker->effect_segment, options->runtime_dir, name, &identity,
	    sizeof(struct effect_header));
	if (result != RESULT_OK)
		return result;

	snprintf(name, sizeof(name), "dirty.%u", number);
	identity = identity_of(SEGMENT_DIRTY, number, 8, segments_dirty_size(options->max_sessions), id);
	result = segment_create(&worker->dirty_segment, options->runtime_dir, name, &identity,
	    segments_dirty_size(options->max_sessions));
	if (result == RESULT_OK)
		view_worker(worker);
	return result;
}

static struct shm *
shm_new(const char *directory)
{
	struct shm *shm = NEW(struct shm);

	snprintf(shm->directory, sizeof(shm->directory), "%s", directory);
	shm->me = SHM_NOBODY;
	for (int i = 0; i < WORKERS_MAX; i++)
		shm->worker[i].wake_fd = -1;
	return shm;
}

int
shm_create(const struct shm_options *options, struct shm **out)
{
	struct shm *shm;
	uint64_t id = random_u64() | 1;
	int result;

	ensure(options->workers >= 1 && options->workers <= WORKERS_MAX);
	ensure(options->max_sessions >= 1 && options->max_sessions < SLOTS_MAX);
	result = segment_check_directory(options->runtime_dir);
	if (result == RESULT_OK)
		result = shm_check_empty(options->runtime_dir);
	if (result != RESULT_OK)
		return result;
	shm = shm_new(options->runtime_dir);
	shm->workers = options->workers;
	shm->max_sessions = options->max_sessions;
	result = create_instance(shm, options, id);
	if (result == RESULT_OK)
		result = create_slots(shm, options, id);
	if (result == RESULT_OK)
		result = create_limits(shm, options, id);
	for (uint32_t i = 0; i < options->workers && result == RESULT_OK; i++)
		result = create_worker(shm, options, id, i);
	if (result == RESULT_EXISTS) {
		shm_detach(&shm);
		return result;
	}
	if (result != RESULT_OK) {
		shm_detach(&shm);
		shm_remove(options->runtime_dir);
		return result;
	}
	*out = shm;
	return RESULT_OK;
}

static int
attach_worker(struct shm *shm, uint32_t number, bool read_only)
{
	struct shm_worker *worker = &shm->worker[number];
	uint64_t id = shm->instance->header.instance;
	struct segment_identity identity = identity_of(SEGMENT_ARENA, number, BLOCK_SIZE, 0, id);
	const char *directory = shm->directory;
	char name[32];
	int result;

	snprintf(name, sizeof(name), "arena.%u", number);
	result = segment_attach(&worker->arena_segment, directory, name, &identity, read_only);
	if (result != RESULT_OK)
		return result;
	worker->arena = worker->arena_segment.memory;
	if (segments_arena_size(atomic_load(&worker->arena->count)) != worker->arena_segment.size) {
		log_error(LOG_SHM, "shared memory refused", "path=%s/%s wrong=blocks", directory,
		    name);
		return RESULT_LAYOUT;
	}
	snprintf(name, sizeof(name), "effect.%u", number);
	identity = identity_of(SEGMENT_EFFECT, number, sizeof(struct effect_step),
	    segments_effect_size(), id);
	result = segment_attach(&worker->effect_segment, directory, name, &identity, read_only);
	if (result != RESULT_OK)
		return result;
	snprintf(name, sizeof(name), "dirty.%u", number);
	identity = identity_of(SEGMENT_DIRTY, number, 8, segments_dirty_size(shm->max_sessions), id);
	result = segment_attach(&worker->dirty_segment, directory, name, &identity, read_only);
	if (result == RESULT_OK)
		view_worker(worker);
	return result;
}

static int
attach_all(struct shm *shm, bool read_only)
{
	struct segment_identity identity = identity_of(SEGMENT_INSTANCE, 0,
	    sizeof(struct process_page), sizeof(struct instance), 0);
	int result = segment_attach(&shm->instance_segment, shm->directory, "instance",
	    &identity, read_only);

	if (result != RESULT_OK)
		return result;
	shm->instance = shm->instance_segment.memory;
	shm->workers = shm->instance->workers;
	shm->max_sessions = shm->instance->max_sessions;
	if (shm->workers < 1 || shm->workers > WORKERS_MAX || shm->max_sessions < 1 ||
	    shm->max_sessions >= SLOTS_MAX)
		return RESULT_LAYOUT;
	identity = identity_of(SEGMENT_SLOTS, 0, sizeof(struct slot),
	    segments_slots_size(shm->max_sessions), shm->instance->header.instance);
	result = segment_attach(&shm->slots_segment, shm->directory, "slots", &identity,
	    read_only);
	if (result != RESULT_OK)
		return result;
	view_slots(shm);
	identity = identity_of(SEGMENT_LIMITS, 0, sizeof(struct limits_place),
	    limits_size(shm->max_sessions, shm->workers), shm->instance->header.instance);
	result = segment_attach(&shm->limits_segment, shm->directory, "limits", &identity,
	    read_only);
	if (result != RESULT_OK)
		return result;
	limits_view(shm, shm->limits_segment.memory);
	for (uint32_t i = 0; i < shm->workers && result == RESULT_OK; i++)
		result = attach_worker(shm, i, read_only);
	return result;
}

int
shm_attach(const char *runtime_dir, bool read_only, struct shm **out)
{
	struct shm *shm = shm_new(runtime_dir);
	int result;

	SHM_STEP("shm: attaching");
	result = attach_all(shm, read_only);
	if (result != RESULT_OK) {
		shm_detach(&shm);
		return result;
	}
	*out = shm;
	SHM_STEP("shm: attached");
	return RESULT_OK;
}

void
shm_detach(struct shm **pointer)
{
	struct shm *shm = *pointer;

	if (shm == NULL)
		return;
	for (int i = 0; i < WORKERS_MAX; i++) {
		segment_detach(&shm->worker[i].arena_segment);
		segment_detach(&shm->worker[i].effect_segment);
		segment_detach(&shm->worker[i].dirty_segment);
	}
	for (size_t i = 0; i < sizeof(shm->asks) / sizeof(shm->asks[0]); i++)
		ring_detach(&shm->asks[i]);
	segment_detach(&shm->limits_segment);
	segment_detach(&shm->slots_segment);
	segment_detach(&shm->instance_segment);
	memory_free(shm->free_list);
	memory_free(shm);
	*pointer = NULL;
}

void
shm_set_wake_fd(struct shm *shm, uint32_t worker, int fd)
{
	shm->worker[worker].wake_fd = fd;
}

const char *
shm_differs(const struct shm *shm, const struct shm_options *options, uint64_t *from,
    uint64_t *to)
{
	uint32_t blocks = arena_blocks(options);
	uint32_t made = atomic_load(&shm->worker[0].arena->count);

	*from = shm->workers;
	*to = options->workers;
	if (*from != *to)
		return "workers";
	*from = shm->max_sessions;
	*to = options->max_sessions;
	if (*from != *to)
		return "max_sessions";
	*from = (uint64_t)made * BLOCK_SIZE;
	*to = (uint64_t)blocks * BLOCK_SIZE;
	return made != blocks ? "arena_bytes" : NULL;
}
