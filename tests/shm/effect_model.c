/* effect_model.c -- effects, locks and thefts, visited in every state. */

/*
 * Effects, locks and thefts as a small machine of single memory accesses, in every order
 * and with a death between any two of them: shows that each step happens once. The rule
 * of an early prototype, under which a thief settled only what the worker named in the
 * lock had done, is shown to fail when the thief dies too.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"

#define WORKERS_MOST 3
#define BOXES_MOST   2
#define STEPS_MOST   2
#define LOG_MOST     6

/* What a worker does next. One access to shared memory each. */
enum at {
	STAND,
	LOOK,
	LOCK,
	SETTLE_LAST,
	SETTLE_STATE,
	SETTLE_DONE,
	LOOK_AGAIN,
	WRITE,
	PUBLISH,
	DONE,
	UNLOCK,
	ASK_LOOK,
	ASK_PUSH,
	ASK_DONE,
	COUNT,
	CLEAR,
	RESTED,
	DEAD,
	REAPED
};

struct step_name { /* what last[] holds */
	uint8_t worker;
	uint8_t serial; /* 0: none */
	uint8_t step;
	uint8_t stanza; /* for the rules alone: what the entry is of */
};

struct box {
	uint8_t holder; /* worker + 1 */
	uint8_t generation;
	uint8_t next; /* out_next */
	struct step_name last[2];
	struct step_name log[LOG_MOST]; /* what the entries are */
};

struct worker {
	/* shared */
	uint8_t generation;
	uint8_t serial;
	uint8_t stands;
	uint8_t done[STEPS_MOST + 1]; /* the last one is of the request */
	uint8_t told;                 /* the number that the request gets */
	uint8_t pushed;               /* into the worker's ring */
	uint8_t ring[LOG_MOST];       /* the stanzas that asked */
	uint8_t stanza;
	uint8_t handled; /* h_in of its one session */
	/* its own, gone with it */
	uint8_t at;
	uint8_t step;
	uint8_t mine; /* generation it runs under */
	uint8_t from; /* whom the lock was taken from, plus one */
	struct step_name found;
	uint8_t seen;
};

struct state {
	struct worker worker[WORKERS_MOST];
	struct box box[BOXES_MOST];
	uint8_t deaths;
	uint8_t wrong;
};

enum wrong { RIGHT, TWICE, ORDER, HOLDERS, COUNTED_EARLY };

/* What is looked at. Each worker has one session, and its stanzas go to as many boxes as
 * there are steps. */
static struct {
	uint8_t workers;
	uint8_t boxes;
	uint8_t steps;
	uint8_t stanzas;
	uint8_t deaths;
	uint8_t asks;   /* 1: each stanza is a request to a store, too */
	bool old_rule;
	bool blind_ask; /* pushed by whoever finishes, without a look at the ring */
} shape;

/* Workers go over the boxes in different directions, so that locks are wanted crosswise.
 */
static uint8_t
target_of(uint8_t worker, uint8_t step)
{
	return (uint8_t)((worker + step) % shape.boxes);
}

static bool
same(struct step_name a, struct step_name b)
{
	return a.worker == b.worker && a.stanza == b.stanza && a.step == b.step;
}

static bool
is_in(const struct box *box, struct step_name name)
{
	for (uint8_t i = 0; i < box->next; i++)
		if (same(box->log[i], name))
			return true;
	return false;
}

/* An entry becomes visible: it must be new, and later than those of its sender before it.
 */
static void
publish(struct state *state, struct box *box)
{
	struct step_name name = box->last[(box->next + 1) & 1];

	if (is_in(box, name))
		state->wrong = TWICE;
	for (uint8_t i = 0; i < box->next; i++)
		if (box->log[i].worker == name.worker && box->log[i].stanza > name.stanza)
			state->wrong = ORDER;
	if (box->next < LOG_MOST)
		box->log[box->next] = name;
	box->next++;
}

/* A request in the ring: the store will do it. */
static void
push(struct state *state, struct worker *worker)
{
	for (uint8_t i = 0; i < worker->pushed && i < LOG_MOST; i++)
		if (worker->ring[i] >= worker->stanza)
			state->wrong = worker->ring[i] == worker->stanza ? TWICE : ORDER;
	if (worker->pushed < LOG_MOST)
		worker->ring[worker->pushed] = worker->stanza;
	worker->pushed++;
}

static void
ask(struct state *state, struct worker *worker)
{
	switch (worker->at) {
	case ASK_LOOK:
		worker->at = worker->pushed >= worker->told && !shape.blind_ask
				 ? ASK_DONE
				 : ASK_PUSH;
		break;
	case ASK_PUSH:
		push(state, worker);
		worker->at = ASK_DONE;
		break;
	default:
		worker->done[worker->step] = worker->serial;
		worker->step++;
		worker->at = LOOK;
	}
}

