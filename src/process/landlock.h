/* landlock.h -- gives up paths, ports and signals through the kernel's Landlock. */
#pragma once

/* The version the kernel has; 0: none. */
int	landlock_version(void);

/* For this thread and those it starts. Wants no_new_privs. False: the kernel has none, or refuses. */
_Bool	landlock_enter(void);
