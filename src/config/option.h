/* option.h -- an option is a row: parser, check, sample file, manual and `rookeryctl config` all read it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum option_type {
	OPTION_BOOL,
	OPTION_NUMBER,		/* int64_t */
	OPTION_DURATION,	/* int64_t milliseconds; written "30 s", "5 min", "12 h", "7 d", or a number of seconds */
	OPTION_BYTES,		/* int64_t; written "256 KiB", "4 MiB", or a number */
	OPTION_TEXT,		/* const char * */
	OPTION_PATH,		/* const char *, absolute */
	OPTION_CHOICE,		/* int: index in choices */
	OPTION_LIST,		/* struct option_list of texts */
};

enum option_reload {
	OPTION_RESTART,		/* read once */
	OPTION_RELOAD,		/* a reload applies it to what comes after */
};

enum option_scope { OPTION_SERVER, OPTION_HOST };

struct option_list {
	const char *const *item;
	size_t		   count;
};

struct option_row {
	const char	  *name;
	enum option_type   type;
	enum option_scope  scope;
	const char	  *fallback;	/* as it would be written; NULL: must be given */
	int64_t		   least, most;	/* numbers, durations (ms), bytes */
	const char *const *choices;	/* of a choice, or of a list's items; ends with NULL */
	enum option_reload reload;
	size_t		   offset;	/* of its field in struct config or config_host */
	const char	  *group;	/* heading in manual and sample: "Processes", "Limits"... */
	const char	  *about;	/* one or two sentences for the manual */

	/* What is wrong with a text, or with an item of a list; NULL: nothing. */
	const char	*(*check)(struct slice text);
};
