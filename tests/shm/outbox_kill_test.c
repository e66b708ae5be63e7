/* outbox_kill_test.c -- kills workers and proves that nothing is lost. */

/*
 * Kills workers at any moment, at every named step and several times in a row, and
 * proves that each stanza handled arrives once, in order, at each of its targets, that
 * nobody sleeps over it, and that no memory is lost. ROOKERY_KILLS says how many die.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "kill_play.h"

#define KILLS         500
#define KILLS_A_ROUND 20
#define PATIENCE_NS   30000000ll /* for an armed step that nobody passes */

/* Steps at which a holder leaves a lock behind, so that what comes next is a theft. */
static const char *const holders[] = { "append: published", "step: locked",
				       "append: ready",     "step: appended",
				       "step: done",        "give: published",
				       "lock: taken over" };

/* Where to die so that what is broken shows soon. */
static const char *const broken_at[] = { [BROKEN_SETTLE] = "append: published",
					 [BROKEN_FINISH] = "step: unlocked",
					 [BROKEN_FREEING] = "give: block given",
					 [BROKEN_WAKE] = "wake: summary set" };

static const char *const fault_names[FAULTS] = { "LOST",       "DUP",    "REORDERED",
						 "CORRUPT",    "ASLEEP", "LEAKED",
						 "ORPHANED",   "LOCKED", "STOLEN",
						 "MISCOUNTED", "STUCK",  "CRASHED",
						 "BROKEN" };

static uint32_t
roll(struct master *master, uint32_t sides)
{
	master->dice = stanza_mix(master->dice, sides);
	return (uint32_t)(master->dice >> 20) % sides;
}

static void
pause_ns(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

/* Somebody dies at that passage of the step; where nobody comes there, deaths at random
 * make thefts and recoveries. */
static void
kill_at(struct master *master, uint32_t step, uint32_t passage)
{
	uint64_t before = master->kills;
	long waited = 0;

	play_arm(master, step, passage, SIGKILL);
	while (!play_reap(master) && waited < PATIENCE_NS && !master->given_up) {
		pause_ns(50000);
		waited += 50000;
	}
	if (master->kills == before && !master->given_up)
		play_kill(master, roll(master, WORKERS));
}

static void
kill_at_random(struct master *master)
{
	pause_ns(roll(master, 3000000));
	if (!play_reap(master))
		play_kill(master, roll(master, WORKERS));
}

/* A holder, and then one or two of those that come to mend: thieves and replacements, at
 * any of their steps. */
static void
kill_in_a_row(struct master *master, uint32_t step, uint32_t deaths)
{
	struct board *board = master->play.board;
	const char *first = holders[roll(master, sizeof(holders) / sizeof(holders[0]))];

	kill_at(master, play_step(board, first), 1 + roll(master, 20));
	for (uint32_t i = 1; i < deaths; i++)
		kill_at(master, step, 1);
}

static void
kill_some(struct master *master, uint32_t turn)
{
	struct board *board = master->play.board;
	uint32_t step = turn / 4 % atomic_load(&board->step_names);

	if (broken_at[board->broken] != NULL) {
		kill_at(master, play_step(board, broken_at[board->broken]),
			1 + roll(master, 200));
		return;
	}
	switch (turn % 4) {
	case 0:
		kill_at(master, step, 1 + roll(master, 30));
		break;
	case 1:
		kill_in_a_row(master, step, 2);
		break;
	case 2:
		kill_in_a_row(master, step, 3);
		break;
	default:
		kill_at_random(master);
	}
	play_disarm(master);
}

static void
report(struct master *master, const char *name)
{
	struct board *board = master->play.board;

	printf("%s: kills %llu, stops %llu, steps %u, stanzas %llu, entries %llu, "
	       "sessions ended "
	       "%llu, gone %llu, full %llu, locks taken over %llu, settled %llu, effects "
	       "finished "
	       "%llu;",
	       name, (unsigned long long)master->kills, (unsigned long long)master->stops,
	       atomic_load(&board->step_names),
	       (unsigned long long)atomic_load(&board->stanzas),
	       (unsigned long long)atomic_load(&board->entries),
	       (unsigned long long)atomic_load(&board->ended),
	       (unsigned long long)atomic_load(&board->gone),
	       (unsigned long long)atomic_load(&board->full),
	       (unsigned long long)play_passes(master, "lock: taken over"),
	       (unsigned long long)play_passes(master, "settle: done"),
	       (unsigned long long)atomic_load(&board->finished));
	for (int i = 0; i < FAULTS; i++)
		printf(" %s %llu", fault_names[i],
		       (unsigned long long)atomic_load(&board->fault[i]));
	printf("\n");
	fflush(stdout);
}

static void
report_steps(const struct board *board)
{
	for (uint32_t i = 0; i < atomic_load(&board->step_names); i++)
		printf("  %-24s passed %llu\n", atomic_load(&board->step_name[i]),
		       (unsigned long long)atomic_load(&board->step_passes[i]));
}

/* True when nothing was wrong. Ends early when something is. */
static bool
play(const char *name, enum broken broken, uint64_t kills, uint64_t seed)
{
	struct master master;
	uint64_t round = broken == BROKEN_NOTHING ? KILLS_A_ROUND : 2;
	uint64_t settled = 0;
	bool right;

	play_begin(&master, broken);
	master.dice = seed;
	play_settle(&master);
	for (uint32_t turn = 0; master.kills < kills && play_faults(&master) == 0;
	     turn++) {
		kill_some(&master, turn);
		if (master.kills < settled + round)
			continue;
		settled = master.kills;
		if (broken == BROKEN_NOTHING)
			play_stop_holder(&master, holders[turn % 4]);
		play_settle(&master);
	}
	if (play_faults(&master) == 0)
		play_settle(&master);
	report(&master, name);
	if (getenv("ROOKERY_STEPS") != NULL)
		report_steps(master.play.board);
	right = play_faults(&master) == 0;
	play_end(&master);
	return right;
}

/* A test that cannot fail proves nothing: with a part of the protocol left out it must.
 */
static bool
must_fail(const char *name, enum broken broken, uint64_t seed)
{
	if (!play(name, broken, 200, seed))
		return true;
	printf("%s: no fault was found\n", name);
	return false;
}

int
main(void)
{
	const char *text = getenv("ROOKERY_KILLS");
	const char *seed_text = getenv("ROOKERY_SEED");
	uint64_t kills = text == NULL ? KILLS : strtoull(text, NULL, 10);
	uint64_t seed =
	    seed_text == NULL ? (uint64_t)getpid() : strtoull(seed_text, NULL, 10);
	bool right;

	log_set_level(LOG_WARN);
	printf("seed %llu\n", (unsigned long long)seed);
	right = must_fail("without settling", BROKEN_SETTLE, seed);
	right = must_fail("without finishing", BROKEN_FINISH, seed) && right;
	right = must_fail("without freeing", BROKEN_FREEING, seed) && right;
	right = must_fail("without waking", BROKEN_WAKE, seed) && right;
	right = play("whole", BROKEN_NOTHING, kills, seed) && right;
	return right ? 0 : 1;
}
