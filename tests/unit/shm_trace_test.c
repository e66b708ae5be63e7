/* shm_trace_test.c -- whose stanzas are traced, and lines that never block. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/result.h"
#include "shm/trace.h"

static struct instance *instance;
static struct shm shm;

static int
set_up(void **state)
{
	instance = aligned_alloc(4096, sizeof(*instance));
	memset(instance, 0, sizeof(*instance));
	shm.instance = instance;
	return 0;
}

static int
tear_down(void **state)
{
	free(instance);
	trace_set_fd(-1);
	return 0;
}

static void
nobody_is_traced_at_first(void **state)
{
	assert_false(trace_is_on(&shm));
	assert_false(trace_matches(&shm, SLICE("romeo@montague.example")));
}

static void
bare_jid_stands_for_its_resources(void **state)
{
	struct slice jids[] = { SLICE("romeo@montague.example"),
		SLICE("juliet@capulet.example/balcony") };

	assert_int_equal(trace_set(&shm, jids, 2), RESULT_OK);
	assert_true(trace_is_on(&shm));
	assert_true(trace_matches(&shm, SLICE("romeo@montague.example")));
	assert_true(trace_matches(&shm, SLICE("romeo@montague.example/orchard")));
	assert_true(trace_matches(&shm, SLICE("juliet@capulet.example/balcony")));
	assert_false(trace_matches(&shm, SLICE("juliet@capulet.example/chamber")));
	assert_false(trace_matches(&shm, SLICE("romeo@montague.example.org")));
	assert_int_equal(trace_set(&shm, NULL, 0), RESULT_OK);
	assert_false(trace_is_on(&shm));
}

static void
more_than_there_is_room_for_changes_nothing(void **state)
{
	static char text[TRACE_JID_MAX + 1];
	struct slice jids[TRACE_JIDS_MAX + 1];

	memset(text, 'a', sizeof(text));
	for (int i = 0; i <= TRACE_JIDS_MAX; i++)
		jids[i] = slice_of(text, TRACE_JID_MAX);
	assert_int_equal(trace_set(&shm, jids, TRACE_JIDS_MAX + 1), RESULT_INVALID);
	assert_false(trace_is_on(&shm));
	assert_int_equal(trace_set(&shm, jids, TRACE_JIDS_MAX), RESULT_OK);
	jids[0].length = sizeof(text);
	assert_int_equal(trace_set(&shm, jids, 1), RESULT_INVALID);
	assert_true(trace_matches(&shm, slice_of(text, TRACE_JID_MAX)));
}

static void
lines_are_dropped_where_nobody_reads(void **state)
{
	char line[64];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	trace_set_fd(pair[1]);
	shm.me = 3;
	for (int i = 0; i < 10000; i++)
		trace_line(&shm, "in <message/>");
	assert_int_equal(recv(pair[0], line, sizeof(line), 0), 22);
	assert_memory_equal(line, "worker 3 in <message/>", 22);
	close(pair[0]);
	trace_line(&shm, "into the void");
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_is_traced_at_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bare_jid_stands_for_its_resources, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(more_than_there_is_room_for_changes_nothing,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(lines_are_dropped_where_nobody_reads, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
