/* config_unit.h -- what tests of the configuration share: parsing with mistakes collected as text. */
#pragma once

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buffer.h"
#include "config/config.h"
#include "unit.h"

#define ONE_HOST "hosts = ( { name = \"localhost\"; } );\n"

/* Lower case stands for the preparation of the layers above; spaces are in no domain. */
static inline bool
unit_prepare(struct slice text, char *out, size_t size)
{
	if (text.length == 0 || text.length >= size)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == ' ')
			return false;
		out[i] = (char)tolower((unsigned char)text.data[i]);
	}
	out[text.length] = '\0';
	return true;
}

/* "12 workers: must be 0 to 64\n" for each mistake. */
static inline void
unit_on_mistake(void *owner, const struct config_mistake *mistake)
{
	assert_string_equal(mistake->file, "rookery.conf");
	buffer_printf(owner, "%u %s: %s\n", mistake->line,
	    mistake->option != NULL ? mistake->option : "-", mistake->text);
}

static inline struct config *
unit_parse_slice(struct slice text, struct buffer *mistakes)
{
	return config_parse(text, "rookery.conf", unit_prepare, unit_on_mistake, mistakes);
}

/* A text without mistakes. */
static inline struct config *
unit_parse(const char *text)
{
	struct buffer mistakes;
	struct config *config;

	buffer_init(&mistakes);
	config = unit_parse_slice(slice_from_text(text), &mistakes);
	if (config == NULL)
		print_error(SLICE_FMT, SLICE_ARG(buffer_slice(&mistakes)));
	assert_non_null(config);
	buffer_clear(&mistakes);
	return config;
}

/* A text with exactly these mistakes. */
static inline void
unit_mistakes(struct slice text, const char *expected)
{
	struct buffer mistakes;
	struct config *config;

	buffer_init(&mistakes);
	config = unit_parse_slice(text, &mistakes);
	assert_slice(buffer_slice(&mistakes), expected);
	assert_null(config);
	buffer_clear(&mistakes);
}

/* What a writer of config.h prints. */
static inline char *
unit_values(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	config_write_values(config, out);
	fclose(out);
	return text;
}
