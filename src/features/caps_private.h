/* caps_private.h -- what the files of entity capabilities share. */
#pragma once

#include "features/caps.h"

struct slice caps_key(struct server *server, struct arena *arena, struct slice name);
