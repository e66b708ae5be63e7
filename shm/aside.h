/* aside.h -- memory that cannot be used is renamed, for somebody to look at, and never deleted. */
#pragma once

/*
 * Renames every segment that cannot be what its name says to NAME.bad-TIME, and says in the log what is wrong with it. Returns
 * how many it were, or RESULT_FAILED. For who holds the lock of the directory.
 */
int	aside_segments(const char *directory);

/* The same with one file or directory, for a reason of the caller's. */
int	aside_one(const char *directory, const char *name, const char *wrong);

/* Every segment, whole or not, and the registry: what is no memory together. One line in the log says why. */
int	aside_all(const char *directory, const char *why);
