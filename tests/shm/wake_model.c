/* wake_model.c -- dirty bits and eventfds, visited in every state. */

/*
 * Dirty bits, the sleeping word and the eventfd as a small machine: in every order, with
 * deaths of producers and of the consumer, nobody is left asleep over an entry. With one
 * access out of its order somebody is.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"

#define PRODUCERS_MOST 2
#define ENTRIES_MOST   2

enum producing {
	APPEND,
	SET_BIT,
	SET_SUMMARY,
	SET_ANY,
	CLEAR_EFFECT,
	ASK_SLEEPER,
	WRITE_FD,
	RECOVER_MARK,
	RECOVER_FD,
	REPLACED,
	FINISHED
};
enum consuming {
	LOWER_ANY,
	TAKE_SUMMARY,
	TAKE_BIT,
	SHOW,
	SAY_ASLEEP,
	LOOK_AGAIN,
	ASLEEP,
	SAY_AWAKE,
	INHERIT,
	GONE
};

struct producer {
	uint8_t at;
	uint8_t left;   /* entries to come */
	uint8_t stands; /* its effect: a replacement marks again */
};

struct state {
	struct producer producer[PRODUCERS_MOST];
	uint8_t at; /* of the consumer */
	uint8_t entries;
	uint8_t shown;
	uint8_t bit;
	uint8_t summary;
	uint8_t any;
	uint8_t sleeping;
	uint8_t fd; /* eventfd: written since it was read */
	uint8_t deaths;
};

enum mistake { NONE, SLEEP_WITHOUT_LOOKING, LOWER_ANY_LATE, REPLACEMENT_SILENT };

static struct {
	uint8_t producers;
	uint8_t entries;
	uint8_t deaths;
	enum mistake mistake;
} shape;

static void
produce(struct state *state, struct producer *producer)
{
	switch ((enum producing)producer->at) {
	case APPEND:
		state->entries++;
		producer->left--;
		producer->stands = 1;
		producer->at = SET_BIT;
		break;
	case SET_BIT:
		producer->at = state->bit && state->summary ? SET_ANY : SET_SUMMARY;
		state->bit = 1;
		break;
	case SET_SUMMARY:
		state->summary = 1;
		producer->at = SET_ANY;
		break;
	case SET_ANY:
		state->any = 1;
		producer->at = CLEAR_EFFECT;
		break;
	case CLEAR_EFFECT:
		producer->stands = 0;
		producer->at = ASK_SLEEPER;
		break;
	case ASK_SLEEPER:
		producer->at = state->sleeping  ? WRITE_FD
			       : producer->left ? APPEND
						: FINISHED;
		state->sleeping = 0;
		break;
	case RECOVER_MARK: /* of all targets, then straight on */
		state->bit = 1;
		state->summary = 1;
		state->any = 1;
		producer->stands = 0;
		producer->at = RECOVER_FD;
		break;
	case REPLACED:
		producer->at = producer->stands ? RECOVER_MARK : RECOVER_FD;
		break;
	default:
		if (producer->at == WRITE_FD || shape.mistake != REPLACEMENT_SILENT)
			state->fd = 1;
		producer->at = producer->left ? APPEND : FINISHED;
	}
}

/* False when it sleeps and nobody has called. */
static bool
consume(struct state *state)
{
	switch ((enum consuming)state->at) {
	case LOWER_ANY:
		if (shape.mistake != LOWER_ANY_LATE)
			state->any = 0;
		state->at = TAKE_SUMMARY;
		break;
	case TAKE_SUMMARY:
		state->at = state->summary ? TAKE_BIT : SAY_ASLEEP;
		state->summary = 0;
		break;
	case TAKE_BIT:
		state->at = state->bit ? SHOW : SAY_ASLEEP;
		state->bit = 0;
		break;
	case SHOW:
		state->shown = state->entries;
		state->at = SAY_ASLEEP;
		break;
	case SAY_ASLEEP:
		if (shape.mistake == LOWER_ANY_LATE)
			state->any = 0;
		state->sleeping = 1;
		state->at = shape.mistake == SLEEP_WITHOUT_LOOKING ? ASLEEP : LOOK_AGAIN;
		break;
	case LOOK_AGAIN:
		state->at = state->any ? SAY_AWAKE : ASLEEP;
		break;
	case ASLEEP:
		if (!state->fd)
			return false;
		state->fd = 0;
		state->at = SAY_AWAKE;
		break;
	case SAY_AWAKE:
		state->sleeping = 0;
		state->at = LOWER_ANY;
		break;
	case INHERIT: /* a replacement looks at all its slots, whatever the bits say */
		state->shown = state->entries;
		state->at = LOWER_ANY;
		break;
	default:
		state->fd = 1;
		state->at = INHERIT;
	}
	return true;
}

static void
reach_deaths(const struct state *before)
{
	struct state state;

	if (before->deaths == shape.deaths)
		return;
	for (uint8_t i = 0; i < shape.producers; i++) {
		if (before->producer[i].at >= REPLACED)
			continue;
		state = *before;
		state.deaths++;
		state.producer[i].at = REPLACED;
		model_reach(&state);
	}
	if (before->at == GONE)
		return;
	state = *before;
	state.deaths++;
	state.at = GONE;
	model_reach(&state);
}

static bool
next(const void *bytes)
{
	const struct state *before = bytes;
	struct state state = *before;
	bool any = consume(&state);

	if (any)
		model_reach(&state);
	for (uint8_t i = 0; i < shape.producers; i++) {
		state = *before;
		if (state.producer[i].at == FINISHED)
			continue;
		produce(&state, &state.producer[i]);
		model_reach(&state);
		any = true;
	}
	reach_deaths(before);
	return any;
}

static const char *
wrong(const void *bytes, bool at_rest)
{
	const struct state *state = bytes;

	if (!at_rest || state->shown == state->entries)
		return NULL;
	return "asleep over an entry";
}

static const struct model wake = { "wake", sizeof(struct state), next, wrong, NULL };

static bool
look_at(uint8_t producers, uint8_t entries, uint8_t deaths, enum mistake mistake)
{
	static const char *const names[] = { "as it is", "sleeping without looking again",
					     "dirty_any lowered late",
					     "replacements that call nobody" };
	struct state first;
	struct model_result result;

	shape.producers = producers;
	shape.entries = entries;
	shape.deaths = deaths;
	shape.mistake = mistake;
	memset(&first, 0, sizeof(first));
	for (uint8_t i = 0; i < producers; i++)
		first.producer[i].left = entries;
	result = model_run(&wake, &first);
	printf("%s: %u producers, entries %u, deaths %u: %llu states, %llu ends, %s\n",
	       names[mistake], producers, entries, deaths,
	       (unsigned long long)result.states, (unsigned long long)result.rests,
	       result.wrong == NULL ? "right" : result.wrong);
	fflush(stdout);
	return result.wrong == NULL;
}

int
main(void)
{
	bool right = true;

	right &= look_at(1, 2, 0, NONE);
	right &= look_at(2, 2, 0, NONE);
	right &= look_at(2, 2, 3, NONE);
	right &= !look_at(1, 1, 0, SLEEP_WITHOUT_LOOKING);
	right &= !look_at(1, 1, 0, LOWER_ANY_LATE);
	right &= !look_at(1, 1, 1, REPLACEMENT_SILENT);
	return right ? 0 : 1;
}
