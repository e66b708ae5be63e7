/* xmpp_delay_test.c -- facts about the stamps of what arrives late. */
#include "tests/unit/unit.h"

#include "xml/writer.h"
#include "xmpp/delay.h"

static struct arena arena;

static int
setup(void **state)
{
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	arena_clear(&arena);
	return 0;
}

static void
add_delay(struct element *message, const char *from)
{
	struct element *delay = element_add(&arena, message, NS_DELAY, "delay");

	if (from != NULL)
		element_set(&arena, delay, "from", slice_from_text(from));
}

static struct slice
written(const struct element *element)
{
	size_t size = writer_write(element, NS_CLIENT, NULL, 0);
	char *bytes = arena_alloc(&arena, size);

	return slice_of(bytes, writer_write(element, NS_CLIENT, bytes, size));
}

static void
the_stamp_tells_address_and_time(void **state)
{
	struct element *message = element_new(&arena, NS_CLIENT, "message");

	delay_stamp(&arena, message, SLICE("localhost"), UINT64_C(1700000000123456));
	assert_slice(written(message),
	    "<message><delay xmlns='urn:xmpp:delay' from='localhost' "
	    "stamp='2023-11-14T22:13:20.123456Z'/></message>");
}

static void
a_forged_delay_of_ours_goes_and_those_of_others_stay(void **state)
{
	struct element *message = element_new(&arena, NS_CLIENT, "message");

	add_delay(message, "localhost");
	add_delay(message, "room@example.org");
	add_delay(message, NULL);
	add_delay(message, "localhost");
	element_add(&arena, message, NS_CLIENT, "body");
	delay_strip(message, SLICE("localhost"));
	assert_slice(written(message),
	    "<message><delay xmlns='urn:xmpp:delay' from='room@example.org'/>"
	    "<delay xmlns='urn:xmpp:delay'/><body/></message>");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_stamp_tells_address_and_time),
		TEST(a_forged_delay_of_ours_goes_and_those_of_others_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
