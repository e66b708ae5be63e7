/* ctl_arguments_test.c -- the command line of rookeryctl. */
#include "ctl/arguments.h"

#include "ctl/command.h"
#include "unit.h"

#define WORDS_MAX 12

static bool
parse(struct arguments *arguments, struct buffer *why, char **words)
{
	char *argv[WORDS_MAX] = { (char *)(uintptr_t) "rookeryctl" };
	int argc = 1;

	while (words[argc - 1] != NULL) {
		argv[argc] = words[argc - 1];
		argc++;
	}
	buffer_init(why);
	return arguments_parse(argc, argv, arguments, why);
}

#define PARSE(arguments, why, ...) \
	parse((arguments), (why), (char *[]){ __VA_ARGS__, NULL })

#define ASSERT_REFUSED(text, ...)                                    \
	do {                                                         \
		struct arguments refused;                            \
		struct buffer reason;                                \
		assert_false(PARSE(&refused, &reason, __VA_ARGS__)); \
		assert_slice(buffer_slice(&reason), text);           \
		buffer_clear(&reason);                               \
	} while (0)

static char adduser[] = "adduser", jid[] = "romeo@localhost", sessions[] = "sessions",
	    json[] = "--json", dash_c[] = "-c", file[] = "/x/rookery.conf",
	    trace[] = "trace", count[] = "--count", five[] = "5", help[] = "--help",
	    end[] = "--";

static void
a_command_has_its_operand(void **state)
{
	struct arguments arguments;
	struct buffer why;

	assert_true(PARSE(&arguments, &why, adduser, jid));
	assert_string_equal(arguments.command->name, "adduser");
	assert_string_equal(arguments.operand, "romeo@localhost");
	assert_false(arguments.json);
	assert_true(PARSE(&arguments, &why, sessions));
	assert_null(arguments.operand);
}

static void
options_may_stand_anywhere(void **state)
{
	char config[] = "--config=/y.conf", count_is[] = "--count=7";
	struct arguments arguments;
	struct buffer why;

	assert_true(PARSE(&arguments, &why, dash_c, file, sessions, jid, json));
	assert_string_equal(arguments.config_path, "/x/rookery.conf");
	assert_true(arguments.json);
	assert_true(PARSE(&arguments, &why, json, sessions, config));
	assert_string_equal(arguments.config_path, "/y.conf");
	assert_true(PARSE(&arguments, &why, trace, count, five, jid));
	assert_int_equal(arguments.count, 5);
	assert_string_equal(arguments.operand, "romeo@localhost");
	assert_true(PARSE(&arguments, &why, trace, jid, count_is));
	assert_int_equal(arguments.count, 7);
}

static void
behind_two_dashes_nothing_is_an_option(void **state)
{
	struct arguments arguments;
	struct buffer why;

	assert_true(PARSE(&arguments, &why, adduser, end, json));
	assert_string_equal(arguments.operand, "--json");
	assert_false(arguments.json);
}

static void
help_may_be_asked_of_a_command(void **state)
{
	struct arguments arguments;
	struct buffer why;

	assert_true(PARSE(&arguments, &why, sessions, help));
	assert_string_equal(arguments.command->name, "help");
	assert_string_equal(arguments.operand, "sessions");
	assert_true(PARSE(&arguments, &why, help));
	assert_null(arguments.operand);
}

static void
mistakes_are_named(void **state)
{
	char nosuch[] = "nosuch", option[] = "--nosuch", workers[] = "workers",
	     zero[] = "0", reload[] = "reload", empty[] = "--json=yes";

	ASSERT_REFUSED("what shall be done?", json);
	ASSERT_REFUSED("nosuch: there is no such command", nosuch);
	ASSERT_REFUSED("--nosuch: there is no such option", option, sessions);
	ASSERT_REFUSED("--json=yes: there is no such option with a value", empty,
		       sessions);
	ASSERT_REFUSED("adduser: what it is for is missing", adduser);
	ASSERT_REFUSED("workers: takes no argument", workers, jid);
	ASSERT_REFUSED("romeo@localhost: one too many", sessions, jid, jid);
	ASSERT_REFUSED("-c: needs a value", sessions, dash_c);
	ASSERT_REFUSED("--count: must be a number above 0", trace, jid, count, zero);
	ASSERT_REFUSED("reload: does not take that option", reload, json);
	ASSERT_REFUSED("sessions: does not take that option", sessions, count, five);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_has_its_operand),
		cmocka_unit_test(options_may_stand_anywhere),
		cmocka_unit_test(behind_two_dashes_nothing_is_an_option),
		cmocka_unit_test(help_may_be_asked_of_a_command),
		cmocka_unit_test(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
