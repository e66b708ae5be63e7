/* config_box.h -- a config and the memory behind it. */
#pragma once

#include "base/arena.h"
#include "config/config.h"

/* Every struct config that config_parse() and config_load() return is the start of a box. */
struct config_box {
	struct config config;
	struct arena  arena;	/* what its pointers reach, unless that is in more */
	size_t	      size;	/* of more */
	char	      more[];	/* the rest of a loaded config, with the image */
};

struct config_box *config_box_new(size_t size);

/* Sets config.host_order to order, which has room for all hosts and is filled here; ties in the file's order. */
void	config_box_sort(struct config_box *box, uint32_t *order);
