/* features_register_test.c -- how many accounts an address may make, and that a password is nowhere to be read. */
#include "features/registration_limit.h"

#include "base/result.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

#define HOUR_MS (UINT64_C(3600) * 1000)

static struct worker worker;
static struct arena arena;

static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	store_close(&worker.server.core);	/* here the worker is its own store */
	assert_int_equal(store_open(worker.data_dir, STORE_CORE, true, &worker.server.core),
	    RESULT_OK);
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	arena_clear(&arena);
	worker_end(&worker);
	return 0;
}

static struct registration_address
ipv4(uint8_t last)
{
	uint8_t bytes[16] = { 192, 0, 2, last };

	return registration_address_of(bytes, false);
}

/* As the request that makes an account would; returns how many changes there were. */
static int
note(struct registration_address address)
{
	struct store_change changes[REGISTRATION_CHANGES_MAX];
	int count = registration_limit_note(&worker.server, &arena, &address, changes);

	if (count < 0)
		return count;
	assert_int_equal(store_apply(worker.server.core, changes, count, NULL), RESULT_OK);
	return count;
}

static void
an_address_has_three_accounts_an_hour(void **state)
{
	struct registration_address address = ipv4(1);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(registration_limit_wait(&worker.server, &arena, &address), 0);
		assert_int_equal(note(address), 1);
	}
	assert_int_equal(registration_limit_wait(&worker.server, &arena, &address), HOUR_MS / 1000);
	assert_int_equal(note(address), RESULT_FULL);
	address = ipv4(2);
	assert_int_equal(registration_limit_wait(&worker.server, &arena, &address), 0);
	address = ipv4(1);
	worker_pass(&worker, HOUR_MS);
	assert_int_equal(registration_limit_wait(&worker.server, &arena, &address), 0);
}

static void
a_network_of_64_bits_is_one_address(void **state)
{
	uint8_t one[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1 };
	uint8_t other[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 2 };
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7 };
	struct registration_address a = registration_address_of(one, true);
	struct registration_address b = registration_address_of(other, true);

	assert_memory_equal(&a, &b, sizeof(a));
	other[7] = 2;
	b = registration_address_of(other, true);
	assert_memory_not_equal(&a, &b, sizeof(a));
	a = registration_address_of(mapped, true);
	b = ipv4(7);
	assert_memory_equal(&a, &b, sizeof(a));
}

static void
what_has_become_old_goes_with_the_next(void **state)
{
	for (uint8_t i = 1; i <= 3; i++)
		assert_int_equal(note(ipv4(i)), 1);
	worker_pass(&worker, HOUR_MS);
	assert_int_equal(note(ipv4(9)), 1 + 3);
	assert_int_equal(note(ipv4(10)), 1);
}

static void
a_password_is_in_no_log(void **state)
{
	struct caller juliet;

	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_say(&juliet, "<iq type='set' id='1'><query xmlns='jabber:iq:register'>"
			    "<username>nurse</username><password>wh3refore</password></query></iq>");
	assert_non_null(strstr(caller_hear(&juliet), "forbidden"));
	caller_say(&juliet, "<iq type='set' id='2'><query xmlns='jabber:iq:register'>"
			    "<username>juliet</username><password>wh3re\tfore</password></query></iq>");
	assert_null(strstr(caller_hear(&juliet), "wh3re"));
	assert_false(worker_logged(&worker, "wh3re"));
	caller_close(&juliet);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_address_has_three_accounts_an_hour, setup, teardown),
		cmocka_unit_test_setup_teardown(a_network_of_64_bits_is_one_address, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_become_old_goes_with_the_next, setup, teardown),
		cmocka_unit_test_setup_teardown(a_password_is_in_no_log, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
