/* features_archive_id_test.c -- facts about the ids of archived messages: they come back, and tell nothing. */
#include "unit.h"

#include <string.h>

#include "features/archive_id.h"

static struct archive_keys keys;

static int
setup(void **state)
{
	uint8_t secret[32];

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	archive_keys_init(&keys, secret);
	return 0;
}

static const char *
text_of(uint64_t account, uint64_t id)
{
	static char text[4][ARCHIVE_ID_SIZE];
	static int next;
	char *out = text[next++ % 4];

	archive_id_write(&keys, account, id, out);
	return out;
}

static void
what_is_written_is_read(void **state)
{
	for (uint64_t id = 1; id != 0 && id < UINT64_MAX / 7; id = id * 7 + 3)
		for (uint64_t account = 1; account < 4; account++) {
			uint64_t back = 0;

			assert_true(archive_id_read(&keys, account,
			    slice_from_text(text_of(account, id)), &back));
			assert_int_equal(back, id);
		}
}

static void
an_account_cannot_name_what_is_anothers(void **state)
{
	uint64_t id;

	assert_true(archive_id_read(&keys, 2, slice_from_text(text_of(1, 1000)), &id));
	assert_int_not_equal(id, 1000);
	assert_string_not_equal(text_of(1, 1000), text_of(2, 1000));
}

/* Neighbours differ in about half of their bits, in either half. */
static void
neighbours_do_not_look_alike(void **state)
{
	int bits = 0;

	for (uint64_t id = 1; id <= 1000; id++) {
		uint64_t a = 0, b = 0;

		for (int i = 0; i < 16; i++) {
			const char *digits = "0123456789abcdef";

			a = a << 4 | (uint64_t)(strchr(digits, text_of(1, id)[i]) - digits);
			b = b << 4 | (uint64_t)(strchr(digits, text_of(1, id + 1)[i]) - digits);
		}
		bits += __builtin_popcountll(a ^ b);
	}
	assert_in_range(bits, 31000, 33000);
}

static void
the_secret_makes_the_ids(void **state)
{
	uint8_t other[32] = { 1 };
	char before[ARCHIVE_ID_SIZE];

	strcpy(before, text_of(1, 5));
	archive_keys_init(&keys, other);
	assert_string_not_equal(before, text_of(1, 5));
	setup(state);
	assert_string_equal(before, text_of(1, 5));
}

static void
what_was_never_an_id_is_refused(void **state)
{
	static const char *const wrong[] = { "", "0", "0123456789abcde", "0123456789abcdef0",
		"0123456789ABCDEF", "0123456789abcdeg", " 123456789abcdef" };
	uint64_t id;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(archive_id_read(&keys, 1, slice_from_text(wrong[i]), &id));
}

static void
peers_have_numbers_but_0(void **state)
{
	assert_int_not_equal(archive_peer(&keys, SLICE("romeo@a.lit")), 0);
	assert_int_equal(archive_peer(&keys, SLICE("romeo@a.lit")),
	    archive_peer(&keys, SLICE("romeo@a.lit")));
	assert_int_not_equal(archive_peer(&keys, SLICE("romeo@a.lit")),
	    archive_peer(&keys, SLICE("juliet@a.lit")));
}

#define FACT(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(what_is_written_is_read),
		FACT(an_account_cannot_name_what_is_anothers),
		FACT(neighbours_do_not_look_alike),
		FACT(the_secret_makes_the_ids),
		FACT(what_was_never_an_id_is_refused),
		FACT(peers_have_numbers_but_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
