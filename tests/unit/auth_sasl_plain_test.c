/* auth_sasl_plain_test.c -- PLAIN: its grammar, who gets in, and the keys it adds. */
#include <pthread.h>

#include "tests/unit/auth_support.h"

#define ASSERT_PLAIN(store, message, failure) \
	assert_plain((store), SLICE(message), (failure))

static void
assert_plain(struct store *store, struct slice message, enum sasl_failure failure)
{
	struct sasl *sasl = store_exchange(store, SASL_PLAIN, ALL_OFFERED);
	enum sasl_step step = sasl_step(sasl, true, message);

	assert_int_equal(sasl_failure(sasl), failure);
	assert_int_equal(step,
			 failure == SASL_OK ? SASL_STEP_SUCCESS : SASL_STEP_FAILURE);
	if (failure == SASL_OK) {
		assert_true(slice_is(sasl_username(sasl), "juliet"));
		assert_int_equal(sasl_account_id(sasl), 77);
	} else {
		assert_int_equal(sasl_account_id(sasl), 0);
	}
	assert_int_equal(sasl_output(sasl).length, 0);
	sasl_free(&sasl);
}

static void
the_right_password_gets_in(void **state)
{
	struct store store;

	for (unsigned hashes = 1; hashes <= ALL_HASHES; hashes++) {
		store_init(&store, hashes);
		ASSERT_PLAIN(&store, "\0juliet\0r0m30myr0m30", SASL_OK);
		ASSERT_PLAIN(&store, "\0JuLiEt\0r0m30myr0m30", SASL_OK);
		assert_string_equal(store.asked, "juliet");
	}
	assert_int_equal(store.laters, 0);
}

static void
wrong_passwords_and_names_do_not(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	ASSERT_PLAIN(&store, "\0juliet\0r0m30myr0m3", SASL_NOT_AUTHORIZED);
	ASSERT_PLAIN(&store, "\0juliet\0r0m30myr0m300", SASL_NOT_AUTHORIZED);
	ASSERT_PLAIN(&store, "\0juliet\0\x01", SASL_NOT_AUTHORIZED);
	ASSERT_PLAIN(&store, "\0romeo\0r0m30myr0m30", SASL_NOT_AUTHORIZED);
	assert_int_equal(store.finds, 4);
	ASSERT_PLAIN(&store, "\0juliet@capulet.example\0r0m30myr0m30",
		     SASL_NOT_AUTHORIZED);
	ASSERT_PLAIN(&store, "\0jul iet\0r0m30myr0m30", SASL_NOT_AUTHORIZED);
	assert_int_equal(store.finds, 4);
}

static void
bad_grammar_is_malformed(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	ASSERT_PLAIN(&store, "juliet", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0\0", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0juliet", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0juliet\0", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0\0r0m30myr0m30", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0juliet\0r0m30myr0m30\0", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0juliet\0r0m30\0myr0m30", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0\0juliet\0r0m30myr0m30", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0jul\xffiet\0r0m30myr0m30", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0juliet\0r0m30\xc0\x80", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\0juliet\0r0m30\xed\xa0\x80", SASL_MALFORMED_REQUEST);
	ASSERT_PLAIN(&store, "\xc3\0juliet\0r0m30myr0m30", SASL_MALFORMED_REQUEST);
	assert_int_equal(store.finds, 0);
}

static void
long_names_are_refused_not_cut(void **state)
{
	static char message[2048];
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t length = 1024; length <= 1025; length++) {
		memset(message, 'j', sizeof(message));
		message[0] = '\0';
		message[length + 1] = '\0';
		assert_plain(&store, slice_of(message, length + 10), SASL_NOT_AUTHORIZED);
	}
	assert_int_equal(store.finds, 0);
}

/* The right password of juliet in each; only her own bare address may stand before it. */
static void
authorization_is_for_oneself_only(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	ASSERT_PLAIN(&store, "juliet@capulet.example\0juliet\0r0m30myr0m30", SASL_OK);
	ASSERT_PLAIN(&store, "JULIET@Capulet.EXAMPLE\0juliet\0r0m30myr0m30", SASL_OK);
	ASSERT_PLAIN(&store, "juliet@capulet.example\0Juliet\0r0m30myr0m30", SASL_OK);

#define ASSERT_FOREIGN(authzid) \
	ASSERT_PLAIN(&store, authzid "\0juliet\0r0m30myr0m30", SASL_INVALID_AUTHZID)
	ASSERT_FOREIGN("juliet@capulet.example/balcony");
	ASSERT_FOREIGN("juliet@capulet.example/");
	ASSERT_FOREIGN("romeo@capulet.example");
	ASSERT_FOREIGN("juliet@montague.example");
	ASSERT_FOREIGN("juliet@capulet.example.montague.example");
	ASSERT_FOREIGN("capulet.example");
	ASSERT_FOREIGN("capulet.example/juliet@capulet.example");
	ASSERT_FOREIGN("juliet");
	ASSERT_FOREIGN("@capulet.example");
	ASSERT_FOREIGN("juliet@");
	ASSERT_FOREIGN("juliet@@capulet.example");
	ASSERT_FOREIGN(" juliet@capulet.example");
	ASSERT_FOREIGN("juliet@capulet.example ");
#undef ASSERT_FOREIGN
}

