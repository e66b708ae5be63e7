/* ensure.c -- the last words of a process that found itself wrong. */
#include "base/ensure.h"

#include <stdlib.h>

#include "base/log.h"

_Noreturn void
ensure_failed(const char *condition, const char *file, int line)
{
	log_error(LOG_BASE, "ensure failed", "condition=\"%s\" place=%s:%d", condition,
	    file, line);
	abort();
}
