/* net_connection_test.c -- bytes pass whole and once, however they are cut. */
#include "net_kit.h"

#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/result.h"

#define MUCH    300000
#define AN_HOUR 3600000

static struct side side;

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
single_bytes_are_echoed_each_in_its_turn(void **state)
{
	const char text[] = "<message>Hark</message>";

	side.echo = true;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char one[2] = { text[i], '\0' };

		peer_say(&side, one);
		kit_turns(2);
		peer_expect(&side, one);
	}
	side_expect(&side, text);
	assert_int_equal(connection_bytes_in(side.connection), sizeof(text) - 1);
	assert_int_equal(connection_bytes_out(side.connection), sizeof(text) - 1);
	assert_int_equal(side.calls[ON_BYTES], sizeof(text) - 1);
}

static void
what_is_asked_many_times_is_written_once_before_the_loop_sleeps(void **state)
{
	char got[64];

	side_say(&side, "one ");
	side_say(&side, "two ");
	side_say(&side, "three");
	assert_int_equal(peer_read(&side, got, sizeof(got)), 0);
	kit_turn();
	peer_expect(&side, "one two three");
	assert_int_equal(side.calls[ON_WRITTEN], 1);
}

static void
an_idle_connection_is_asked_for_nothing(void **state)
{
	kit_turns(3);
	assert_int_equal(side.calls[ON_OUTPUT], 0);
	assert_int_equal(side.calls[ON_BYTES], 0);
}

static void
fill(struct buffer *out, size_t size)
{
	char *room = buffer_reserve(out, size);

	for (size_t i = 0; i < size; i++)
		room[i] = (char)(i * 31 + i / 251);
	buffer_add(out, size);
}

/* Reads little by little until total bytes came; they must be those of fill(). */
static void
peer_expect_filled(size_t total)
{
	struct buffer wanted, got;

	buffer_init(&wanted);
	buffer_init(&got);
	fill(&wanted, total);
	for (int turns = 0; buffer_length(&got) < total && turns < 10000; turns++) {
		char *room = buffer_reserve(&got, 5000);

		buffer_add(&got, peer_read(&side, room, 5000));
		kit_turn();
	}
	assert_int_equal(buffer_length(&got), total);
	assert_memory_equal(buffer_slice(&got).data, buffer_slice(&wanted).data, total);
	buffer_clear(&wanted);
	buffer_clear(&got);
}

static void
a_slow_reader_gets_every_byte_once(void **state)
{
	fill(&side.out, MUCH);
	connection_want_write(side.connection);
	kit_turns(5);
	assert_in_range(buffer_length(&side.out), 1, MUCH - 1);
	peer_expect_filled(MUCH);
	assert_int_equal(buffer_length(&side.out), 0);
	assert_int_equal(connection_bytes_out(side.connection), MUCH);
}

static void
a_blocked_connection_does_not_keep_the_loop_awake(void **state)
{
	int asked;

	fill(&side.out, MUCH);
	connection_want_write(side.connection);
	kit_turns(20);
	assert_false(connections_flush(kit_connections));
	asked = side.calls[ON_OUTPUT];
	connection_want_write(side.connection);
	kit_turns(5);
	assert_int_equal(side.calls[ON_OUTPUT], asked);
}

static void
progress_counts_from_the_wish_to_write(void **state)
{
	uint64_t since;

	kit_turn();
	clock_advance(AN_HOUR);
	fill(&side.out, MUCH);
	connection_want_write(side.connection);
	since = connection_last_progress_ms(side.connection);
	assert_true(clock_ms() - since < AN_HOUR);
	kit_turns(20);
	clock_advance(AN_HOUR);
	connection_want_write(side.connection);
	kit_turns(2);
	since = connection_last_progress_ms(side.connection);
	assert_in_range(clock_ms() - since, AN_HOUR, 2 * AN_HOUR - 1);
}

static void
input_is_dated(void **state)
{
	kit_turn();
	clock_advance(AN_HOUR);
	assert_true(clock_ms() - connection_last_input_ms(side.connection) >= AN_HOUR);
	peer_say(&side, "x");
	kit_turns(2);
	assert_true(clock_ms() - connection_last_input_ms(side.connection) < AN_HOUR);
}

static void
a_paused_connection_reads_nothing_until_it_is_resumed(void **state)
{
	connection_pause(side.connection);
	peer_say(&side, "later");
	kit_turns(3);
	side_expect(&side, "");
	connection_resume(side.connection);
	kit_turns(2);
	side_expect(&side, "later");
}

static void
bytes_not_taken_are_offered_again_after_resuming(void **state)
{
	side.take = 2;
	peer_say(&side, "abcde");
	kit_turns(2);
	side_expect(&side, "ab");
	peer_say(&side, "fg");
	kit_turns(2);
	side_expect(&side, "");
	connection_resume(side.connection);
	kit_turns(2);
	side_expect(&side, "cd");
	side.take = SIZE_MAX;
	connection_resume(side.connection);
	kit_turns(3);
	side_expect(&side, "efg");
}

static void
pause_at_first_bytes(struct side *owner, enum moment moment)
{
	if (moment == ON_BYTES && owner->calls[ON_BYTES] == 1)
		connection_pause(owner->connection);
}

static void
a_callback_may_pause_its_connection(void **state)
{
	side.during = pause_at_first_bytes;
	peer_say(&side, "a");
	kit_turns(2);
	peer_say(&side, "b");
	kit_turns(2);
	side_expect(&side, "a");
	connection_resume(side.connection);
	connection_pause(side.connection);
	kit_turns(2);
	side_expect(&side, "");
	connection_resume(side.connection);
	kit_turns(2);
	side_expect(&side, "b");
}

static void
after_the_peers_end_one_may_still_speak(void **state)
{
	peer_say(&side, "bye");
	shutdown(side.peer, SHUT_WR);
	kit_turns(3);
	side_expect(&side, "bye");
	assert_int_equal(side.calls[ON_END], 1);
	side_say(&side, "farewell");
	kit_turns(2);
	peer_expect(&side, "farewell");
	assert_int_equal(side.calls[ON_END], 1);
	assert_int_equal(side.calls[ON_CLOSED], 0);
}

static void
a_peer_that_resets_closes_the_connection(void **state)
{
	side_say(&side, "unread");
	kit_turn();
	peer_close(&side);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_CLOSED);
}

static void
writing_to_a_peer_that_has_gone_closes_the_connection(void **state)
{
	connection_pause(side.connection);
	peer_close(&side);
	side_say(&side, "hello?");
	kit_turns(2);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_CLOSED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(single_bytes_are_echoed_each_in_its_turn),
		TEST(what_is_asked_many_times_is_written_once_before_the_loop_sleeps),
		TEST(an_idle_connection_is_asked_for_nothing),
		TEST(a_slow_reader_gets_every_byte_once),
		TEST(a_blocked_connection_does_not_keep_the_loop_awake),
		TEST(progress_counts_from_the_wish_to_write),
		TEST(input_is_dated),
		TEST(a_paused_connection_reads_nothing_until_it_is_resumed),
		TEST(bytes_not_taken_are_offered_again_after_resuming),
		TEST(a_callback_may_pause_its_connection),
		TEST(after_the_peers_end_one_may_still_speak),
		TEST(a_peer_that_resets_closes_the_connection),
		TEST(writing_to_a_peer_that_has_gone_closes_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
