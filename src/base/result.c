/* result.c -- the texts of the results. */
#include "base/result.h"

const char *
result_text(int result)
{
	if (result > 0)
		return "ok";
	switch ((enum result)result) {
	case RESULT_OK:
		return "ok";
	case RESULT_FAILED:
		return "failed";
	case RESULT_NOT_FOUND:
		return "not found";
	case RESULT_EXISTS:
		return "exists already";
	case RESULT_CONFLICT:
		return "changed by somebody else";
	case RESULT_FULL:
		return "full";
	case RESULT_AGAIN:
		return "try again later";
	case RESULT_CLOSED:
		return "closed";
	case RESULT_CORRUPT:
		return "corrupt";
	case RESULT_LAYOUT:
		return "of another layout version";
	case RESULT_INVALID:
		return "out of range";
	case RESULT_DENIED:
		return "not allowed";
	case RESULT_TIMEOUT:
		return "timed out";
	}
	return "unknown result";
}
