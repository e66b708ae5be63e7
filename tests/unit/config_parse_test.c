/* config_parse_test.c -- right values reach their fields, and every mistake is named. */
#include "config_unit.h"

static void
values_reach_their_fields(void **state)
{
	struct config *config = unit_parse(
	    "workers = 4; log_level = \"debug\"; login_timeout = \"45 s\"; idle_timeout = 90;\n"
	    "map_size = 5368709120; stanza_bytes = 20000L; arena_bytes = 0x100000000;\n"
	    "listen = ( \"[::1]:1\", \"192.0.2.1:2\" ); listen_tls = [ ];\n"
	    "show_version = false; log = \"/var/log/rookery.log\";\n" ONE_HOST);

	assert_int_equal(config->workers, 4);
	assert_int_equal(config->log_level, 3);
	assert_int_equal(config->login_timeout, 45000);
	assert_int_equal(config->idle_timeout, 90000);
	assert_int_equal(config->map_size, INT64_C(5368709120));
	assert_int_equal(config->stanza_bytes, 20000);
	assert_int_equal(config->arena_bytes, INT64_C(0x100000000));
	assert_int_equal(config->listen.count, 2);
	assert_string_equal(config->listen.item[1], "192.0.2.1:2");
	assert_int_equal(config->listen_tls.count, 0);
	assert_false(config->show_version);
	assert_string_equal(config->log, "/var/log/rookery.log");
	config_free(&config);
}

static void
hosts_inherit_and_override(void **state)
{
	struct config *config = unit_parse(
	    "hosts = ( { name = \"Example.ORG\"; },\n"
	    "  { name = \"b.example\"; conflict = \"random\"; require_tls = true;\n"
	    "    admins = [ \"alice@b.example\" ]; certificate = \"/b.crt\"; key = \"/b.key\"; } );\n"
	    "conflict = \"kick_new\"; require_tls = false; certificate = \"/a.crt\"; key = \"/a.key\";");

	assert_int_equal(config->host_count, 2);
	assert_string_equal(config->hosts[0].name, "example.org");
	assert_int_equal(config->hosts[0].conflict, CONFLICT_KICK_NEW);
	assert_false(config->hosts[0].require_tls);
	assert_string_equal(config->hosts[0].certificate, "/a.crt");
	assert_int_equal(config->hosts[1].conflict, CONFLICT_RANDOM);
	assert_true(config->hosts[1].require_tls);
	assert_string_equal(config->hosts[1].key, "/b.key");
	assert_string_equal(config->hosts[1].admins.item[0], "alice@b.example");
	config_free(&config);
}

/* The lines before ONE_HOST, and what is wrong in them. */
struct wrong {
	const char *text;
	const char *mistakes;
};

static void
check_wrong(const struct wrong *wrong, const char *tail)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s\n%s", wrong->text, tail);
	unit_mistakes(slice_from_text(text), wrong->mistakes);
}

#define CHECK_WRONG(rows, tail) \
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) \
		check_wrong(&(rows)[i], tail)

