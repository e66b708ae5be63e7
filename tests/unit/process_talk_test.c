/* process_talk_test.c -- messages between the master and its children. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/result.h"
#include "process/talk.h"

static int ends[2];

static int
set_up(void **state)
{
	return talk_pair(ends);
}

static int
tear_down(void **state)
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return 0;
}

static void
messages_stay_whole(void **state)
{
	struct talk talk;

	assert_int_equal(talk_send(ends[0], TALK_MISTAKE, SLICE("one"), -1), RESULT_OK);
	assert_int_equal(talk_send(ends[0], TALK_READY, SLICE_EMPTY, -1), RESULT_OK);
	assert_int_equal(talk_receive(ends[1], &talk), RESULT_OK);
	assert_int_equal(talk.verb, TALK_MISTAKE);
	assert_string_equal(talk.text, "one");
	assert_int_equal(talk.fd, -1);
	assert_int_equal(talk_receive(ends[1], &talk), RESULT_OK);
	assert_int_equal(talk.verb, TALK_READY);
	assert_int_equal(talk.length, 0);
	assert_int_equal(talk_receive(ends[1], &talk), RESULT_AGAIN);
}

static void
descriptor_comes_over(void **state)
{
	int pipe_ends[2];
	struct talk talk;
	char byte;

	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(talk_send(ends[0], TALK_FILE, SLICE_EMPTY, pipe_ends[1]), RESULT_OK);
	close(pipe_ends[1]);
	assert_int_equal(talk_receive(ends[1], &talk), RESULT_OK);
	assert_true(talk.fd >= 0);
	assert_int_equal(fcntl(talk.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(talk.fd, "x", 1), 1);
	assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
	close(talk.fd);
	close(pipe_ends[0]);
}

static void
long_text_is_cut(void **state)
{
	static char text[TALK_TEXT_MAX + 100];
	struct talk talk;

	memset(text, 'a', sizeof(text));
	assert_int_equal(talk_send(ends[0], TALK_WANT, slice_of(text, sizeof(text)), -1),
	    RESULT_OK);
	assert_int_equal(talk_receive(ends[1], &talk), RESULT_OK);
	assert_int_equal(talk.length, TALK_TEXT_MAX);
	assert_int_equal(talk.text[TALK_TEXT_MAX], '\0');
}

static void
other_bytes_are_refused(void **state)
{
	static char large[TALK_TEXT_MAX + 100] = { TALK_READY };
	struct talk talk;

	assert_int_equal(send(ends[0], "\377x", 2, 0), 2);
	assert_int_equal(talk_receive(ends[1], &talk), RESULT_CORRUPT);
	assert_int_equal(send(ends[0], large, sizeof(large), 0), sizeof(large));
	assert_int_equal(talk_receive(ends[1], &talk), RESULT_CORRUPT);
}

static void
end_is_seen_on_both_sides(void **state)
{
	struct talk talk;

	close(ends[0]);
	ends[0] = -1;
	assert_int_equal(talk_receive(ends[1], &talk), RESULT_CLOSED);
	assert_int_equal(talk_send(ends[1], TALK_READY, SLICE_EMPTY, -1), RESULT_CLOSED);
}

static void
who_does_not_read_blocks_nobody(void **state)
{
	int rc;

	do
		rc = talk_send(ends[0], TALK_READY, SLICE_EMPTY, -1);
	while (rc == RESULT_OK);
	assert_int_equal(rc, RESULT_AGAIN);
	assert_int_equal(talk_wait_send(ends[0], TALK_READY, SLICE_EMPTY, -1, 1),
	    RESULT_TIMEOUT);
}

static void
waiting_has_an_end(void **state)
{
	struct talk talk;

	assert_int_equal(talk_wait(ends[1], &talk, 1), RESULT_TIMEOUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_stay_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(descriptor_comes_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_text_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_bytes_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(end_is_seen_on_both_sides, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_does_not_read_blocks_nobody, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(waiting_has_an_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
