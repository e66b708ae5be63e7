/* folder.h -- a test's directories bear its process id, so that folders.py knows those that a killed test has left. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* where: "/dev/shm", or "/tmp" for what must not lie in memory. False: errno says why. */
static inline bool
folder_make(char folder[64], const char *where)
{
	snprintf(folder, 64, "%s/rookery-test-%d-XXXXXX", where, (int)getpid());
	return mkdtemp(folder) != NULL;
}