static void
mistakes_of_value_are_named(void **state)
{
	static const struct wrong rows[] = {
		{ "workers = 33;", "1 workers: must be 0 to 32\n" },
		{ "\nworkers = -1;", "2 workers: must be 0 to 32\n" },
		{ "workers = \"4\";", "1 workers: must be a whole number without quotes\n" },
		{ "workers = 4.5;", "1 workers: must be a whole number without quotes\n" },
		{ "workers = 4294967300;", "1 workers: must be 0 to 32\n" },
		{ "show_version = 1;", "1 show_version: must be true or false\n" },
		{ "login_timeout = \"11 min\";", "1 login_timeout: must be 1 s to 10 min\n" },
		{ "login_timeout = 9223372036854775807;",
		  "1 login_timeout: must be 1 s to 10 min\n" },
		{ "login_timeout = \"30 sec\";", "1 login_timeout: must be a whole number with "
		  "ms, s, min, h or d, such as \"30 s\"\n" },
		{ "login_timeout = true;", "1 login_timeout: must be a duration, such as \"30 s\" or "
		  "\"5 min\"\n" },
		{ "stanza_bytes = 9999;", "1 stanza_bytes: must be 10000 B to 1 MiB\n" },
		{ "stanza_bytes = \"8388608 TiB\";", "1 stanza_bytes: must be 10000 B to 1 MiB\n" },
		{ "log_level = \"loud\";", "1 log_level: must be \"error\", \"warn\", \"info\", "
		  "\"debug\" or \"trace\"\n" },
		{ "log_level = 2;", "1 log_level: must be \"error\", \"warn\", \"info\", \"debug\" "
		  "or \"trace\"\n" },
		{ "data_dir = \"lib\";", "1 data_dir: must be an absolute path, one that starts with "
		  "\"/\"\n" },
		{ "data_dir = { };", "1 data_dir: must be a path in quotes\n" },
		{ "user = \"\";", "1 user: must have 1 to 32 characters\n" },
		{ "user = \"a b\";", "1 user: is no name: letters, digits, \"_\", \".\" and \"-\" "
		  "make one\n" },
		{ "pid_file = \"/a\\x01\";", "1 pid_file: holds a control character\n" },
		{ "pid_file = \"/a\\xff\";", "1 pid_file: is not valid UTF-8\n" },
		{ "log = \"file\";", "1 log: must be \"stderr\", \"syslog\" or an absolute path\n" },
		{ "listen = \"*:5222\";", "1 listen: must be a list of texts, such as [ \"one\", "
		  "\"two\" ]\n" },
		{ "listen = [ 5222 ];", "1 listen: must be a list of texts, such as [ \"one\", "
		  "\"two\" ]\n" },
		{ "listen = [ \"*:0\" ];", "1 listen: \"*:0\" must have a port of 1 to 65535\n" },
		{ "mechanisms = [ \"MD5\" ];", "1 mechanisms: \"MD5\" must be \"SCRAM-SHA-512-PLUS\", "
		  "\"SCRAM-SHA-256-PLUS\", \"SCRAM-SHA-1-PLUS\", \"SCRAM-SHA-512\", \"SCRAM-SHA-256\", "
		  "\"SCRAM-SHA-1\", \"PLAIN\" or \"EXTERNAL\"\n" },
		{ "admins = [ \"alice\" ];", "1 admins: \"alice\" is no bare JID, such as "
		  "\"alice@example.org\"\n" },
		{ "admins = [ \"a@b@c\" ];", "1 admins: \"a@b@c\" is no bare JID, such as "
		  "\"alice@example.org\"\n" },
		{ "admins = [ \"a@b/c\" ];", "1 admins: \"a@b/c\" is no bare JID, such as "
		  "\"alice@example.org\"\n" },
		{ "csi_important_payloads = [ \"alert\" ];", "1 csi_important_payloads: \"alert\" "
		  "is no element, such as \"{urn:xmpp:attention:0}attention\"\n" },
		{ "csi_important_payloads = [ \"{}alert\" ];", "1 csi_important_payloads: \"{}alert\" "
		  "is no element, such as \"{urn:xmpp:attention:0}attention\"\n" },
		{ "csi_important_payloads = [ \"{urn:a}b{urn:c}d\" ];", "1 csi_important_payloads: "
		  "\"{urn:a}b{urn:c}d\" must have a namespace in braces, and at most a name behind "
		  "it\n" },
	};

	CHECK_WRONG(rows, ONE_HOST);
}

static void
runtime_dir_leaves_room_for_the_address_of_a_socket(void **state)
{
	char text[2048], path[101];
	struct config *config;

	memset(path, 'd', sizeof(path));
	path[0] = '/';
	snprintf(text, sizeof(text), "runtime_dir = \"%.99s\";\n" ONE_HOST, path);
	config = unit_parse(text);
	assert_int_equal(strlen(config->runtime_dir), 99);
	config_free(&config);
	snprintf(text, sizeof(text), "runtime_dir = \"%.100s\";\n" ONE_HOST, path);
	unit_mistakes(slice_from_text(text),
	    "1 runtime_dir: is longer than 99 bytes, so that no socket in it can have an address\n");
}

static void
unknown_and_misplaced_options_are_named(void **state)
{
	static const struct wrong rows[] = {
		{ "wrokers = 1;", "1 wrokers: is no option here; did you mean \"workers\"?\n" },
		{ "zzzzzz = 1;", "1 zzzzzz: is no option here\n" },
		{ "test_clock = true;", "1 test_clock: is no option here\n" },
		{ "name = \"a\";", "1 name: belongs inside hosts\n" },
	};

	CHECK_WRONG(rows, ONE_HOST);
	unit_mistakes(SLICE("hosts = ( { name = \"a\"; workers = 1; } );"),
	    "1 workers: belongs to the whole server: write it outside of hosts\n");
	unit_mistakes(SLICE("hosts = ( { name = \"a\"; conflcit = \"random\"; } );"),
	    "1 conflcit: is no option here; did you mean \"conflict\"?\n");
}

static void
mistakes_of_hosts_are_named(void **state)
{
	static const struct wrong rows[] = {
		{ "", "0 hosts: no host is given: write hosts = ( { name = \"example.org\"; } );\n" },
		{ "hosts = ( );", "1 hosts: no host is given\n" },
		{ "hosts = 5;", "1 hosts: must be a list of groups: ( { name = \"example.org\"; } )\n" },
		{ "hosts = { };", "1 hosts: must be a list of groups: ( { name = \"example.org\"; } )\n" },
		{ "hosts = ( \"a\" );", "1 hosts: each host must be a group: { name = "
		  "\"example.org\"; }\n" },
		{ "hosts = ( { } );", "1 name: is missing: each host has one\n" },
		{ "hosts = ( { name = 5; } );", "1 name: must be a domain in quotes\n" },
		{ "hosts = ( { name = \"a b\"; } );", "1 name: is no domain\n" },
		{ "hosts = ( { name = \"\"; } );", "1 name: is no domain\n" },
		{ "hosts = ( { name = \"a\"; },\n{ name = \"b\"; },\n{ name = \"A\"; },\n"
		  "{ name = \"a\"; } );", "3 name: \"a\" is given twice, first on line 1\n"
		  "4 name: \"a\" is given twice, first on line 3\n" },
		{ "hosts = ( { name = \"a\"; certificate = \"/c\"; } );",
		  "1 certificate: needs the option key beside it\n" },
		{ "certificate = \"/c\";\nhosts = ( { name = \"a\";\nkey = \"/k\"; } );",
		  "1 certificate: needs the option key beside it\n"
		  "3 key: needs the option certificate beside it\n" },
		{ "hosts = ( { name = \"a\"; admins = [ \"x@a\",\n\"y@ b\" ]; } );",
		  "1 admins: \"y@ b\" is no bare JID, such as \"alice@example.org\"\n" },
	};

	CHECK_WRONG(rows, "");
}

