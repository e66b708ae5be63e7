/* session_end_test.c -- how sessions end: orders, conflicts, stops, reloads, and what stays behind. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "base/result.h"
#include "session/session_map.h"
#include "shm/effect.h"
#include "shm/registry.h"
#include "tests/unit/worker_caller.h"

static struct worker worker;
static struct caller juliet, romeo;

static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_enter(&romeo, &worker, "romeo", "orchard");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&juliet);
	caller_close(&romeo);
	worker_end(&worker);
	return 0;
}

static bool
is_registered(struct caller *caller)
{
	struct registry_session found;
	struct txn *txn = registry_read(worker.server.registry);
	bool is_there =
	    registry_session_of(worker.server.registry, txn, caller->ref, &found);

	txn_end(&txn);
	return is_there;
}

static void
each_order_ends_the_session_with_its_error(void **state)
{
	static const struct {
		enum slot_order order;
		const char	*error;
	} rows[] = {
		{ ORDER_CONFLICT, "<conflict " },
		{ ORDER_RESET, "<reset " },
		{ ORDER_NOT_AUTHORIZED, "<not-authorized " },
		{ ORDER_KICK, "<policy-violation " },
		{ ORDER_SHUTDOWN, "<system-shutdown " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct caller nurse;
		const char *heard;

		caller_enter(&nurse, &worker, "nurse", "house");
		assert_int_equal(slot_ask(worker.server.shm, nurse.ref, rows[i].order), 0);
		heard = caller_hear(&nurse);
		assert_int_equal(strncmp(heard, "<stream:error>", 14), 0);
		assert_non_null(strstr(heard, rows[i].error));
		assert_non_null(strstr(heard, "</stream:error></stream:stream>"));
		assert_true(caller_is_closed(&nurse));
		caller_close(&nurse);
		assert_false(is_registered(&nurse));
		assert_int_equal(slot_ask(worker.server.shm, nurse.ref, rows[i].order), -2);
	}
	assert_int_equal(worker_counter(&worker, COUNTER_ORDERS), 5);
	assert_string_equal(caller_hear(&juliet), "");
}

static void
an_order_reaches_one_that_has_not_logged_in(void **state)
{
	struct caller fresh;

	caller_open(&fresh, &worker, 0, false);
	slot_ask(worker.server.shm, fresh.ref, ORDER_SHUTDOWN);
	assert_non_null(strstr(caller_hear(&fresh), "<system-shutdown "));
	caller_close(&fresh);
}

static void
the_older_of_two_with_one_resource_gets_conflict(void **state)
{
	struct caller newer;
	const char *heard;

	caller_enter(&newer, &worker, "juliet", "balcony");
	heard = caller_hear(&juliet);
	assert_non_null(strstr(heard, "<stream:error><conflict "));
	caller_say(&juliet, "</stream:stream>");
	assert_true(is_registered(&newer));
	caller_say(&romeo, "<message to='juliet@localhost/balcony'><body>a</body></message>");
	assert_non_null(strstr(caller_hear(&newer), "<body>a</body>"));
	caller_close(&newer);
}

/* What was accepted for the older one before is written to it, not lost. */
static void
who_is_displaced_gets_what_waits_first(void **state)
{
	struct caller newer;
	const char *heard;

	caller_open(&newer, &worker, 0, false);
	caller_login(&newer, "juliet");
	caller_send(&romeo, "<message to='juliet@localhost/balcony'><body>a</body></message>");
	caller_bind(&newer, "balcony");
	heard = caller_hear(&juliet);
	assert_non_null(strstr(heard, "<body>a</body></message><stream:error><conflict "));
	caller_close(&newer);
}

static void
destroying_twice_is_harmless(void **state)
{
	struct session *session = caller_session(&juliet);

	session_destroy(session, "once");
	session_destroy(session, "twice");
	session_close(session, STREAM_CONFLICT, "late");
	worker_settle(&worker);
	assert_null(caller_session(&juliet));
	assert_false(is_registered(&juliet));
	assert_null(slot_find(worker.server.shm, juliet.ref));
	assert_true(worker_logged(&worker, "reason=once"));
}

static const struct session_events *real_events;

static void
append_late(struct slot_ref target)
{
	struct slice message = SLICE("<message from='romeo@localhost/orchard' "
				     "to='juliet@localhost/balcony' id='late'/>");
	struct shm *shm = worker.server.shm;
	struct effect_piece piece = { .length = (uint32_t)message.length };
	char *memory;

	effect_draft(shm, (struct slot_ref){ UINT32_MAX, 0 }, 0, false);
	assert_int_equal(effect_stage(shm, piece.length, &memory, &piece.offset), RESULT_OK);
	memcpy(memory, message.data, message.length);
	assert_int_equal(effect_add(shm, target, ENTRY_MESSAGE, 0, &piece, 1), RESULT_OK);
	assert_int_equal(effect_run(shm), 0);
}

