/* unit.h -- cmocka, with the headers it wants, and what it lacks. */
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/slice.h"

#define assert_slice(actual, expected) \
	assert_slice_at((actual), (expected), __FILE__, __LINE__)

/* The bytes of a slice are those of a text. */
static inline void
assert_slice_at(struct slice actual, const char *expected, const char *file, int line)
{
	if (slice_is(actual, expected))
		return;
	print_error("\"" SLICE_FMT "\" is not \"%s\"\n", SLICE_ARG(actual), expected);
	_fail(file, line);
}

/* True if act() ends the process that runs it by abort(), as ensure() does. */
static inline bool
unit_aborts(void (*act)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		close(STDERR_FILENO);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