static void
options_that_clash_are_named(void **state)
{
	static const struct wrong rows[] = {
		{ "listen = [ \"*:1\",\n\"*:1\" ];", "2 listen: \"*:1\" is taken by \"*:1\"\n" },
		{ "listen = [ \"*:1\",\n\"[::]:1\" ];", "2 listen: \"[::]:1\" is taken by \"*:1\"\n" },
		{ "listen = [ \"[0::1]:1\" ];\nlisten_tls = [ \"[::1]:1\" ];",
		  "2 listen_tls: \"[::1]:1\" is taken by \"[0::1]:1\"\n" },
		{ "listen = [ \"0.0.0.0:5223\" ];",
		  "0 listen_tls: \"*:5223\" is taken by \"0.0.0.0:5223\"\n" },
		{ "stanza_bytes = 10000; stanza_bytes_unauthenticated = \"16 KiB\";",
		  "1 stanza_bytes_unauthenticated: must not be more than stanza_bytes\n" },
		{ "outbox_bytes = \"64 KiB\";", "1 stanza_bytes: must not be more than "
		  "outbox_bytes\n" },
		{ "outbox_bytes = \"32 MiB\"; arena_bytes = \"16 MiB\";",
		  "1 outbox_bytes: must not be more than arena_bytes\n" },
		{ "handshake_timeout = \"1 min\";",
		  "1 handshake_timeout: must not be more than login_timeout\n" },
	};

	CHECK_WRONG(rows, ONE_HOST);
}

static void
mistakes_of_syntax_are_named(void **state)
{
	static const struct wrong rows[] = {
		{ "workers = ;", "1 -: syntax error\n" },
		{ "workers = 1;\n\nuser = \"a\" \"b\" 5;", "3 -: syntax error\n" },
		{ "workers = 1;\nworkers = 2;", "2 workers: is given twice\n" },
		{ "workers = 1; workers = 2;", "1 -: an option is given twice\n" },
		{ "listen = [ \"*:1\", 5 ];", "1 -: mismatched element type in array\n" },
	};

	CHECK_WRONG(rows, ONE_HOST);
}

static void
all_mistakes_are_named_at_once(void **state)
{
	unit_mistakes(SLICE("workers = 99;\nuser = 1;\nlisten = [ \"x\", \"*:5222\", \"y\" ];\n"
		"hosts = ( { name = \"a\"; conflict = 1; },\n{ nam = \"b\"; } );\n"
		"login_attempts = 0;"),
	    "1 workers: must be 0 to 32\n"
	    "2 user: must be a text in quotes\n"
	    "3 listen: \"x\" has no port: write \"*:5222\", \"192.0.2.1:5222\" or "
	    "\"[::1]:5222\"; \"y\" has no port: write \"*:5222\", \"192.0.2.1:5222\" or "
	    "\"[::1]:5222\"\n"
	    "6 login_attempts: must be 1 to 100\n"
	    "4 conflict: must be \"kick_old\", \"kick_new\", \"random\" or \"increment\"\n"
	    "5 nam: is no option here; did you mean \"name\"?\n"
	    "5 name: is missing: each host has one\n");
}

static void
a_limit_holds_on_both_sides(void **state)
{
	struct config *config = unit_parse("workers = 32; stanza_bytes = 10000;\n"
		"login_timeout = \"10 min\"; handshake_timeout = \"1 s\";\n" ONE_HOST);

	config_free(&config);
	unit_mistakes(SLICE("login_timeout = \"600001 ms\";" ONE_HOST),
	    "1 login_timeout: must be 1 s to 10 min\n");
	unit_mistakes(SLICE("handshake_timeout = \"999 ms\";" ONE_HOST),
	    "1 handshake_timeout: must be 1 s to 2 min\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_reach_their_fields),
		cmocka_unit_test(hosts_inherit_and_override),
		cmocka_unit_test(mistakes_of_value_are_named),
		cmocka_unit_test(runtime_dir_leaves_room_for_the_address_of_a_socket),
		cmocka_unit_test(unknown_and_misplaced_options_are_named),
		cmocka_unit_test(mistakes_of_hosts_are_named),
		cmocka_unit_test(options_that_clash_are_named),
		cmocka_unit_test(mistakes_of_syntax_are_named),
		cmocka_unit_test(all_mistakes_are_named_at_once),
		cmocka_unit_test(a_limit_holds_on_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
