/* base_buffer_test.c -- facts about buffers. */
#include "tests/unit/unit.h"

#include "base/buffer.h"

static int
setup(void **state)
{
	static struct buffer buffer;

	buffer_init(&buffer);
	*state = &buffer;
	return 0;
}

static int
teardown(void **state)
{
	buffer_clear(*state);
	return 0;
}

static void
a_new_buffer_is_empty_and_holds_no_memory(void **state)
{
	struct buffer *buffer = *state;

	assert_int_equal(buffer_length(buffer), 0);
	assert_slice(buffer_slice(buffer), "");
	assert_non_null(buffer_slice(buffer).data);
	assert_null(buffer->data);
	buffer_append(buffer, slice_of(NULL, 0));
	buffer_take(buffer, 0);
	assert_null(buffer->data);
}

static void
what_is_appended_stands_in_order(void **state)
{
	struct buffer *buffer = *state;

	buffer_append(buffer, SLICE("<a"));
	buffer_append_byte(buffer, ' ');
	buffer_append_text(buffer, "h='");
	buffer_printf(buffer, "%d", 42);
	buffer_append_text(buffer, "'/>");
	assert_slice(buffer_slice(buffer), "<a h='42'/>");
}

static void
taking_goes_from_the_front(void **state)
{
	struct buffer *buffer = *state;

	buffer_append_text(buffer, "hark");
	buffer_take(buffer, 1);
	assert_slice(buffer_slice(buffer), "ark");
	buffer_append_text(buffer, "s");
	assert_slice(buffer_slice(buffer), "arks");
	buffer_take(buffer, 4);
	assert_int_equal(buffer_length(buffer), 0);
	assert_int_equal(buffer->start, 0);
}

static void
emptying_keeps_the_memory_and_clearing_does_not(void **state)
{
	struct buffer *buffer = *state;

	buffer_append_text(buffer, "hark");
	buffer_empty(buffer);
	assert_int_equal(buffer_length(buffer), 0);
	assert_non_null(buffer->data);
	buffer_clear(buffer);
	assert_null(buffer->data);
	assert_int_equal(buffer->capacity, 0);
	buffer_append_text(buffer, "again");
	assert_slice(buffer_slice(buffer), "again");
}

static void
every_byte_survives_growing_and_taking(void **state)
{
	struct buffer *buffer = *state;
	unsigned char written = 0, taken = 0;

	for (size_t round = 0; round < 3000; round++) {
		for (size_t i = 0; i < round % 97; i++)
			buffer_append_byte(buffer, (char)written++);
		for (size_t i = 0; i < round % 89 && buffer_length(buffer) > 0; i++) {
			assert_int_equal((unsigned char)buffer_slice(buffer).data[0],
			    taken++);
			buffer_take(buffer, 1);
		}
	}
}

static void
a_buffer_that_is_drained_does_not_grow(void **state)
{
	struct buffer *buffer = *state;

	for (int i = 0; i < 10000; i++) {
		buffer_append_text(buffer, "0123456789");
		buffer_take(buffer, i == 0 ? 5 : 10);
	}
	assert_int_equal(buffer_length(buffer), 5);
	assert_int_equal(buffer->capacity, 256);
}

static void
one_append_may_be_larger_than_several_doublings(void **state)
{
	static const char large[100000];
	struct buffer *buffer = *state;

	buffer_append_text(buffer, "a");
	buffer_append(buffer, slice_of(large, sizeof(large)));
	assert_int_equal(buffer_length(buffer), 100001);
	assert_memory_equal(buffer_slice(buffer).data + 1, large, sizeof(large));
}

static void
reserved_room_becomes_content_by_add(void **state)
{
	struct buffer *buffer = *state;
	char *room;

	assert_non_null(buffer_reserve(buffer, 0));
	buffer_append_text(buffer, "a");
	room = buffer_reserve(buffer, 5000);
	memset(room, 'b', 5000);
	assert_slice(buffer_slice(buffer), "a");
	buffer_add(buffer, 2);
	assert_slice(buffer_slice(buffer), "abb");
}

static void
printf_writes_any_length(void **state)
{
	struct buffer *buffer = *state;

	for (int width = 250; width < 260; width++) {
		buffer_empty(buffer);
		buffer_printf(buffer, "%*d", width, 7);
		assert_int_equal(buffer_length(buffer), width);
		assert_memory_equal(buffer_slice(buffer).data + width - 2, " 7", 2);
	}
	buffer_printf(buffer, "%100000d", 7);
	assert_int_equal(buffer_length(buffer), 100259);
}

static void
take_too_much(void)
{
	struct buffer buffer;

	buffer_init(&buffer);
	buffer_append_text(&buffer, "abc");
	buffer_take(&buffer, 4);
}

static void
add_too_much(void)
{
	struct buffer buffer;

	buffer_init(&buffer);
	buffer_reserve(&buffer, 10);
	buffer_add(&buffer, 100000);
}

static void
reserve_too_much(void)
{
	struct buffer buffer;

	buffer_init(&buffer);
	buffer_append_text(&buffer, "abc");
	buffer_reserve(&buffer, SIZE_MAX - 1);
}

static void
more_than_there_is_ends_the_process(void **state)
{
	assert_true(unit_aborts(take_too_much));
	assert_true(unit_aborts(add_too_much));
	assert_true(unit_aborts(reserve_too_much));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FACT(a_new_buffer_is_empty_and_holds_no_memory),
		FACT(what_is_appended_stands_in_order),
		FACT(taking_goes_from_the_front),
		FACT(emptying_keeps_the_memory_and_clearing_does_not),
		FACT(every_byte_survives_growing_and_taking),
		FACT(a_buffer_that_is_drained_does_not_grow),
		FACT(one_append_may_be_larger_than_several_doublings),
		FACT(reserved_room_becomes_content_by_add),
		FACT(printf_writes_any_length),
		FACT(more_than_there_is_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
