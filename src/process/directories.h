/* directories.h -- the data and runtime directories: made with the right owner, or refused with a hint. */
#pragma once

struct identity;

/*
 * Makes the directory where it is missing (its parent must be there) and hands it to the user of
 * workers and stores; an empty one of root's is handed over too. RESULT_DENIED: it belongs to
 * somebody else, or others may write in it. All failures are logged with what to do.
 */
int	directories_make(const char *path, const struct identity *identity);

/*
 * An open descriptor of runtime_dir under a lock that our children inherit, so that it lasts until the last
 * of them is gone: a new master waits for those of a dead one, at most wait_ms. RESULT_TIMEOUT: they stay.
 */
int	directories_lock(const char *runtime_dir, int wait_ms, int *fd);
