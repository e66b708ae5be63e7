/* config_diff_test.c -- what a reload would change is named, and whether it applies. */
#include "config_unit.h"

static void
on_change(void *owner, const struct config_change *change)
{
	buffer_printf(owner, "%s%s%s: %s%s\n", change->host != NULL ? change->host : "",
	    change->host != NULL ? " " : "", change->option, change->text,
	    change->is_applied ? "" : " (!)");
}

static void
check(struct config *old, struct config *new, const char *expected)
{
	struct buffer said;

	buffer_init(&said);
	config_diff(old, new, on_change, &said);
	assert_slice(buffer_slice(&said), expected);
	buffer_clear(&said);
	config_free(&old);
	config_free(&new);
}

static void
equal_configs_have_no_difference(void **state)
{
	check(unit_parse(ONE_HOST), unit_parse(ONE_HOST), "");
	check(unit_parse(ONE_HOST "login_timeout = \"30 s\";"),
	    unit_parse("login_timeout = 30;" ONE_HOST), "");
}

static void
options_tell_whether_a_reload_applies_them(void **state)
{
	check(unit_parse(ONE_HOST),
	    unit_parse("workers = 4; log_level = \"debug\"; listen = [ \"*:1\" ]; user = \"x\";"
		       "show_version = false;" ONE_HOST),
	    "workers: needs a restart (!)\n"
	    "user: needs a restart (!)\n"
	    "log_level: changed\n"
	    "listen: needs a restart (!)\n"
	    "show_version: changed\n");
}

static void
hosts_come_go_and_change(void **state)
{
	check(unit_parse("hosts = ( { name = \"a\"; }, { name = \"b\"; } );"),
	    unit_parse("hosts = ( { name = \"c\"; }, { name = \"b\"; conflict = \"random\";"
		       "admins = [ \"x@b\" ]; certificate = \"/c\"; key = \"/k\"; } );"),
	    "a hosts: removed\n"
	    "c hosts: added\n"
	    "b certificate: changed\n"
	    "b key: changed\n"
	    "b conflict: changed\n"
	    "b admins: changed\n");
}

static void
a_renewed_certificate_is_a_change(void **state)
{
	struct config *old = unit_parse(ONE_HOST), *new = unit_parse(ONE_HOST);

	config_set_certificate(old, 0, SLICE("one"), SLICE("key"));
	config_set_certificate(new, 0, SLICE("two"), SLICE("key"));
	check(old, new, "localhost certificate: has new contents\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_configs_have_no_difference),
		cmocka_unit_test(options_tell_whether_a_reload_applies_them),
		cmocka_unit_test(hosts_come_go_and_change),
		cmocka_unit_test(a_renewed_certificate_is_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