static void
check_holders(struct state *state, uint8_t box)
{
	uint8_t inside = 0;

	for (uint8_t i = 0; i < shape.workers; i++) {
		const struct worker *worker = &state->worker[i];

		inside += worker->at > LOCK && worker->at <= UNLOCK &&
			  target_of(i, worker->step) == box;
	}
	if (inside > 1)
		state->wrong = HOLDERS;
}

static void
check_counted(struct state *state, uint8_t me)
{
	for (uint8_t step = 0; step < shape.steps; step++) {
		struct step_name name = { me, 0, step, state->worker[me].stanza };

		if (!is_in(&state->box[target_of(me, step)], name))
			state->wrong = COUNTED_EARLY;
	}
	if (shape.asks > 0 && state->worker[me].pushed < state->worker[me].stanza)
		state->wrong = COUNTED_EARLY;
}

/* False while the lock is another's who lives, or whose death nobody has seen. */
static bool
lock(struct state *state, uint8_t me, struct box *box)
{
	struct worker *worker = &state->worker[me];

	if (box->holder != 0 &&
	    state->worker[box->holder - 1].generation == box->generation)
		return false;
	worker->from = box->holder;
	worker->at = box->holder == 0 ? LOOK_AGAIN : SETTLE_LAST;
	box->holder = (uint8_t)(me + 1);
	box->generation = worker->mine;
	check_holders(state, target_of(me, worker->step));
	return true;
}

static void
settle(struct state *state, struct worker *worker, const struct box *box)
{
	struct worker *named = &state->worker[worker->found.worker];

	switch (worker->at) {
	case SETTLE_LAST:
		worker->found = box->last[box->next & 1];
		worker->at = SETTLE_STATE;
		if (worker->found.serial == 0 ||
		    (shape.old_rule && worker->found.worker + 1 != worker->from))
			worker->at = LOOK_AGAIN;
		break;
	case SETTLE_STATE:
		worker->seen = named->done[worker->found.step];
		worker->at = SETTLE_DONE;
		if (!named->stands || named->serial != worker->found.serial)
			worker->at = LOOK_AGAIN;
		break;
	default:
		if (worker->seen < worker->found.serial &&
		    named->done[worker->found.step] == worker->seen)
			named->done[worker->found.step] = worker->found.serial;
		worker->at = LOOK_AGAIN;
	}
	if (worker->at == LOOK_AGAIN) {
		memset(&worker->found, 0, sizeof(worker->found));
		worker->from = 0;
		worker->seen = 0;
	}
}

static void
append(struct state *state, uint8_t me, struct box *box)
{
	struct worker *worker = &state->worker[me];

	switch (worker->at) {
	case LOOK_AGAIN:
		worker->at =
		    worker->done[worker->step] == worker->serial ? UNLOCK : WRITE;
		break;
	case WRITE:
		box->last[(box->next + 1) & 1] =
		    (struct step_name){ me, worker->serial, worker->step,
					worker->stanza };
		worker->at = PUBLISH;
		break;
	case PUBLISH:
		publish(state, box);
		worker->at = DONE;
		break;
	case DONE:
		worker->done[worker->step] = worker->serial;
		worker->at = UNLOCK;
		break;
	default:
		box->holder = 0;
		box->generation = 0;
		worker->step++;
		worker->at = LOOK;
	}
}

/* The worker's next access; false when it has nothing to do or must wait. */
static bool
go_on(struct state *state, uint8_t me)
{
	struct worker *worker = &state->worker[me];
	struct box *box = &state->box[target_of(me, worker->step)];

	switch ((enum at)worker->at) {
	case STAND:
		worker->at = worker->handled == shape.stanzas ? RESTED : LOOK;
		worker->stands = worker->at == LOOK;
		worker->serial += worker->stands;
		worker->stanza = (uint8_t)(worker->handled + worker->stands);
		worker->told = (uint8_t)(worker->pushed + 1);
		break;
	case LOOK:
		if (worker->step == shape.steps + shape.asks)
			worker->at = COUNT;
		else if (worker->done[worker->step] == worker->serial)
			worker->step++;
		else
			worker->at = worker->step < shape.steps ? LOCK : ASK_LOOK;
		break;
	case LOCK:
		return lock(state, me, box);
	case SETTLE_LAST:
	case SETTLE_STATE:
	case SETTLE_DONE:
		settle(state, worker, box);
		break;
	case ASK_LOOK:
	case ASK_PUSH:
	case ASK_DONE:
		ask(state, worker);
		break;
	case COUNT:
		check_counted(state, me);
		worker->handled = worker->stanza;
		worker->at = CLEAR;
		break;
	case CLEAR:
		worker->stands = 0;
		worker->step = 0;
		worker->at = STAND;
		break;
	case RESTED:
		return false;
	case DEAD: /* the master sees it */
		worker->generation++;
		worker->at = REAPED;
		break;
	case REAPED: /* and seats a replacement, which finishes what stands */
		worker->mine = worker->generation;
		worker->at = worker->stands ? LOOK : STAND;
		break;
	default:
		append(state, me, box);
	}
	return true;
}

