/* features_adhoc_test.c -- commands of administrators: who may, which actions, and the forms that wait (XEP-0050). */
#include "features/adhoc.h"

#include <stdio.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

#define KICK   ADMIN_FORM_TYPE "#end-user-session"
#define NUMBER ADMIN_FORM_TYPE "#get-online-users-num"
#define FORM                                                                                      \
	"<x xmlns='jabber:x:data' type='submit'><field var='accountjids'>"                        \
	"<value>romeo@localhost</value></field></x>"

static const char config[] = "hosts = ( { name = \"localhost\"; require_tls = false; "
			     "admins = [ \"nurse@localhost\" ]; } );";

static struct worker worker;
static struct caller nurse, other, romeo;
static char id[ADHOC_ID_LENGTH + 1];

static int
setup(void **state)
{
	struct worker_options options = { .config = config };

	worker_begin(&worker, &options);
	caller_enter(&nurse, &worker, "nurse", "ward");
	caller_enter(&other, &worker, "nurse", "home");
	caller_enter(&romeo, &worker, "romeo", "orchard");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&nurse);
	caller_close(&other);
	caller_close(&romeo);
	worker_end(&worker);
	return 0;
}

/* attributes and content of the command. */
static const char *
send_command(struct caller *caller, const char *node, const char *attributes,
    const char *content)
{
	static char text[1000];

	snprintf(text, sizeof(text),
	    "<iq type='set' id='c' to='localhost'><command xmlns='http://jabber.org/protocol/"
	    "commands' node='%s' %s>%s</command></iq>", node, attributes, content);
	caller_say(caller, text);
	return caller_hear(caller);
}

static const char *
with_id(const char *more)
{
	static char attributes[200];

	snprintf(attributes, sizeof(attributes), "sessionid='%s' %s", id, more);
	return attributes;
}

/* Begins a command that has a form; its id is remembered. */
static bool
begin(struct caller *caller)
{
	const char *heard = send_command(caller, KICK, "", "");
	const char *at = strstr(heard, "sessionid='");

	if (at == NULL || strstr(heard, "status='executing'") == NULL)
		return false;
	memcpy(id, at + strlen("sessionid='"), ADHOC_ID_LENGTH);
	return true;
}

/* --- */

static void
nobody_but_an_administrator_gets_an_answer(void **state)
{
	assert_non_null(strstr(send_command(&romeo, NUMBER, "", ""), "<forbidden "));
	assert_non_null(strstr(send_command(&romeo, "urn:none", "", ""), "<forbidden "));
	assert_non_null(strstr(send_command(&nurse, "urn:none", "", ""), "<item-not-found "));
	worker_reload(&worker, "hosts = ( { name = \"localhost\"; require_tls = false; } );");
	assert_non_null(strstr(send_command(&nurse, NUMBER, "", ""), "<forbidden "));
}

static void
without_a_form_it_runs_at_once(void **state)
{
	const char *heard = send_command(&nurse, NUMBER, "action='execute'", "");

	assert_non_null(strstr(heard, "status='completed'"));
	assert_non_null(strstr(heard, "<value>2</value>"));
}

static void
actions_that_do_not_fit_have_their_errors(void **state)
{
	assert_non_null(strstr(send_command(&nurse, NUMBER, "action='dance'", ""),
	    "<malformed-action "));
	assert_non_null(strstr(send_command(&nurse, NUMBER, "action='complete'", ""),
	    "<bad-action "));
	assert_true(begin(&nurse));
	assert_non_null(strstr(send_command(&nurse, KICK, with_id("action='prev'"), FORM),
	    "<bad-action "));
	assert_non_null(strstr(send_command(&nurse, KICK, with_id(""), ""), "<bad-payload "));
	assert_non_null(strstr(send_command(&nurse, KICK, "sessionid='none'", FORM),
	    "<bad-sessionid "));
	assert_non_null(strstr(send_command(&nurse, NUMBER, with_id(""), FORM),
	    "<bad-sessionid "));
	assert_non_null(strstr(send_command(&nurse, KICK, with_id(""), FORM),
	    "status='completed'"));
	assert_non_null(strstr(caller_hear(&romeo), "<policy-violation "));
}

static void
a_form_is_filled_in_once(void **state)
{
	assert_true(begin(&nurse));
	send_command(&nurse, KICK, with_id(""), FORM);
	assert_non_null(strstr(send_command(&nurse, KICK, with_id(""), FORM),
	    "<bad-sessionid "));
}

/* What was refused may be sent again with what was wrong put right. */
static void
a_refused_form_goes_on_waiting(void **state)
{
	assert_true(begin(&nurse));
	assert_non_null(strstr(send_command(&nurse, KICK, with_id(""),
	    "<x xmlns='jabber:x:data' type='submit'><field var='accountjids'>"
	    "<value>rosaline@localhost</value></field></x>"), "<item-not-found "));
	assert_non_null(strstr(send_command(&nurse, KICK, with_id(""), FORM),
	    "status='completed'"));
}

static void
a_form_belongs_to_its_session(void **state)
{
	assert_true(begin(&nurse));
	assert_non_null(strstr(send_command(&other, KICK, with_id(""), FORM),
	    "<bad-sessionid "));
	assert_string_equal(caller_hear(&romeo), "");
}

static void
what_is_cancelled_is_over(void **state)
{
	assert_true(begin(&nurse));
	assert_non_null(strstr(send_command(&nurse, KICK, with_id("action='cancel'"), ""),
	    "status='canceled'"));
	assert_non_null(strstr(send_command(&nurse, KICK, with_id(""), FORM),
	    "<bad-sessionid "));
}

/* A client that begins and never goes on takes no room from others, nor for ever. */
static void
four_forms_of_a_session_wait(void **state)
{
	for (int i = 0; i < 4; i++)
		assert_true(begin(&nurse));
	assert_non_null(strstr(send_command(&nurse, KICK, "", ""), "<resource-constraint "));
	assert_true(begin(&other));
	send_command(&other, KICK, with_id("action='cancel'"), "");
	caller_close(&nurse);
	caller_enter(&nurse, &worker, "nurse", "ward");
	assert_true(begin(&nurse));
}

static void
ten_minutes_and_no_longer(void **state)
{
	assert_true(begin(&nurse));
	for (int i = 0; i < 3; i++) {
		worker_pass(&worker, 200000);
		caller_say(&nurse, " ");
	}
	caller_hear(&nurse);
	assert_non_null(strstr(send_command(&nurse, KICK, with_id(""), FORM),
	    "<session-expired "));
	assert_true(begin(&nurse));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(nobody_but_an_administrator_gets_an_answer),
		TEST(without_a_form_it_runs_at_once),
		TEST(actions_that_do_not_fit_have_their_errors),
		TEST(a_form_is_filled_in_once),
		TEST(a_refused_form_goes_on_waiting),
		TEST(a_form_belongs_to_its_session),
		TEST(what_is_cancelled_is_over),
		TEST(four_forms_of_a_session_wait),
		TEST(ten_minutes_and_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