static void
disabled_is_told_after_the_right_password(void **state)
{
	struct store store;
	struct sasl *sasl;
	struct credentials upgraded;

	store_init(&store, 1u << SCRAM_SHA_1);
	store.account.flags = CREDENTIALS_DISABLED;
	ASSERT_PLAIN(&store, "\0juliet\0wrong", SASL_NOT_AUTHORIZED);
	ASSERT_PLAIN(&store, "\0juliet\0r0m30myr0m30", SASL_ACCOUNT_DISABLED);
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	assert_int_equal(sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30")),
			 SASL_STEP_FAILURE);
	assert_false(sasl_upgraded(sasl, &upgraded));
	sasl_free(&sasl);
}

/*
 * An account without any key cannot be logged in to, and looks like one that is not
 * there.
 */
static void
no_keys_no_login(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	memset(store.account.scram, 0, sizeof(store.account.scram));
	ASSERT_PLAIN(&store, "\0juliet\0r0m30myr0m30", SASL_NOT_AUTHORIZED);
}

static void
success_adds_the_missing_keys(void **state)
{
	for (unsigned hashes = 1; hashes < ALL_HASHES; hashes++) {
		struct store store;
		struct credentials upgraded;
		struct sasl *sasl;

		store_init(&store, hashes);
		sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
		assert_int_equal(sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30")),
				 SASL_STEP_SUCCESS);
		assert_true(sasl_upgraded(sasl, &upgraded));
		sasl_free(&sasl);
		assert_int_equal(upgraded.account_id, 77);
		assert_int_equal(upgraded.version, 5);
		for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
			struct credentials one = { 0 };

			if (hashes >> i & 1)
				assert_memory_equal(&upgraded.scram[i],
						    &store.account.scram[i],
						    sizeof(upgraded.scram[i]));
			else
				assert_int_equal(upgraded.scram[i].iterations,
						 SCRAM_ITERATIONS);
			one.scram[i] = upgraded.scram[i];
			assert_true(credentials_prove(&one, SLICE("r0m30myr0m30")));
		}
	}
}

static void
added_keys_are_no_weaker(void **state)
{
	struct credentials upgraded = { 0 };
	struct store store;
	struct sasl *sasl;

	store_init(&store, 0);
	assert_true(credentials_derive(&store.account, 1u << SCRAM_SHA_256,
				       SLICE("r0m30myr0m30"), 20000));
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	assert_int_equal(sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30")),
			 SASL_STEP_SUCCESS);
	assert_true(sasl_upgraded(sasl, &upgraded));
	assert_int_equal(upgraded.scram[SCRAM_SHA_1].iterations, 20000);
	sasl_free(&sasl);
}

static void
complete_accounts_are_left_alone(void **state)
{
	struct credentials upgraded;
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	assert_int_equal(sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30")),
			 SASL_STEP_SUCCESS);
	assert_false(sasl_upgraded(sasl, &upgraded));
	sasl_free(&sasl);
}

static void
work_may_come_back_later(void **state)
{
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	store.is_async = true;
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	assert_int_equal(sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30")),
			 SASL_STEP_LATER);
	assert_int_equal(sasl_account_id(sasl), 0);
	store_work(&store);
	assert_int_equal(store.laters, 1);
	assert_int_equal(store.later, SASL_STEP_SUCCESS);
	assert_int_equal(sasl_account_id(sasl), 77);
	sasl_free(&sasl);

	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	assert_int_equal(sasl_step(sasl, true, SLICE("\0juliet\0wrong")),
			 SASL_STEP_LATER);
	store_work(&store);
	assert_int_equal(store.laters, 2);
	assert_int_equal(store.later, SASL_STEP_FAILURE);
	assert_int_equal(sasl_failure(sasl), SASL_NOT_AUTHORIZED);
	sasl_free(&sasl);
}

/* The input may go as soon as the step has returned. */
static void
the_job_has_its_own_copy(void **state)
{
	char message[] = "\0juliet\0r0m30myr0m30";
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	store.is_async = true;
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	assert_int_equal(sasl_step(sasl, true, slice_of(message, sizeof(message) - 1)),
			 SASL_STEP_LATER);
	memset(message, 'x', sizeof(message));
	memset(&store.account, 0, sizeof(store.account));
	store_work(&store);
	assert_int_equal(store.later, SASL_STEP_SUCCESS);
	sasl_free(&sasl);
}

