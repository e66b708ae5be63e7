/* net_connection_close_test.c -- however it ends, the owner hears of it once. */
#include "net_kit.h"

#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/result.h"

#define LINGER_MS 5000000
#define MUCH      300000

static struct side side;
static enum moment closing_moment;
static bool closing_flush;

static int
setup(void **state)
{
	kit_setup(state);
	side_open(&side);
	return 0;
}

static int
teardown(void **state)
{
	side_clear(&side);
	return kit_teardown(state);
}

static void
closing_at_once_comes_back_later_and_once(void **state)
{
	side_say(&side, "never said");
	connection_close(side.connection, false, 0);
	assert_int_equal(side.calls[ON_CLOSED], 0);
	connection_close(side.connection, false, 0);
	connection_close(side.connection, true, LINGER_MS);
	connection_want_write(side.connection);
	connection_pause(side.connection);
	connection_resume(side.connection);
	kit_turns(2);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_OK);
	assert_int_equal(side.calls[ON_OUTPUT], 0);
	assert_true(peer_is_at_end(&side));
}

static void
closing_with_flush_writes_says_the_end_and_waits_for_the_peers(void **state)
{
	buffer_append_text(&side.out, "</stream:stream>");
	connection_close(side.connection, true, LINGER_MS);
	kit_turns(3);
	peer_expect(&side, "</stream:stream>");
	assert_true(peer_is_at_end(&side));
	assert_int_equal(side.calls[ON_CLOSED], 0);

	/* RFC 6120 4.4: what the peer still sends is heard. */
	peer_say(&side, "<message/></stream:stream>");
	kit_turns(2);
	side_expect(&side, "<message/></stream:stream>");
	assert_int_equal(side.calls[ON_CLOSED], 0);

	shutdown(side.peer, SHUT_WR);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.calls[ON_END], 0);
	assert_int_equal(side.result, RESULT_OK);
}

static void
closing_with_flush_drains_a_slow_reader(void **state)
{
	char got[8192];
	size_t total = 0;

	memset(buffer_reserve(&side.out, MUCH), 'x', MUCH);
	buffer_add(&side.out, MUCH);
	connection_close(side.connection, true, LINGER_MS);
	for (int turns = 0; turns < 1000 && total < MUCH; turns++) {
		kit_turn();
		total += peer_read(&side, got, sizeof(got));
	}
	assert_int_equal(total, MUCH);
	kit_turns(2);
	assert_true(peer_is_at_end(&side));
	assert_int_equal(side.calls[ON_CLOSED], 0);
}

static void
a_peer_that_does_not_end_is_waited_for_so_long_and_no_longer(void **state)
{
	connection_close(side.connection, true, LINGER_MS);
	kit_turns(3);
	/* A second wish does not prolong the first. */
	clock_advance(LINGER_MS - 2000000);
	connection_close(side.connection, true, 10 * LINGER_MS);
	kit_turns(2);
	assert_int_equal(side.calls[ON_CLOSED], 0);
	clock_advance(2000000);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_OK);
}

static void
a_peer_that_does_not_read_is_a_timeout(void **state)
{
	memset(buffer_reserve(&side.out, MUCH), 'x', MUCH);
	buffer_add(&side.out, MUCH);
	connection_close(side.connection, true, LINGER_MS);
	kit_turns(5);
	clock_advance(LINGER_MS);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_TIMEOUT);
}

static void
a_closing_connection_may_be_cut_at_once(void **state)
{
	connection_close(side.connection, true, LINGER_MS);
	kit_turns(2);
	connection_close(side.connection, false, 0);
	kit_turns(2);
	assert_int_equal(side.calls[ON_CLOSED], 1);
}

static void
after_the_peers_end_closing_with_flush_waits_for_nothing(void **state)
{
	shutdown(side.peer, SHUT_WR);
	kit_turns(2);
	assert_int_equal(side.calls[ON_END], 1);
	buffer_append_text(&side.out, "</stream:stream>");
	connection_close(side.connection, true, LINGER_MS);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	peer_expect(&side, "</stream:stream>");
}

static void
a_closing_owner_may_leave_bytes_and_hears_those_that_follow(void **state)
{
	connection_close(side.connection, true, LINGER_MS);
	side.take = 1;
	peer_say(&side, "abc");
	kit_turns(3);
	peer_say(&side, "def");
	kit_turns(3);
	side_expect(&side, "ad");
	shutdown(side.peer, SHUT_WR);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
}

static void
close_in_moment(struct side *owner, enum moment moment)
{
	if (moment != closing_moment)
		return;
	connection_close(owner->connection, closing_flush, LINGER_MS);
	connection_close(owner->connection, closing_flush, LINGER_MS);
}

/* Lives through all moments but ON_SECURED, closing in one of them. */
static void
close_in(enum moment moment, bool flush)
{
	closing_moment = moment;
	closing_flush = flush;
	side.during = close_in_moment;
	side.take = 2;
	peer_say(&side, "hello");
	kit_turns(2);
	if (side.connection != NULL)
		side_say(&side, "answer");
	kit_turns(2);
	if (side.connection != NULL)
		connection_resume(side.connection);
	kit_turns(2);
	side.take = SIZE_MAX;
	if (side.connection != NULL)
		connection_resume(side.connection);
	shutdown(side.peer, SHUT_WR);
	kit_turns(4);
	if (moment == ON_CLOSED && side.connection != NULL)
		connection_close(side.connection, false, 0);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_OK);
}

static void
every_callback_may_close_at_once(void **state)
{
	for (enum moment moment = ON_BYTES; moment <= ON_CLOSED; moment++) {
		if (moment == ON_SECURED)
			continue;
		close_in(moment, false);
		side_clear(&side);
		side_open(&side);
	}
}

static void
every_callback_may_close_with_flush(void **state)
{
	for (enum moment moment = ON_BYTES; moment <= ON_CLOSED; moment++) {
		if (moment == ON_SECURED)
			continue;
		close_in(moment, true);
		side_clear(&side);
		side_open(&side);
	}
}

static struct side other;

static void
close_other(struct side *owner, enum moment moment)
{
	if (moment == ON_BYTES || moment == ON_OUTPUT)
		connection_close(owner == &side ? other.connection : side.connection,
				 false, 0);
}

static void
one_connection_may_close_another_that_is_ready_too(void **state)
{
	side_open(&other);
	side.during = other.during = close_other;
	peer_say(&side, "a");
	peer_say(&other, "b");
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED] + other.calls[ON_CLOSED], 1);
	side_clear(&other);
	side_open(&other);
	if (side.connection == NULL) {
		side_clear(&side);
		side_open(&side);
	}
	side.calls[ON_CLOSED] = 0;
	side.during = other.during = close_other;
	side_say(&side, "a");
	side_say(&other, "b");
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED] + other.calls[ON_CLOSED], 1);
	side_clear(&other);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(closing_at_once_comes_back_later_and_once),
		TEST(closing_with_flush_writes_says_the_end_and_waits_for_the_peers),
		TEST(closing_with_flush_drains_a_slow_reader),
		TEST(a_peer_that_does_not_end_is_waited_for_so_long_and_no_longer),
		TEST(a_peer_that_does_not_read_is_a_timeout),
		TEST(a_closing_connection_may_be_cut_at_once),
		TEST(after_the_peers_end_closing_with_flush_waits_for_nothing),
		TEST(a_closing_owner_may_leave_bytes_and_hears_those_that_follow),
		TEST(every_callback_may_close_at_once),
		TEST(every_callback_may_close_with_flush),
		TEST(one_connection_may_close_another_that_is_ready_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
