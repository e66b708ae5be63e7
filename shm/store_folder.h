/* store_folder.h -- the folder of an environment: on disk by its name, with a whole database in it, or not there. */
#pragma once

#include <stdbool.h>

/*
 * A power cut leaves no half of a new database: it is made in a folder of another name, and renamed once all of it is on
 * disk. Called with the lock of the environment held. Each returns an enum result, after it was logged.
 */

/* Makes the data directory, where it is missing. */
int	store_folder_make(const char *data_dir);

bool	store_folder_is_there(const char *data_dir, const char *name);

/* Before a database is made in the folder aside: nothing is left there of one that was not finished. */
int	store_folder_begin(const char *data_dir, const char *aside);

/* The database in it has been closed, and is on disk: it gets its name. */
int	store_folder_finish(const char *data_dir, const char *aside, const char *name);

/* The names in a directory are on disk, whoever has made them. */
int	store_folder_sync(const char *path);
