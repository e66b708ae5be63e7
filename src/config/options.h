/* options.h -- finds rows by name. */
#pragma once

#include "base/slice.h"
#include "config/option.h"

/* NULL when there is no such option. */
const struct option_row *options_find(struct slice name);

/* The name most like a mistyped one among those that may stand there, or NULL when none is near. */
const char *options_nearest(struct slice name, bool in_host);
