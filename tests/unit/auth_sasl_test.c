/* auth_sasl_test.c -- the life of an exchange, whatever its mechanism. */
#include "auth/sasl.h"

#include "tests/unit/auth_support.h"

static const enum sasl_mechanism mechanisms[] = {
	SASL_SCRAM_SHA_512_PLUS,
	SASL_SCRAM_SHA_256_PLUS,
	SASL_SCRAM_SHA_1_PLUS,
	SASL_SCRAM_SHA_512,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_1,
	SASL_PLAIN,
};

#define MECHANISM_COUNT (sizeof(mechanisms) / sizeof(mechanisms[0]))

/* A good first message for each. */
static struct slice
good_start(enum sasl_mechanism mechanism)
{
	if (mechanism == SASL_PLAIN)
		return SLICE("\0juliet\0r0m30myr0m30");
	if (mechanism & ALL_PLUS)
		return SLICE("p=tls-exporter,,n=juliet,r=abcdef");
	return SLICE("n,,n=juliet,r=abcdef");
}

static void
assert_fails(struct sasl *sasl, enum sasl_step step, enum sasl_failure failure)
{
	struct credentials ignored;

	assert_int_equal(step, SASL_STEP_FAILURE);
	assert_int_equal(sasl_failure(sasl), failure);
	assert_string_not_equal(sasl_failure_detail(sasl), "");
	assert_int_equal(sasl_output(sasl).length, 0);
	assert_int_equal(sasl_account_id(sasl), 0);
	assert_false(sasl_upgraded(sasl, &ignored));
}

static void
names_go_both_ways(void **state)
{
	for (size_t i = 0; i < MECHANISM_COUNT; i++) {
		const char *name = sasl_mechanism_name(mechanisms[i]);

		assert_non_null(name);
		assert_true(sasl_mechanism_binds(mechanisms[i]) ==
			    (strstr(name, "-PLUS") != NULL));
		assert_int_equal(sasl_mechanism_find(slice_from_text(name)),
				 mechanisms[i]);
	}
	assert_string_equal(sasl_mechanism_name(SASL_SCRAM_SHA_256_PLUS),
			    "SCRAM-SHA-256-PLUS");
}

static void
other_names_are_not_found(void **state)
{
	static const char *const names[] = { "",
					     "EXTERNAL",
					     "ANONYMOUS",
					     "DIGEST-MD5",
					     "LOGIN",
					     "plain",
					     "PLAIN ",
					     "SCRAM-SHA-1-",
					     "SCRAM-SHA-384",
					     "SCRAM-SHA-1-PLUS-PLUS" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(sasl_mechanism_find(slice_from_text(names[i])), 0);
	assert_int_equal(sasl_mechanism_find(SLICE("PLAIN\0")), 0);
	assert_null(sasl_mechanism_name(SASL_EXTERNAL));
	assert_null(sasl_mechanism_name(0));
	assert_null(sasl_mechanism_name(SASL_PLAIN | SASL_SCRAM_SHA_1));
}

static void
failures_have_their_names(void **state)
{
	assert_string_equal(sasl_failure_name(SASL_ABORTED), "aborted");
	assert_string_equal(sasl_failure_name(SASL_ACCOUNT_DISABLED), "account-disabled");
	assert_string_equal(sasl_failure_name(SASL_CREDENTIALS_EXPIRED),
			    "credentials-expired");
	assert_string_equal(sasl_failure_name(SASL_ENCRYPTION_REQUIRED),
			    "encryption-required");
	assert_string_equal(sasl_failure_name(SASL_INCORRECT_ENCODING),
			    "incorrect-encoding");
	assert_string_equal(sasl_failure_name(SASL_INVALID_AUTHZID), "invalid-authzid");
	assert_string_equal(sasl_failure_name(SASL_INVALID_MECHANISM),
			    "invalid-mechanism");
	assert_string_equal(sasl_failure_name(SASL_MALFORMED_REQUEST),
			    "malformed-request");
	assert_string_equal(sasl_failure_name(SASL_MECHANISM_TOO_WEAK),
			    "mechanism-too-weak");
	assert_string_equal(sasl_failure_name(SASL_NOT_AUTHORIZED), "not-authorized");
	assert_string_equal(sasl_failure_name(SASL_TEMPORARY_AUTH_FAILURE),
			    "temporary-auth-failure");
}

static void
what_is_not_offered_fails(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < MECHANISM_COUNT; i++) {
		struct sasl *sasl =
		    store_exchange(&store, mechanisms[i], ALL_OFFERED & ~mechanisms[i]);

		assert_fails(sasl, sasl_step(sasl, true, good_start(mechanisms[i])),
			     SASL_INVALID_MECHANISM);
		sasl_free(&sasl);
		assert_null(sasl);

		sasl = store_exchange(&store, mechanisms[i], 0);
		assert_fails(sasl, sasl_step(sasl, false, SLICE_EMPTY),
			     SASL_INVALID_MECHANISM);
		sasl_free(&sasl);
	}
	assert_int_equal(store.finds, 0);
}

/* Offered by mistake or not, there is nothing behind these. */
static void
what_does_not_exist_fails(void **state)
{
	static const unsigned bits[] = { 0, SASL_EXTERNAL, SASL_PLAIN | SASL_SCRAM_SHA_1,
					 1u << 12 };
	struct store store;

	store_init(&store, 0);
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		struct sasl *sasl = store_exchange(&store, bits[i], ~0u);

		assert_fails(sasl, sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30")),
			     SASL_INVALID_MECHANISM);
		sasl_free(&sasl);
	}
}

