/* pid_file.h -- one master at a time: a file with its process number, locked while it lives. */
#pragma once

#include <sys/types.h>

/*
 * Writes our process number under a lock that no child inherits, and in a second line that of a guardian, unless it
 * is 0. RESULT_EXISTS: another one has it, and *holder says which (0: unknown). RESULT_FAILED: see errno. The
 * descriptor stays open until pid_file_remove().
 */
int	pid_file_write(const char *path, pid_t guardian, int *fd, pid_t *holder);
void	pid_file_remove(const char *path, int *fd);
