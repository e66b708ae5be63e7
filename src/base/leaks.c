/* leaks.c -- memory that nobody gave back, for builds that look for it. */
#include "base/leaks.h"

#ifdef ROOKERY_SANITIZERS

#include <sanitizer/lsan_interface.h>

/* Only the one that watches addresses has them. */
#pragma weak __lsan_register_root_region
#pragma weak __lsan_do_leak_check

void
leaks_look_in(const void *memory, size_t size)
{
	if (__lsan_register_root_region != NULL)
		__lsan_register_root_region(memory, size);
}

void
leaks_check(void)
{
	if (__lsan_do_leak_check != NULL)
		__lsan_do_leak_check();
}

#else

void
leaks_look_in(const void *memory, size_t size)
{
}

void
leaks_check(void)
{
}

#endif
