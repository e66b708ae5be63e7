/* ensure.h -- what must be true, or this process ends and the master seats another. */
#pragma once

/* Checked in every build. Logs the condition with its place, then aborts. */
#define ensure(condition) \
	((condition) ? (void)0 : ensure_failed(#condition, __FILE__, __LINE__))

_Noreturn void ensure_failed(const char *condition, const char *file, int line);
