/* result.h -- why something outside this program failed. */
#pragma once

/* Negative, so that counts and successes stay non-negative. */
enum result {
	RESULT_OK = 0,
	RESULT_FAILED = -1,		/* see errno or the log */
	RESULT_NOT_FOUND = -2,
	RESULT_EXISTS = -3,
	RESULT_CONFLICT = -4,		/* a version did not match: read again and retry */
	RESULT_FULL = -5,		/* a limit or a disk */
	RESULT_AGAIN = -6,		/* would block */
	RESULT_CLOSED = -7,		/* the peer is gone */
	RESULT_CORRUPT = -8,		/* stored bytes break their own rules */
	RESULT_LAYOUT = -9,		/* memory or data of another version */
	RESULT_INVALID = -10,		/* the argument is out of its range */
	RESULT_DENIED = -11,
	RESULT_TIMEOUT = -12,
};

/* A text for people: "not found", "of another layout version", ... */
const char *result_text(int result);
