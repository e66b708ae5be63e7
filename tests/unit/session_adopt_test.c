/* session_adopt_test.c -- a worker's replacement ends what its predecessor's clients had held. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/result.h"
#include "features/feature.h"
#include "shm/effect.h"
#include "shm/registry.h"
#include "tests/unit/worker_caller.h"

static struct worker worker;
static struct caller juliet;
static struct slot_ref lost;	/* of the worker that dies */

/* Another worker's view of the memory; the registry is the process's one. */
static struct shm *
view_of_worker_1(void)
{
	struct shm *shm;

	assert_int_equal(shm_attach(worker.runtime_dir, false, &shm), RESULT_OK);
	shm_join(shm, 1);
	return shm;
}

static void
bind_lost(struct shm *shm)
{
	struct bind_request request = { .account = caller_session(&juliet)->account,
		.bare_jid = SLICE("juliet@localhost"),
		.resource = SLICE("chamber"),
		.sessions_max = 20,
		.now_us = clock_wall_us() };
	struct bind_answer answer;

	assert_int_equal(slot_take(shm, &lost), RESULT_OK);
	request.session = lost;
	assert_int_equal(registry_bind(worker.server.registry, &request, &answer), RESULT_OK);
	assert_int_equal(registry_set_presence(worker.server.registry, request.account,
			     request.resource, lost, 5, SLOT_AVAILABLE, SLICE("<presence/>")),
	    RESULT_OK);
}

static int
setup(void **state)
{
	struct worker_options options = { .workers = 2 };
	struct shm *dying;

	worker_begin(&worker, &options);
	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_appear(&juliet, 0);
	dying = view_of_worker_1();
	shm_recover(dying);
	bind_lost(dying);
	caller_say(&juliet, "<message to='juliet@localhost/chamber'><body>lost</body></message>");
	assert_string_equal(caller_hear(&juliet), "");
	shm_detach(&dying);	/* and nothing else: a death */
	shm_reaped(worker.server.shm, 1);
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&juliet);
	worker_end(&worker);
	return 0;
}

/* The second worker of this process: what sessions_adopt() wants of it. */
static void
replace(void)
{
	struct server server = { .number = 1,
		.registry = worker.server.registry,
		.core = worker.server.core,
		.config = worker.server.config };

	server.shm = view_of_worker_1();
	shm_recover(server.shm);
	assert_true(features_start(&server));
	sessions_adopt(&server, 1);
	features_stop(&server);
	shm_detach(&server.shm);
}

static void
slot_record_and_blocks_are_given_back(void **state)
{
	struct registry_session found;
	struct txn *txn;

	assert_non_null(slot_find(worker.server.shm, lost));
	assert_int_equal(outbox_entries(slot_find(worker.server.shm, lost)), 1);
	replace();
	assert_null(slot_find(worker.server.shm, lost));
	txn = registry_read(worker.server.registry);
	assert_false(registry_session_of(worker.server.registry, txn, lost, &found));
	assert_true(registry_session_of(worker.server.registry, txn, juliet.ref, &found));
	txn_end(&txn);
	assert_int_equal(slot_count(worker.server.shm), 1);
	assert_true(worker_logged(&worker, "sessions of a worker that is gone"));
	caller_close(&juliet);
	assert_true(worker_is_clean(&worker));
	caller_open(&juliet, &worker, 0, false);
}

/* RFC 6121 4.5: whoever saw it come sees it go, also when its worker died. What its client had not got has another way. */
static void
its_presence_ends_for_those_who_saw_it(void **state)
{
	const char *heard;

	replace();
	heard = caller_hear(&juliet);
	assert_ptr_equal(strstr(heard,
			     "<presence type='unavailable' from='juliet@localhost/chamber' "
			     "to='juliet@localhost'><status>Disconnected: its worker died</status>"
			     "</presence>"),
	    heard);
	assert_non_null(strstr(heard, "<message to='juliet@localhost/chamber' "
				      "from='juliet@localhost/balcony'><body>lost</body><delay "));
}

static void
the_resource_that_was_lost_can_be_bound_again(void **state)
{
	struct caller again;

	replace();
	caller_enter(&again, &worker, "juliet", "chamber");
	assert_string_equal(caller_hear(&again), "");
	caller_say(&juliet, "<message to='juliet@localhost/chamber'><body>new</body></message>");
	assert_non_null(strstr(caller_hear(&again), "<body>new</body>"));
	caller_close(&again);
}

static void
sessions_of_others_are_left_alone(void **state)
{
	replace();
	replace();
	assert_non_null(caller_session(&juliet));
	caller_say(&juliet, "<iq type='get' id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_non_null(strstr(caller_hear(&juliet), "type='result'"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(slot_record_and_blocks_are_given_back),
		TEST(its_presence_ends_for_those_who_saw_it),
		TEST(the_resource_that_was_lost_can_be_bound_again),
		TEST(sessions_of_others_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
