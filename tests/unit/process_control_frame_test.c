/* process_control_frame_test.c -- frames of the control socket: whole, cut, too long. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "process/control_frame.h"

static struct buffer bytes;
static struct control_header header;
static struct slice payload;

static int
set_up(void **state)
{
	buffer_init(&bytes);
	return 0;
}

static int
tear_down(void **state)
{
	buffer_clear(&bytes);
	return 0;
}

static void
comes_back_as_written(void **state)
{
	control_frame_write(&bytes, CONTROL_DONE, RESULT_CONFLICT, SLICE("payload"));
	control_frame_write(&bytes, CONTROL_STOP, RESULT_OK, SLICE_EMPTY);
	assert_int_equal(control_frame_read(&bytes, &header, &payload), RESULT_OK);
	assert_int_equal(header.verb, CONTROL_DONE);
	assert_int_equal(header.result, RESULT_CONFLICT);
	assert_slice(payload, "payload");
	control_frame_drop(&bytes);
	assert_int_equal(control_frame_read(&bytes, &header, &payload), RESULT_OK);
	assert_int_equal(header.verb, CONTROL_STOP);
	control_frame_drop(&bytes);
	assert_int_equal(buffer_length(&bytes), 0);
}

static void
cut_anywhere_waits_for_the_rest(void **state)
{
	struct buffer whole;

	buffer_init(&whole);
	control_frame_write(&whole, CONTROL_ACCOUNT, RESULT_OK, SLICE("some bytes"));
	for (size_t i = 0; i + 1 < buffer_length(&whole); i++) {
		buffer_append(&bytes, slice_of(buffer_slice(&whole).data + i, 1));
		assert_int_equal(control_frame_read(&bytes, &header, &payload), RESULT_AGAIN);
	}
	control_frame_drop(&bytes);
	assert_int_equal(buffer_length(&bytes), buffer_length(&whole) - 1);
	buffer_clear(&whole);
}

static void
largest_payload_passes(void **state)
{
	char *large = calloc(1, CONTROL_PAYLOAD_MAX + 1);

	control_frame_write(&bytes, CONTROL_LINE, RESULT_OK,
	    slice_of(large, CONTROL_PAYLOAD_MAX + 1));
	assert_int_equal(control_frame_read(&bytes, &header, &payload), RESULT_OK);
	assert_int_equal(payload.length, CONTROL_PAYLOAD_MAX);
	free(large);
}

/* Refused before anything is waited for. */
static void
too_long_is_refused_by_its_header(void **state)
{
	header = (struct control_header){ .length = CONTROL_PAYLOAD_MAX + 1,
		.verb = CONTROL_STATUS };
	buffer_append(&bytes, slice_of(&header, sizeof(header)));
	assert_int_equal(control_frame_read(&bytes, &header, &payload), RESULT_CORRUPT);
}

static void
unknown_verbs_are_refused(void **state)
{
	static const uint16_t verbs[] = { 0, CONTROL_UPGRADE + 1, CONTROL_LINE - 1,
		CONTROL_DONE + 1, UINT16_MAX };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		header = (struct control_header){ .verb = verbs[i] };
		buffer_empty(&bytes);
		buffer_append(&bytes, slice_of(&header, sizeof(header)));
		assert_int_equal(control_frame_read(&bytes, &header, &payload), RESULT_CORRUPT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back_as_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cut_anywhere_waits_for_the_rest, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(largest_payload_passes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_long_is_refused_by_its_header, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(unknown_verbs_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
