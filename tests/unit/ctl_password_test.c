/* ctl_password_test.c -- passwords from pipes and from terminals. */
#include "ctl/password.h"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>

#include "unit.h"

/* A pipe that holds text and then ends. */
static int
pipe_with(struct slice text)
{
	int ends[2];

	assert_return_code(pipe(ends), 0);
	assert_int_equal(write(ends[1], text.data, text.length), (ssize_t)text.length);
	close(ends[1]);
	return ends[0];
}

static void
check_taken(struct slice text, const char *expected)
{
	int in = pipe_with(text);
	struct buffer password;

	assert_null(password_read(in, -1, "romeo@localhost", &password));
	assert_slice(buffer_slice(&password), expected);
	password_clear(&password);
	close(in);
}

static void
check_refused(struct slice text, const char *expected)
{
	int in = pipe_with(text);
	struct buffer password;

	assert_string_equal(password_read(in, -1, "romeo@localhost", &password),
			    expected);
	assert_int_equal(buffer_length(&password), 0);
	close(in);
}

static void
a_pipe_gives_one_line(void **state)
{
	check_taken(SLICE("secret\n"), "secret");
	check_taken(SLICE("secret"), "secret");
	check_taken(SLICE("secret\r\n"), "secret");
	check_taken(SLICE(" sp ace \nnot this\n"), " sp ace ");
	check_taken(SLICE("p\xc3\xa4ss\n"), "p\xc3\xa4ss");
}

static void
what_follows_the_line_stays_in_the_pipe(void **state)
{
	int in = pipe_with(SLICE("one\ntwo\n"));
	struct buffer password;

	assert_null(password_read(in, -1, "romeo@localhost", &password));
	password_clear(&password);
	assert_null(password_read(in, -1, "romeo@localhost", &password));
	assert_slice(buffer_slice(&password), "two");
	password_clear(&password);
	close(in);
}

static void
nothing_is_no_password(void **state)
{
	check_refused(SLICE_EMPTY, "no password came from standard input");
	check_refused(SLICE("\n"), "the password is empty");
	check_refused(SLICE("\r\n"), "the password is empty");
}

static void
a_password_may_have_1023_bytes(void **state)
{
	char text[PASSWORD_MAX + 2];
	char expected[PASSWORD_MAX + 1] = "";

	memset(text, 'x', sizeof(text));
	memset(expected, 'x', PASSWORD_MAX);
	text[PASSWORD_MAX] = '\n';
	check_taken(slice_of(text, PASSWORD_MAX + 1), expected);
	text[PASSWORD_MAX] = 'x';
	text[PASSWORD_MAX + 1] = '\n';
	check_refused(slice_of(text, PASSWORD_MAX + 2), "the password is too long");
}

/* --- a terminal, and somebody who types on it --- */

struct terminal {
	int master;
	int slave;
};

static void
open_terminal(struct terminal *terminal)
{
	terminal->master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(terminal->master >= 0);
	assert_return_code(grantpt(terminal->master), 0);
	assert_return_code(unlockpt(terminal->master), 0);
	terminal->slave = open(ptsname(terminal->master), O_RDWR | O_NOCTTY);
	assert_true(terminal->slave >= 0);
}

/* What has come up to the prompt's end: a colon and a space. */
static void
await_prompt(int fd, struct buffer *seen)
{
	char byte;

	do {
		if (read(fd, &byte, 1) != 1)
			_exit(2);
		buffer_append_byte(seen, byte);
	} while (
	    !(byte == ' ' && buffer_slice(seen).data[buffer_length(seen) - 2] == ':'));
}

/* Answers two prompts; exits 1 when anything it typed came back. */
static pid_t
type(int master, const char *first, const char *second)
{
	pid_t child = fork();
	struct buffer seen;
	struct slice all;

	if (child != 0)
		return child;
	buffer_init(&seen);
	await_prompt(master, &seen);
	if (write(master, first, strlen(first)) < 0)
		_exit(3);
	await_prompt(master, &seen);
	if (write(master, second, strlen(second)) < 0)
		_exit(3);
	all = buffer_slice(&seen);
	_exit(memmem(all.data, all.length, "secret", 6) != NULL ? 1 : 0);
}

static const char *
ask(const char *first, const char *second, struct buffer *password)
{
	struct terminal terminal;
	struct termios after;
	const char *why;
	pid_t child;
	int status;

	open_terminal(&terminal);
	child = type(terminal.master, first, second);
	why = password_read(terminal.slave, terminal.slave, "romeo@localhost", password);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_return_code(tcgetattr(terminal.slave, &after), 0);
	assert_true((after.c_lflag & ECHO) != 0);
	close(terminal.slave);
	close(terminal.master);
	return why;
}

static void
a_terminal_is_asked_twice_without_echo(void **state)
{
	struct buffer password;

	assert_null(ask("secret\n", "secret\n", &password));
	assert_slice(buffer_slice(&password), "secret");
	password_clear(&password);
}

static void
two_different_answers_are_refused(void **state)
{
	struct buffer password;

	assert_string_equal(ask("secret\n", "secrets\n", &password),
			    "the two passwords differ");
	assert_int_equal(buffer_length(&password), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_gives_one_line),
		cmocka_unit_test(what_follows_the_line_stays_in_the_pipe),
		cmocka_unit_test(nothing_is_no_password),
		cmocka_unit_test(a_password_may_have_1023_bytes),
		cmocka_unit_test(a_terminal_is_asked_twice_without_echo),
		cmocka_unit_test(two_different_answers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
