/* routing_server_iq_test.c -- what the server asks a client: the answer finds its way back, once, or its absence does. */
#include "routing/server_iq.h"

#include "routing/router.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

#define ANSWER(id, type) "<iq type='" type "' id='" id "' to='localhost'/>"

static struct worker worker;
static struct caller romeo, juliet;
static struct arena arena;
static char heard[64];		/* for each call a letter of the question, and what came */

static void
on_answer(struct server *server, struct slot_ref session, struct stanza *answer, void *data)
{
	char what[3] = { *(const char *)data,
		answer == NULL			 ? '-'
		    : answer->type == TYPE_ERROR ? '!'
						 : '+',
		0 };

	assert_int_equal(session.slot, romeo.ref.slot);
	assert_int_equal(session.epoch, romeo.ref.epoch);
	strcat(heard, what);
}

static bool
ask(const char *id)
{
	struct element *payload = element_new(&arena, NS_PING, "ping");

	return server_iq_ask(caller_session(&romeo), slice_from_text(id), payload, on_answer, id,
	    1);
}

static int
setup(void **state)
{
	arena_init(&arena);
	heard[0] = 0;
	worker_begin(&worker,
	    &(struct worker_options){ .config = "iq_timeout = \"20 s\"; iq_outstanding = 3; "
						"hosts = ( { name = \"localhost\"; require_tls = false; } );" });
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_enter(&juliet, &worker, "juliet", "balcony");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&romeo);
	caller_close(&juliet);
	worker_end(&worker);
	arena_clear(&arena);
	return 0;
}

static void
the_answer_comes_back_once(void **state)
{
	assert_true(ask("a"));
	worker_settle(&worker);
	assert_string_equal(caller_hear(&romeo),
	    "<iq type='get' id='a' from='localhost' to='romeo@localhost/orchard'>"
	    "<ping xmlns='urn:xmpp:ping'/></iq>");
	caller_say(&romeo, ANSWER("a", "result"));
	assert_string_equal(heard, "a+");
	caller_say(&romeo, ANSWER("a", "result"));
	assert_string_equal(heard, "a+");
	assert_string_equal(caller_hear(&romeo), "");
}

static void
an_error_is_an_answer(void **state)
{
	assert_true(ask("a"));
	caller_say(&romeo, "<iq type='error' id='a' to='localhost'><error type='cancel'>"
			   "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
			   "</error></iq>");
	assert_string_equal(heard, "a!");
}

static void
one_of_each_id_waits(void **state)
{
	assert_true(ask("a"));
	assert_false(ask("a"));
	assert_true(ask("b"));
	caller_say(&romeo, ANSWER("b", "result") ANSWER("a", "result"));
	assert_string_equal(heard, "b+a+");
	assert_true(ask("a"));
	caller_say(&romeo, ANSWER("a", "result"));
	assert_string_equal(heard, "b+a+a+");
}

/* Nor by another id, nor to another address. */
static void
nobody_answers_for_another(void **state)
{
	assert_true(ask("a"));
	caller_say(&juliet, ANSWER("a", "result"));
	caller_say(&romeo, ANSWER("b", "result"));
	caller_say(&romeo, "<iq type='result' id='a' to='juliet@localhost'/>");
	caller_say(&romeo, "<iq type='result' id='a' to='localhost/a'/>");
	assert_string_equal(heard, "");
	caller_say(&romeo, ANSWER("a", "result"));
	assert_string_equal(heard, "a+");
}

static void
who_does_not_answer_is_given_up(void **state)
{
	assert_true(ask("a"));
	worker_pass(&worker, 19000);
	assert_true(ask("b"));
	assert_string_equal(heard, "");
	worker_pass(&worker, 1000);
	assert_string_equal(heard, "a-");
	caller_say(&romeo, ANSWER("a", "result"));
	worker_pass(&worker, 20000);
	assert_string_equal(heard, "a-b-");
}

static void
who_leaves_as_many_unanswered_as_may_be_is_asked_nothing_more(void **state)
{
	assert_true(ask("a"));
	assert_true(ask("b"));
	assert_true(ask("c"));
	assert_false(ask("d"));
	caller_say(&romeo, ANSWER("b", "result"));
	assert_true(ask("d"));
	assert_false(ask("e"));
	worker_pass(&worker, 20000);
	assert_string_equal(heard, "b+a-c-d-");
	assert_true(ask("e"));
}

static void
a_session_that_ends_answers_nothing_any_more(void **state)
{
	assert_true(ask("a"));
	assert_true(ask("b"));
	session_destroy(caller_session(&romeo), "for the test");
	worker_settle(&worker);
	assert_string_equal(heard, "a-b-");
}

static void
who_has_no_room_is_not_asked(void **state)
{
	struct element *message = element_new(&arena, NS_CLIENT, "message");
	static char body[4000];

	memset(body, 'x', sizeof(body));
	element_add_text(&arena, message, slice_of(body, sizeof(body)));
	while (router_has_room(worker.server.router, romeo.ref))
		session_send(caller_session(&romeo), message);
	assert_false(ask("a"));
	caller_hear(&romeo);
	assert_true(ask("a"));
	assert_string_equal(heard, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_answer_comes_back_once),
		TEST(an_error_is_an_answer),
		TEST(one_of_each_id_waits),
		TEST(nobody_answers_for_another),
		TEST(who_does_not_answer_is_given_up),
		TEST(who_leaves_as_many_unanswered_as_may_be_is_asked_nothing_more),
		TEST(a_session_that_ends_answers_nothing_any_more),
		TEST(who_has_no_room_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