/* The first time, when all it left has gone another way, one comes who had found it before. */
static bool
unbound_and_then_more(struct session *session)
{
	bool is_done = real_events->on_unbound(session);

	append_late(session->ref);
	worker.server.sessions->events = real_events;
	return is_done;
}

static void
what_comes_while_a_session_ends_goes_another_way(void **state)
{
	struct session_events events = *worker.server.sessions->events;

	real_events = worker.server.sessions->events;
	events.on_unbound = unbound_and_then_more;
	worker.server.sessions->events = &events;
	session_destroy(caller_session(&juliet), "its time has come");
	worker_settle(&worker);
	assert_ptr_equal(worker.server.sessions->events, real_events);
	assert_null(slot_find(worker.server.shm, juliet.ref));
	assert_non_null(strstr(caller_hear(&romeo), "id='late' type='error'"));
}

static void
a_session_that_is_gone_gives_everything_back(void **state)
{
	char body[20001];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = 0;
	caller_send(&romeo, "<message to='juliet@localhost/balcony'><body>");
	caller_send(&romeo, body);
	caller_say(&romeo, "</body></message>");
	session_destroy(caller_session(&juliet), "for the test");
	session_destroy(caller_session(&romeo), "for the test");
	worker_settle(&worker);
	assert_true(worker_is_clean(&worker));
	assert_int_equal(sessions_count(&worker.server), 0);
}

/* --- all of them --- */

static bool stopped;

static void
on_stopped(struct server *server)
{
	assert_int_equal(sessions_count(server), 0);
	stopped = true;
}

static void
a_stop_ends_all_and_tells_when_the_last_is_gone(void **state)
{
	struct caller fresh, late;

	stopped = false;
	caller_open(&fresh, &worker, 0, false);
	sessions_stop(&worker.server, on_stopped);
	assert_non_null(strstr(caller_hear(&fresh), "<system-shutdown "));
	assert_non_null(strstr(caller_hear(&juliet), "<system-shutdown "));
	assert_non_null(strstr(caller_hear(&romeo), "<system-shutdown "));
	caller_open(&late, &worker, 0, false);
	assert_non_null(strstr(caller_hear(&late), "<resource-constraint "));
	assert_true(caller_is_closed(&late));
	assert_false(stopped);
	caller_close(&fresh);
	caller_close(&late);
	caller_close(&juliet);
	assert_false(stopped);
	worker_pass(&worker, 5000);	/* Romeo does not answer */
	assert_true(stopped);
	worker.server.stopping = false;
	caller_enter(&juliet, &worker, "juliet", "balcony");
}

static void
a_stop_without_sessions_is_over_at_once(void **state)
{
	stopped = false;
	caller_close(&juliet);
	caller_close(&romeo);
	sessions_stop(&worker.server, on_stopped);
	assert_true(stopped);
	worker.server.stopping = false;
	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_enter(&romeo, &worker, "romeo", "orchard");
}

static void
a_host_that_went_ends_its_sessions(void **state)
{
	struct caller fresh;

	caller_open(&fresh, &worker, 0, false);
	worker_reload(&worker, "hosts = ( { name = \"example.org\"; require_tls = false; } );");
	assert_non_null(strstr(caller_hear(&juliet), "<stream:error><host-gone "));
	assert_string_equal(caller_hear(&fresh), "");
	caller_say(&fresh, CALLER_HEADER);
	assert_non_null(strstr(caller_hear(&fresh), "<host-unknown "));
	caller_close(&fresh);
}

static void
a_connection_without_a_slot_is_told_so(void **state)
{
	struct caller many[WORKER_SESSIONS], one_more;

	for (int i = 0; i < WORKER_SESSIONS - 2; i++)
		caller_open(&many[i], &worker, 0, false);
	caller_open(&one_more, &worker, 0, false);
	assert_int_equal(one_more.ref.slot, UINT32_MAX);
	assert_non_null(strstr(caller_hear(&one_more), "<stream:error><resource-constraint "));
	assert_true(caller_is_closed(&one_more));
	assert_int_equal(worker_counter(&worker, COUNTER_REFUSED), 1);
	assert_true(worker_logged(&worker, "no free slot"));
	caller_close(&one_more);
	for (int i = 0; i < WORKER_SESSIONS - 2; i++)
		caller_close(&many[i]);
	caller_open(&one_more, &worker, 0, false);
	assert_int_not_equal(one_more.ref.slot, UINT32_MAX);
	caller_close(&one_more);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(each_order_ends_the_session_with_its_error),
		TEST(an_order_reaches_one_that_has_not_logged_in),
		TEST(the_older_of_two_with_one_resource_gets_conflict),
		TEST(who_is_displaced_gets_what_waits_first),
		TEST(destroying_twice_is_harmless),
		TEST(what_comes_while_a_session_ends_goes_another_way),
		TEST(a_session_that_is_gone_gives_everything_back),
		TEST(a_stop_ends_all_and_tells_when_the_last_is_gone),
		TEST(a_stop_without_sessions_is_over_at_once),
		TEST(a_host_that_went_ends_its_sessions),
		TEST(a_connection_without_a_slot_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
