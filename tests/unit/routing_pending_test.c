/* routing_pending_test.c -- facts about what is asked of a store on a stanza's way: with what is delivered, or not at all. */
#include "routing/pending.h"

#include "base/ensure.h"
#include "base/result.h"
#include "routing/router.h"
#include "shm/store.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

static struct worker worker;
static struct store_server *store;
static struct caller romeo, juliet;

/* What the stage of the test does, and what it heard. */
static bool has_no_memory;
static int answers, last_result;
static int verdict;

static int
on_answer(struct stanza *stanza, int result, void *data)
{
	answers++;
	last_result = result;
	return verdict;
}

static int
ask(struct stanza *stanza)
{
	struct store_change change = { .verb = STORE_SET,
		.table = STORE_PREFERENCES,
		.version = STORE_ANY_VERSION,
		.key = SLICE("key"),
		.value = SLICE("value") };

	return pending_ask(stanza, STORE_MSG, &change, 1, on_answer, NULL, 0);
}

/* Beside the stanza, as the archive does. */
static int
on_outgoing(struct stanza *stanza)
{
	struct stanza aside = *stanza;

	if (stanza->kind != KIND_MESSAGE)
		return STANZA_PASS;
	aside.is_aside = true;
	assert_int_equal(ask(&aside), STANZA_LATER);
	if (has_no_memory)
		router_delivery(stanza)->result = RESULT_FULL;
	return STANZA_PASS;
}

static int
setup(void **state)
{
	static const struct stage_row row = { STAGE_OUTGOING, "test", on_outgoing };
	struct server *server = &worker.server;

	has_no_memory = false;
	answers = last_result = 0;
	verdict = STANZA_DONE;
	worker_begin(&worker, NULL);
	ensure(store_open(worker.data_dir, STORE_MSG, true, &server->msg) == RESULT_OK);
	ensure(store_client_open(server->shm, 0, STORE_MSG, &server->msg_client) == RESULT_OK);
	ensure(store_server_open(server->shm, server->msg, STORE_MSG, &store) == RESULT_OK);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_enter(&juliet, &worker, "juliet", "balcony");
	router_add_stage(server->router, &row);
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&romeo);
	caller_close(&juliet);
	store_server_close(&store);
	store_client_close(&worker.server.msg_client);
	store_close(&worker.server.msg);
	worker_end(&worker);
	return 0;
}

static void
on_store_answer(void *owner, const struct store_answer *answer)
{
	pending_on_answer(owner, STORE_MSG, answer);
}

/* How many requests the store has been asked. */
static int
commit(void)
{
	int asked = store_server_turn(store);

	store_answers(worker.server.msg_client, on_store_answer, &worker.server);
	worker_settle(&worker);
	return asked;
}

static int
count(const char *heard, const char *what)
{
	int found = 0;

	for (; (heard = strstr(heard, what)) != NULL; heard++)
		found++;
	return found;
}

#define HARK "<message to='juliet@localhost/balcony' type='chat'><body>Hark</body></message>"

static void
it_is_asked_together_with_what_is_delivered(void **state)
{
	caller_say(&romeo, HARK HARK);
	assert_int_equal(count(caller_hear(&juliet), "Hark"), 2);
	assert_int_equal(answers, 0);
	assert_int_equal(commit(), 2);
	assert_int_equal(answers, 2);
	assert_int_equal(last_result, RESULT_OK);
}

static void
without_memory_nothing_is_asked_and_who_waits_hears_of_it(void **state)
{
	has_no_memory = true;
	verdict = STANZA_INTERNAL_SERVER_ERROR;
	caller_say(&romeo, HARK);
	assert_int_equal(count(caller_hear(&romeo), "type='error'"), 1);
	assert_string_equal(caller_hear(&juliet), "");
	assert_int_equal(answers, 1);
	assert_int_equal(last_result, RESULT_FULL);
	assert_int_equal(commit(), 0);
	assert_int_equal(caller_session(&romeo)->slot->h_in, 1);
	has_no_memory = false;
	caller_say(&romeo, HARK);
	assert_int_equal(commit(), 1);
	assert_int_equal(last_result, RESULT_OK);
}

static void
with_no_stanza_on_its_way_it_is_asked_at_once(void **state)
{
	struct arena arena;
	struct stanza nobodys = { .router = worker.server.router, .arena = &arena,
		.kind = KIND_MESSAGE, .origin = { UINT32_MAX, 0 } };

	arena_init(&arena);
	nobodys.element = element_new(&arena, NS_CLIENT, "message");
	jid_split(SLICE("romeo@localhost"), &nobodys.from);
	assert_int_equal(ask(&nobodys), STANZA_LATER);
	arena_clear(&arena);
	assert_int_equal(commit(), 1);
	assert_int_equal(answers, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(it_is_asked_together_with_what_is_delivered),
		TEST(without_memory_nothing_is_asked_and_who_waits_hears_of_it),
		TEST(with_no_stanza_on_its_way_it_is_asked_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
