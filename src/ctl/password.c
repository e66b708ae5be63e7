/* password.c -- a password from a prompt or a pipe, never from an argument. */
#include "ctl/password.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/memory.h"

static const char too_long[] = "the password is too long";
static const char no_line[] = "no password came from standard input";

/* What must be put right again when a signal ends us in the middle of a prompt. */
static struct {
	volatile sig_atomic_t is_silent;
	int fd;
	struct termios before;
} terminal;

static void
restore_echo(void)
{
	if (terminal.is_silent)
		tcsetattr(terminal.fd, TCSAFLUSH, &terminal.before);
	terminal.is_silent = 0;
}

static void
on_signal(int number)
{
	restore_echo();
	signal(number, SIG_DFL);
	raise(number);
}

static void
write_text(int fd, struct slice text)
{
	while (text.length > 0) {
		ssize_t count = write(fd, text.data, text.length);

		if (count < 0 && errno != EINTR)
			return;
		text = slice_after(text, count < 0 ? 0 : (size_t)count);
	}
}

/* Byte by byte, so that what follows the line stays for others to read. */
static const char *
read_line(int fd, struct buffer *line)
{
	/* Room from the start: nothing is left behind in memory that grew. */
	buffer_reserve(line, PASSWORD_MAX + 2);
	for (;;) {
		char byte;
		ssize_t count = read(fd, &byte, 1);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 || (count == 0 && buffer_length(line) == 0))
			return no_line;
		if (count == 0 || byte == '\n')
			break;
		if (buffer_length(line) > PASSWORD_MAX)
			return too_long;
		buffer_append_byte(line, byte);
	}
	if (buffer_length(line) > 0 && line->data[line->end - 1] == '\r')
		line->end--;
	if (buffer_length(line) > PASSWORD_MAX)
		return too_long;
	return buffer_length(line) == 0 ? "the password is empty" : NULL;
}

static const char *
ask(int in, int out, const char *prompt, struct buffer *line)
{
	const char *why;

	write_text(out, slice_from_text(prompt));
	why = read_line(in, line);
	write_text(out, SLICE("\n"));
	return why;
}

static const char *
ask_twice(int in, int out, const char *jid, struct buffer *password)
{
	struct buffer prompt, again;
	const char *why;

	buffer_init(&prompt);
	buffer_init(&again);
	buffer_printf(&prompt, "Password of %s: ", jid);
	buffer_append_byte(&prompt, '\0');
	why = ask(in, out, buffer_slice(&prompt).data, password);
	if (why == NULL)
		why = ask(in, out, "The same again: ", &again);
	if (why == NULL && !slice_equal(buffer_slice(password), buffer_slice(&again)))
		why = "the two passwords differ";
	buffer_clear(&prompt);
	password_clear(&again);
	return why;
}

static bool
silence(int in)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct termios silent;

	if (!isatty(in) || tcgetattr(in, &terminal.before) != 0)
		return false;
	silent = terminal.before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	terminal.fd = in;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], on_signal);
	terminal.is_silent = 1;
	if (tcsetattr(in, TCSAFLUSH, &silent) == 0)
		return true;
	terminal.is_silent = 0;
	return false;
}

const char *
password_read(int in, int out, const char *jid, struct buffer *password)
{
	const char *why;

	buffer_init(password);
	if (!isatty(in)) {
		why = read_line(in, password);
	} else if (silence(in)) {
		why = ask_twice(in, out, jid, password);
		restore_echo();
	} else {
		why = "the terminal cannot be told to hide what is typed";
	}
	if (why != NULL)
		password_clear(password);
	return why;
}

void
password_clear(struct buffer *password)
{
	if (password->data != NULL)
		memory_wipe(password->data, password->capacity);
	buffer_clear(password);
}
