/* config_source.h -- the text of a configuration before libconfig sees it. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

#define CONFIG_SOURCE_MAX (1u << 20)

typedef void config_source_fn(void *owner, unsigned line, const char *mistake);

/*
 * Puts a terminated copy into out for libconfig to read, line for line the same, and reports what
 * libconfig would drop, cut or open without a word.
 */
void	config_source_read(struct slice text, struct buffer *out, config_source_fn *on_mistake,
	    void *owner);
