/* session_share_test.c -- when memory for stanzas is scarce, whoever causes most of it waits, and the others go on. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "shm/blocks.h"
#include "tests/unit/worker_caller.h"

#define SMALL_BUFFER 4096
#define ARENA	     (4 << 20)
#define BODY	     200000	/* so much more than a share that its sender waits as long as any may */

static struct worker worker;
static struct caller romeo, juliet, nurse;
static char body[BODY + 1];

/* Juliet reads only when the test does. */
static int
setup(void **state)
{
	struct worker_options options = { .arena_bytes = ARENA,
		.config = "ack_every = 1; ack_after = \"1 s\"; ack_timeout = \"3 s\"; "
			  "hosts = ( { name = \"localhost\"; require_tls = false; } );" };

	worker_begin(&worker, &options);
	caller_open(&juliet, &worker, SMALL_BUFFER, false);
	caller_login(&juliet, "juliet");
	caller_bind(&juliet, "balcony");
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_enter(&nurse, &worker, "romeo", "house");
	memset(body, 'x', sizeof(body) - 1);
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&juliet);
	if (romeo.fd >= 0)
		caller_close(&romeo);
	caller_close(&nurse);
	worker_pass(&worker, 100);	/* nobody waits any more */
	worker_end(&worker);
	return 0;
}

static void
say_big(void)
{
	caller_send(&romeo, "<message to='juliet@localhost/balcony'><body>");
	caller_send(&romeo, body);
	caller_say(&romeo, "</body></message>");
}

static bool
waits(struct caller *caller)
{
	return (caller_session(caller)->paused & PAUSED_MEMORY) != 0;
}

/* How many were taken until their sender had to wait. */
static int
fill(void)
{
	int count = 0;

	while (!waits(&romeo) && count < 200) {
		say_big();
		count++;
	}
	return count;
}

static int
count(const char *text, const char *word)
{
	int found = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		found++;
	return found;
}

static void
below_nobody_waits(void **state)
{
	for (int i = 0; i < ARENA * 3 / 4 / BODY; i++)
		say_big();
	assert_false(blocks_room(worker.server.shm, true).is_scarce);
	assert_false(waits(&romeo));
	assert_int_equal(worker_counter(&worker, COUNTER_SCARCE), 0);
}

/* And before anything was refused. */
static void
above_who_causes_most_waits_and_the_others_go_on(void **state)
{
	assert_in_range(fill(), ARENA * 3 / 4 / BODY, ARENA / BODY);
	assert_true(blocks_room(worker.server.shm, true).is_scarce);
	assert_int_equal(worker_counter(&worker, COUNTER_SCARCE), 1);
	assert_int_equal(worker_counter(&worker, COUNTER_MEMORY_FULL), 0);
	caller_say(&romeo, "<iq type='get' id='mine'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_string_equal(caller_hear(&romeo), "");
	caller_say(&nurse, "<message to='romeo@localhost/orchard'><body>patience</body></message>");
	assert_non_null(strstr(caller_hear(&romeo), "patience"));
	assert_false(waits(&nurse));
}

static void
who_waits_goes_on_once_there_is_room(void **state)
{
	int sent = fill();

	caller_say(&romeo, "<iq type='get' id='mine'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_int_equal(count(caller_hear(&juliet), "</message>"), sent);
	worker_pass(&worker, 100);
	assert_false(waits(&romeo));
	assert_non_null(strstr(caller_hear(&romeo), "id='mine'"));
}

/* What a client acknowledges gives memory back, and has to be read. */
static void
nobody_waits_for_ever(void **state)
{
	fill();
	caller_say(&romeo, "<iq type='get' id='mine'><ping xmlns='urn:xmpp:ping'/></iq>");
	for (int i = 0; i < 51 && waits(&romeo); i++)
		worker_pass(&worker, 100);
	assert_true(blocks_room(worker.server.shm, true).is_scarce);
	assert_non_null(strstr(caller_hear(&romeo), "id='mine'"));
}

/* What it says then is not heard; so that is none of the time in which it has to. */
static void
who_waits_need_not_acknowledge(void **state)
{
	caller_say(&romeo, "<enable xmlns='urn:xmpp:sm:3'/>");
	fill();
	caller_say(&nurse, "<message to='romeo@localhost/orchard'><body>patience</body></message>");
	assert_non_null(strstr(caller_hear(&romeo), "<r xmlns='urn:xmpp:sm:3'/>"));
	worker_pass(&worker, 4000);
	assert_true(waits(&romeo));
	worker_pass(&worker, 1500);
	assert_false(waits(&romeo));
	assert_false(caller_is_closed(&romeo));
	worker_pass(&worker, 4000);
	assert_true(caller_is_closed(&romeo));
}

static void
one_that_leaves_while_it_waits_leaves_nothing(void **state)
{
	fill();
	caller_close(&romeo);
	worker_settle(&worker);
	assert_null(caller_session(&romeo));
	caller_hear(&juliet);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(below_nobody_waits),
		TEST(above_who_causes_most_waits_and_the_others_go_on),
		TEST(who_waits_goes_on_once_there_is_room),
		TEST(nobody_waits_for_ever),
		TEST(who_waits_need_not_acknowledge),
		TEST(one_that_leaves_while_it_waits_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
