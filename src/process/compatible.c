/* compatible.c -- what a new binary must have in common with the one that runs, to take its place. */
#include "process/compatible.h"

#include <stdio.h>

#include "base/buffer.h"
#include "config/config.h"
#include "process/estate.h"
#include "process/seats.h"
#include "process/talk.h"
#include "shm/layout_text.h"

void
compatible_describe(const struct config *config, struct buffer *out)
{
	layout_describe(out);
	buffer_printf(out, "layout talk %d\nlayout estate %d\n", (int)TALK_LAST,
	    ESTATE_VERSION);
	buffer_printf(out, "option workers %u\n", seats_workers(config));
	buffer_printf(out, "option user %s\noption group %s\n", config->user, config->group);
	buffer_printf(out, "option data_dir %s\n", config->data_dir);
	buffer_printf(out, "option runtime_dir %s\n", config->runtime_dir);
	buffer_printf(out, "option pid_file %s\n", config->pid_file);
	buffer_printf(out, "option map_size %lld\n", (long long)config->map_size);
	buffer_printf(out, "option max_sessions %lld\n", (long long)config->max_sessions);
	buffer_printf(out, "option arena_bytes %lld\n", (long long)config->arena_bytes);
}

static struct slice
take_line(struct slice *text)
{
	size_t end = slice_find(*text, '\n');
	struct slice line = slice_of(text->data, end);

	*text = slice_after(*text, end < text->length ? end + 1 : end);
	return line;
}

bool
compatible_compare(struct slice ours, struct slice theirs, char *why, size_t size)
{
	while (ours.length > 0 || theirs.length > 0) {
		struct slice our = take_line(&ours), their = take_line(&theirs);

		if (slice_equal(our, their))
			continue;
		snprintf(why, size, "\"" SLICE_FMT "\" runs, and the new binary has \"" SLICE_FMT "\"",
		    SLICE_ARG(our), SLICE_ARG(their));
		return false;
	}
	return true;
}