static void
freeing_drops_the_outcome(void **state)
{
	struct store store;
	struct sasl *sasl;
	void *job;

	store_init(&store, 1u << SCRAM_SHA_1);
	store.is_async = true;
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30"));
	sasl_free(&sasl);
	store_work(&store);

	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30"));
	job = store.job;
	store.run(job);
	sasl_free(&sasl);
	store.done(job);
	assert_int_equal(store.laters, 0);
}

static void *
run_elsewhere(void *data)
{
	struct store *store = data;

	store->run(store->job);
	return NULL;
}

/* For the thread sanitizer: the exchange goes while the job runs. */
static void
freeing_races_with_the_thread(void **state)
{
	for (int i = 0; i < 10; i++) {
		struct store store;
		struct sasl *sasl;
		pthread_t thread;

		store_init(&store, 1u << SCRAM_SHA_256);
		store.is_async = true;
		sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
		sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30"));
		assert_int_equal(pthread_create(&thread, NULL, run_elsewhere, &store), 0);
		if (i % 2 == 0)
			sasl_free(&sasl);
		assert_int_equal(pthread_join(thread, NULL), 0);
		store.done(store.job);
		assert_int_equal(store.laters, i % 2);
		sasl_free(&sasl);
	}
}

static void
a_step_during_the_work_ends_it(void **state)
{
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	store.is_async = true;
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	sasl_step(sasl, true, SLICE("\0juliet\0r0m30myr0m30"));
	assert_int_equal(step_text(sasl, "more"), SASL_STEP_FAILURE);
	assert_int_equal(sasl_failure(sasl), SASL_MALFORMED_REQUEST);
	store_work(&store);
	assert_int_equal(store.laters, 0);
	assert_int_equal(sasl_failure(sasl), SASL_MALFORMED_REQUEST);
	assert_int_equal(sasl_account_id(sasl), 0);
	sasl_free(&sasl);
}

/* A stranger's password costs what the password of an account here would. */
static void
false_accounts_cost_what_true_ones_do(void **state)
{
	static const struct {
		unsigned offered;
		enum scram_hash hash;
	} usual[] = {
		{ ALL_OFFERED, SCRAM_SHA_512 },
		{ SASL_SCRAM_SHA_512_PLUS | SASL_SCRAM_SHA_1, SCRAM_SHA_512 },
		{ SASL_SCRAM_SHA_256 | SASL_SCRAM_SHA_1, SCRAM_SHA_256 },
		{ SASL_SCRAM_SHA_256_PLUS, SCRAM_SHA_256 },
		{ SASL_SCRAM_SHA_1, SCRAM_SHA_1 },
		{ 0, SCRAM_SHA_512 },
	};
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		struct sasl *sasl =
		    store_exchange(&store, SASL_PLAIN, usual[i].offered | SASL_PLAIN);

		assert_int_equal(sasl_step(sasl, true, SLICE("\0romeo\0r0m30myr0m30")),
				 SASL_STEP_FAILURE);
		for (int hash = 0; hash < SCRAM_HASH_COUNT; hash++) {
			assert_int_equal(sasl->account.scram[hash].iterations,
					 hash == (int)usual[i].hash ? SCRAM_ITERATIONS
								    : 0);
		}
		sasl_free(&sasl);
	}
}

/* The name stays known after a failure, to count tries by. */
static void
failures_name_who_was_tried(void **state)
{
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	sasl = store_exchange(&store, SASL_PLAIN, ALL_OFFERED);
	assert_true(slice_is(sasl_username(sasl), ""));
	assert_int_equal(sasl_step(sasl, true, SLICE("\0Romeo\0wrong")),
			 SASL_STEP_FAILURE);
	assert_true(slice_is(sasl_username(sasl), "romeo"));
	sasl_free(&sasl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_password_gets_in),
		cmocka_unit_test(wrong_passwords_and_names_do_not),
		cmocka_unit_test(bad_grammar_is_malformed),
		cmocka_unit_test(long_names_are_refused_not_cut),
		cmocka_unit_test(authorization_is_for_oneself_only),
		cmocka_unit_test(disabled_is_told_after_the_right_password),
		cmocka_unit_test(no_keys_no_login),
		cmocka_unit_test(success_adds_the_missing_keys),
		cmocka_unit_test(added_keys_are_no_weaker),
		cmocka_unit_test(complete_accounts_are_left_alone),
		cmocka_unit_test(work_may_come_back_later),
		cmocka_unit_test(the_job_has_its_own_copy),
		cmocka_unit_test(freeing_drops_the_outcome),
		cmocka_unit_test(freeing_races_with_the_thread),
		cmocka_unit_test(a_step_during_the_work_ends_it),
		cmocka_unit_test(false_accounts_cost_what_true_ones_do),
		cmocka_unit_test(failures_name_who_was_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
