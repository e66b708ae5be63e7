/* config_describe_test.c -- what is written about the options can be read back. */
#include "config_unit.h"

static char *
written(void (*write)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	write(out);
	fclose(out);
	return text;
}

/* The comment sign right before a name goes, except for what has no default. */
static void
uncomment(char *text)
{
	for (char *at = text; (at = strstr(at, "\n#")) != NULL; at++)
		if (islower((unsigned char)at[2]) && strncmp(at + 2, "certificate", 11) != 0 &&
		    strncmp(at + 2, "key", 3) != 0)
			at[1] = ' ';
}

static void
the_sample_says_the_defaults(void **state)
{
	char *sample = written(config_write_sample);
	struct config *config = unit_parse(sample), *defaults = unit_parse(ONE_HOST);
	char *from_sample = unit_values(config), *from_rows = unit_values(defaults);

	assert_string_equal(from_sample, from_rows);
	config_free(&config);
	free(from_sample);

	uncomment(sample);
	assert_non_null(strstr(sample, "\n workers = 0;\n"));
	config = unit_parse(sample);
	from_sample = unit_values(config);
	assert_string_equal(from_sample, from_rows);
	config_free(&config);
	config_free(&defaults);
	free(from_sample);
	free(from_rows);
	free(sample);
}

static void
sample_and_manual_name_every_option(void **state)
{
	char *sample = written(config_write_sample), *manual = written(config_write_manual);
	size_t count;
	const struct option_row *rows = config_options(&count);
	char line[128];

	for (size_t i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "\n#%s = ", rows[i].name);
		assert_non_null(strstr(sample, line));
		snprintf(line, sizeof(line), "\n.It Ic %s\n", rows[i].name);
		assert_non_null(strstr(manual, line));
	}
	free(sample);
	free(manual);
}

static void
values_can_be_read_back(void **state)
{
	struct config *config = unit_parse(
	    "log = \"/var/log/a \\\"b\\\" \\\\c\"; login_timeout = \"90 s\"; log_level = \"warn\";\n"
	    "listen = [ \"*:1\", \"[::1]:2\" ]; listen_tls = [ ]; map_size = \"5 GiB\";\n"
	    "hosts = ( { name = \"a\"; certificate = \"/c\"; key = \"/k\"; conflict = \"increment\"; },\n"
	    "  { name = \"b\"; admins = [ \"x@b\" ]; mechanisms = [ \"PLAIN\" ]; } );");
	char *first = unit_values(config), *second;

	config_free(&config);
	config = unit_parse(first);
	second = unit_values(config);
	assert_string_equal(second, first);
	assert_string_equal(config->log, "/var/log/a \"b\" \\c");
	config_free(&config);
	free(first);
	free(second);
}

static void
values_hold_no_keys(void **state)
{
	struct config *config = unit_parse(ONE_HOST);
	char *values;

	config_set_certificate(config, 0, SLICE("chain"), SLICE("a private key"));
	values = unit_values(config);
	assert_null(strstr(values, "a private key"));
	free(values);
	config_free(&config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_says_the_defaults),
		cmocka_unit_test(sample_and_manual_name_every_option),
		cmocka_unit_test(values_can_be_read_back),
		cmocka_unit_test(values_hold_no_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
