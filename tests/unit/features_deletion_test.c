/* features_deletion_test.c -- whatever may be kept under an account has a feature that says so. */
#include "features/feature.h"

#include "tests/unit/unit.h"

static bool
has_row(enum store_kind store, enum store_place place, enum data_space space)
{
	for (const struct feature *const *feature = features_all(); *feature != NULL; feature++)
		for (const struct kept_row *row = (*feature)->keeps; row != NULL && row->place != 0;
		     row++)
			if (row->store == store && row->place == place && row->space == space)
				return true;
	return false;
}

/* Rooms are nobody's yet; the log of stanzas goes with the archive, deletions with themselves. */
static void
each_place_has_its_keeper(void **state)
{
	static const enum store_place core[] = { STORE_ROSTER, STORE_BLOCKLIST, STORE_PEP,
		STORE_PUSH };
	static const enum store_place msg[] = { STORE_ARCHIVE, STORE_OFFLINE, STORE_PREFERENCES };

	for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++)
		assert_true(has_row(STORE_CORE, core[i], 0));
	for (size_t i = 0; i < sizeof(msg) / sizeof(msg[0]); i++)
		assert_true(has_row(STORE_MSG, msg[i], 0));
}

/* A number that is new here is new in data_space.h: those of account 0 are the server's. */
static void
each_space_has_its_keeper(void **state)
{
	for (int space = 1; space < SPACE_END; space++)
		if (space != 4 && space != 5 && space != SPACE_REGISTRATIONS)
			assert_true(has_row(STORE_CORE, STORE_DATA, (enum data_space)space));
}

static void
no_row_is_for_something_else(void **state)
{
	for (const struct feature *const *feature = features_all(); *feature != NULL; feature++)
		for (const struct kept_row *row = (*feature)->keeps; row != NULL && row->place != 0;
		     row++) {
			bool is_data = row->store == STORE_CORE && row->place == STORE_DATA;

			assert_true(is_data == (row->space != 0));
			assert_true(row->store == STORE_CORE ? row->place >= STORE_ROSTER &&
				row->place <= STORE_DATA : row->place <= STORE_PREFERENCES);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_place_has_its_keeper),
		cmocka_unit_test(each_space_has_its_keeper),
		cmocka_unit_test(no_row_is_for_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
