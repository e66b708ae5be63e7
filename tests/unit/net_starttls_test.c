/* net_starttls_test.c -- from clear to TLS, with nothing carried over. */
#include "net_tls_kit.h"

#include <string.h>

#include "base/result.h"

static struct tls_context *context;
static struct client client;
static struct side side;

static int
setup(void **state)
{
	kit_setup(state);
	context = tls_context_new("intermediate", NULL);
	kit_add_host(context, "localhost", "P-256");
	client_init(&client);
	side_open(&side);
	return 0;
}

static int
teardown(void **state)
{
	if (client.ssl == NULL)
		side_clear(&side);
	client_clear(&client);
	tls_context_free(&context);
	return kit_teardown(state);
}

static void
proceed_at_bytes(struct side *owner, enum moment moment)
{
	if (moment != ON_BYTES)
		return;
	owner->during = NULL;
	side_say(owner, "<proceed/>");
	assert_int_equal(connection_start_tls(owner->connection, context), RESULT_OK);
	assert_null(connection_tls(owner->connection));
}

static void
proceed_goes_in_clear_and_what_follows_secured(void **state)
{
	side.during = proceed_at_bytes;
	peer_say(&side, "<starttls/>");
	kit_turns(2);
	side_expect(&side, "<starttls/>");
	peer_expect(&side, "<proceed/>");
	assert_non_null(connection_tls(side.connection));
	side_say(&side, "<stream:features/>");
	client_attach(&client, &side);
	assert_true(client_shake(&client));
	client_expect(&client, "<stream:features/>");
	client_say(&client, "<stream:stream>");
	side_expect(&side, "<stream:stream>");
}

static void
expect_refusal(void)
{
	kit_turns(4);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_FAILED);
	assert_int_equal(side.calls[ON_SECURED], 0);
	side_expect(&side, "<starttls/>");
}

static void
bytes_behind_starttls_in_one_read_close(void **state)
{
	side.during = proceed_at_bytes;
	side.take = strlen("<starttls/>");
	peer_say(&side, "<starttls/><auth/>");
	expect_refusal();
}

static void
bytes_held_back_before_starttls_close(void **state)
{
	side.take = strlen("<starttls/>");
	peer_say(&side, "<starttls/> ");
	kit_turns(2);
	assert_int_equal(connection_start_tls(side.connection, context), RESULT_FAILED);
	expect_refusal();
}

static void
bytes_behind_starttls_in_a_later_read_are_no_handshake(void **state)
{
	side.during = proceed_at_bytes;
	peer_say(&side, "<starttls/>");
	kit_turns(1);
	peer_say(&side, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
	expect_refusal();
}

static void
tls_starts_once(void **state)
{
	assert_int_equal(connection_start_tls(side.connection, context), RESULT_OK);
	assert_int_equal(connection_start_tls(side.connection, context), RESULT_INVALID);
	client_attach(&client, &side);
	assert_true(client_shake(&client));
	assert_int_equal(connection_start_tls(side.connection, context), RESULT_INVALID);
}

static void
a_closing_connection_starts_no_tls(void **state)
{
	connection_close(side.connection, true, 5000000);
	assert_int_equal(connection_start_tls(side.connection, context), RESULT_INVALID);
}

static void
closing_before_proceed_was_written_starts_no_handshake(void **state)
{
	side_say(&side, "<proceed/>");
	assert_int_equal(connection_start_tls(side.connection, context), RESULT_OK);
	connection_close(side.connection, true, 5000000);
	kit_turns(2);
	peer_expect(&side, "<proceed/>");
	assert_true(peer_is_at_end(&side));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(proceed_goes_in_clear_and_what_follows_secured),
		TEST(bytes_behind_starttls_in_one_read_close),
		TEST(bytes_held_back_before_starttls_close),
		TEST(bytes_behind_starttls_in_a_later_read_are_no_handshake),
		TEST(tls_starts_once),
		TEST(a_closing_connection_starts_no_tls),
		TEST(closing_before_proceed_was_written_starts_no_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