static void
plain_in_the_clear_wants_encryption(void **state)
{
	struct sasl_situation situation = store_situation();
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	situation.secure = false;
	situation.offered = ALL_BARE;
	sasl = sasl_new(SASL_PLAIN, &situation, &store_accounts, &store, store_on_later);
	assert_fails(sasl, sasl_step(sasl, true, good_start(SASL_PLAIN)),
		     SASL_ENCRYPTION_REQUIRED);
	sasl_free(&sasl);
	assert_int_equal(store.finds, 0);
}

static void
no_initial_response_is_asked_for_once(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < MECHANISM_COUNT; i++) {
		struct sasl *sasl = store_exchange(&store, mechanisms[i], ALL_OFFERED);

		assert_int_equal(sasl_step(sasl, false, SLICE_EMPTY),
				 SASL_STEP_CHALLENGE);
		assert_int_equal(sasl_output(sasl).length, 0);
		assert_int_equal(sasl_step(sasl, true, good_start(mechanisms[i])),
				 mechanisms[i] == SASL_PLAIN ? SASL_STEP_SUCCESS
							     : SASL_STEP_CHALLENGE);
		sasl_free(&sasl);

		sasl = store_exchange(&store, mechanisms[i], ALL_OFFERED);
		assert_int_equal(sasl_step(sasl, false, SLICE_EMPTY),
				 SASL_STEP_CHALLENGE);
		assert_fails(sasl, sasl_step(sasl, false, SLICE_EMPTY),
			     SASL_MALFORMED_REQUEST);
		sasl_free(&sasl);
	}
}

static void
empty_data_is_malformed(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < MECHANISM_COUNT; i++) {
		struct sasl *sasl = store_exchange(&store, mechanisms[i], ALL_OFFERED);

		assert_fails(sasl, sasl_step(sasl, true, SLICE_EMPTY),
			     SASL_MALFORMED_REQUEST);
		sasl_free(&sasl);

		sasl = store_exchange(&store, mechanisms[i], ALL_OFFERED);
		assert_int_equal(sasl_step(sasl, false, SLICE_EMPTY),
				 SASL_STEP_CHALLENGE);
		assert_fails(sasl, sasl_step(sasl, true, SLICE_EMPTY),
			     SASL_MALFORMED_REQUEST);
		sasl_free(&sasl);

		if (mechanisms[i] == SASL_PLAIN)
			continue;
		sasl = store_exchange(&store, mechanisms[i], ALL_OFFERED);
		assert_int_equal(sasl_step(sasl, true, good_start(mechanisms[i])),
				 SASL_STEP_CHALLENGE);
		assert_fails(sasl, sasl_step(sasl, i % 2 == 0, SLICE_EMPTY),
			     SASL_MALFORMED_REQUEST);
		sasl_free(&sasl);
	}
}

/* One byte below the limit, at it, and one above. */
static void
too_long_is_malformed(void **state)
{
	static char text[SASL_INPUT_MAX + 1];
	struct store store;
	struct slice start;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < MECHANISM_COUNT; i++) {
		start = good_start(mechanisms[i]);
		memset(text, 'z', sizeof(text));
		memcpy(text, start.data, start.length);
		for (size_t length = SASL_INPUT_MAX - 1; length <= SASL_INPUT_MAX;
		     length++) {
			sasl = store_exchange(&store, mechanisms[i], ALL_OFFERED);
			sasl_step(sasl, true, slice_of(text, length));
			assert_int_equal(sasl_failure(sasl), mechanisms[i] == SASL_PLAIN
								 ? SASL_NOT_AUTHORIZED
								 : SASL_OK);
			sasl_free(&sasl);
		}
		sasl = store_exchange(&store, mechanisms[i], ALL_OFFERED);
		assert_fails(sasl, sasl_step(sasl, true, slice_of(text, sizeof(text))),
			     SASL_MALFORMED_REQUEST);
		sasl_free(&sasl);
	}
}

static void
a_step_after_the_end_is_malformed(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < MECHANISM_COUNT; i++) {
		struct sasl *sasl = store_exchange(&store, mechanisms[i], ALL_OFFERED);

		assert_int_equal(step_text(sasl, "nonsense"), SASL_STEP_FAILURE);
		assert_fails(sasl, sasl_step(sasl, true, good_start(mechanisms[i])),
			     SASL_MALFORMED_REQUEST);
		assert_fails(sasl, sasl_step(sasl, false, SLICE_EMPTY),
			     SASL_MALFORMED_REQUEST);
		sasl_free(&sasl);
	}
}

/* What was reached is lost, so that nobody mistakes it for a login. */
static void
a_step_after_success_takes_it_back(void **state)
{
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	assert_int_equal(sasl_step(sasl, true, good_start(SASL_PLAIN)),
			 SASL_STEP_SUCCESS);
	assert_int_equal(sasl_account_id(sasl), 77);
	assert_fails(sasl, sasl_step(sasl, true, good_start(SASL_PLAIN)),
		     SASL_MALFORMED_REQUEST);
	sasl_free(&sasl);
	sasl_free(&sasl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(other_names_are_not_found),
		cmocka_unit_test(failures_have_their_names),
		cmocka_unit_test(what_is_not_offered_fails),
		cmocka_unit_test(what_does_not_exist_fails),
		cmocka_unit_test(plain_in_the_clear_wants_encryption),
		cmocka_unit_test(no_initial_response_is_asked_for_once),
		cmocka_unit_test(empty_data_is_malformed),
		cmocka_unit_test(too_long_is_malformed),
		cmocka_unit_test(a_step_after_the_end_is_malformed),
		cmocka_unit_test(a_step_after_success_takes_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
