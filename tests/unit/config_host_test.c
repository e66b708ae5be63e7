/* config_host_test.c -- hosts are found by their domain, and hold their certificates. */
#include "config_unit.h"

static struct config *
many_hosts(int count)
{
	struct buffer text;
	struct config *config;

	buffer_init(&text);
	buffer_append_text(&text, "hosts = (");
	for (int i = 0; i < count; i++)
		buffer_printf(&text, "%s{ name = \"h%d.example\"; }", i > 0 ? "," : "",
		    (i * 7919) % count);
	buffer_append_text(&text, ");");
	buffer_append_byte(&text, '\0');
	config = unit_parse(buffer_slice(&text).data);
	buffer_clear(&text);
	return config;
}

static void
every_host_is_found(void **state)
{
	struct config *config = many_hosts(1000);
	char name[32];

	for (int i = 0; i < 1000; i++) {
		const struct config_host *host;

		snprintf(name, sizeof(name), "h%d.example", i);
		host = config_find_host(config, slice_from_text(name));
		assert_non_null(host);
		assert_string_equal(host->name, name);
	}
	assert_null(config_find_host(config, SLICE("h1000.example")));
	assert_null(config_find_host(config, SLICE("h1.exampl")));
	assert_null(config_find_host(config, SLICE("")));
	config_free(&config);
}

static void
hosts_keep_the_order_of_the_file(void **state)
{
	struct config *config = unit_parse("hosts = ( { name = \"z\"; }, { name = \"a\"; } );");

	assert_string_equal(config->hosts[0].name, "z");
	assert_ptr_equal(config_find_host(config, SLICE("z")), &config->hosts[0]);
	config_free(&config);
}

static void
a_config_made_by_hand_is_searched_as_well(void **state)
{
	struct config_host hosts[] = { { .name = "z" }, { .name = "a" } };
	struct config config = { .hosts = hosts, .host_count = 2 };

	assert_ptr_equal(config_find_host(&config, SLICE("a")), &hosts[1]);
	assert_null(config_find_host(&config, SLICE("b")));
}

static void
a_certificate_is_copied_and_replaced(void **state)
{
	struct config *config = unit_parse(ONE_HOST);
	char chain[] = "chain", key[] = "key";

	assert_int_equal(config->hosts[0].certificate_pem.length, 0);
	config_set_certificate(config, 0, slice_from_text(chain), slice_from_text(key));
	memset(chain, 'x', 5);
	memset(key, 'x', 3);
	assert_slice(config->hosts[0].certificate_pem, "chain");
	assert_slice(config->hosts[0].key_pem, "key");
	config_set_certificate(config, 0, SLICE("c2"), SLICE("k2"));
	assert_slice(config->hosts[0].key_pem, "k2");
	config_free(&config);
	config_free(&config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_host_is_found),
		cmocka_unit_test(hosts_keep_the_order_of_the_file),
		cmocka_unit_test(a_config_made_by_hand_is_searched_as_well),
		cmocka_unit_test(a_certificate_is_copied_and_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
