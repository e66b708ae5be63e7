/* kept.h -- for fuzz targets: both stores again as they were, whatever an input has changed. */
#pragma once

#include "tests/unit/core_kit.h"

/* After core_begin(). */
void	kept_begin(struct worker *worker);

/* Has anything been asked of a store since kept_restore()? */
bool	kept_is_asked(struct worker *worker);

/* Lists are empty, romeo and juliet have their passwords. All that was asked is answered, and nobody is online. */
void	kept_restore(struct worker *worker);