static void
die(struct state *state, uint8_t me)
{
	struct worker *worker = &state->worker[me];

	worker->at = DEAD;
	worker->step = 0;
	worker->mine = 0;
	worker->from = 0;
	worker->seen = 0;
	memset(&worker->found, 0, sizeof(worker->found));
	state->deaths++;
}

static bool
next(const void *bytes)
{
	bool any = false;

	for (uint8_t i = 0; i < shape.workers; i++) {
		struct state state = *(const struct state *)bytes;

		if (go_on(&state, i)) {
			model_reach(&state);
			any = true;
		}
		state = *(const struct state *)bytes;
		if (state.worker[i].at < RESTED && state.deaths < shape.deaths) {
			die(&state, i);
			model_reach(&state);
		}
	}
	return any;
}

static const char *
wrong(const void *bytes, bool at_rest)
{
	static const char *const names[] = { NULL, "a step happened twice",
					     "stanzas of one sender changed places",
					     "two hold one lock",
					     "h_in moved before the last step" };
	const struct state *state = bytes;
	uint8_t entries = 0;

	if (state->wrong != RIGHT || !at_rest)
		return names[state->wrong];
	for (uint8_t i = 0; i < shape.workers; i++)
		if (state->worker[i].at != RESTED)
			return "a worker waits for ever";
	for (uint8_t i = 0; i < shape.boxes; i++)
		entries = (uint8_t)(entries + state->box[i].next);
	for (uint8_t i = 0; i < shape.workers; i++)
		if (state->worker[i].pushed != shape.asks * shape.stanzas)
			return "a request was lost";
	return entries == shape.workers * shape.steps * shape.stanzas ? NULL
								      : "a step was lost";
}

static const struct model effect = { "effect", sizeof(struct state), next, wrong, NULL };

/* A client sends again what h_in does not count: a worker starts with the stanza behind
 * it. */
static bool
look_at(uint8_t workers, uint8_t boxes, uint8_t steps, uint8_t stanzas, uint8_t deaths)
{
	struct state first;
	struct model_result result;

	shape.workers = workers;
	shape.boxes = boxes;
	shape.steps = steps;
	shape.stanzas = stanzas;
	shape.deaths = deaths;
	memset(&first, 0, sizeof(first));
	for (uint8_t i = 0; i < workers; i++) {
		first.worker[i].generation = 1;
		first.worker[i].mine = 1;
	}
	result = model_run(&effect, &first);
	printf("%s rule: %u workers, %u outboxes, fan-out %u, requests %u, stanzas %u, deaths %u: "
	       "%llu states, "
	       "%llu ends, %s\n",
	       shape.old_rule ? "old" : shape.blind_ask ? "blind" : "our", workers, boxes,
	       steps, shape.asks, stanzas, deaths,
	       (unsigned long long)result.states, (unsigned long long)result.rests,
	       result.wrong == NULL ? "right" : result.wrong);
	fflush(stdout);
	return result.wrong == NULL;
}

int
main(void)
{
	bool right = true;

	right &= look_at(2, 1, 1, 2, 3);
	right &= look_at(2, 2, 1, 2, 3);
	right &= look_at(2, 2, 2, 1, 3);
	right &= look_at(2, 2, 2, 2, 2);
	right &= look_at(3, 1, 1, 1, 3);
	right &= look_at(3, 2, 2, 1, 1);
	shape.asks = 1;
	right &= look_at(1, 1, 1, 3, 3);
	right &= look_at(2, 1, 1, 2, 3);
	right &= look_at(2, 2, 1, 2, 2);
	shape.blind_ask = true;
	right &= !look_at(1, 1, 1, 1, 1);
	shape.blind_ask = false;
	shape.asks = 0;
	shape.old_rule = true;
	right &= look_at(2, 1, 1, 2, 1); /* one death was what it was made for */
	right &= !look_at(2, 1, 1, 1, 2);
	return right ? 0 : 1;
}
