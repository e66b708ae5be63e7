/* im.c -- what the tasks share: numbers in stanzas, order, and waiting for a silent server. */
#include "tests/bench/im.h"

#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)

void
im_put_number(char out[IM_DIGITS + 1], unsigned number)
{
	snprintf(out, IM_DIGITS + 1, "%08x", number);
}

uint32_t
im_number(struct slice text)
{
	char digits[IM_DIGITS + 1] = "";
	unsigned number;
	int end = 0;

	if (text.length < IM_DIGITS)
		return UINT32_MAX;
	memcpy(digits, text.data, IM_DIGITS);
	if (sscanf(digits, "%8x%n", &number, &end) != 1 || end != IM_DIGITS)
		return UINT32_MAX;
	return number;
}

unsigned
im_count_text(struct slice text, const char *needle)
{
	size_t length = strlen(needle);
	unsigned count = 0;
	const char *found;

	while ((found = memmem(text.data, text.length, needle, length)) != NULL) {
		text = slice_after(text, (size_t)(found - text.data) + length);
		count++;
	}
	return count;
}

bool
im_note(uint32_t *next, uint32_t number)
{
	if (number < *next) {
		chat_counts.doubled++;
		return false;
	}
	if (number > *next)
		chat_counts.reordered++;
	*next = number + 1;
	chat_counts.received++;
	return true;
}

/* Syncs of a store end on their own time, so a pause is no end. */
void
im_wait_for_quiet(const struct im_options *options)
{
	uint64_t end = peer_now_ns() + 30000 * MS;
	struct usage_set before, now;
	int silent = 0;

	usage_take(options->server, &before);
	while (silent < 3 && peer_now_ns() < end) {
		uint64_t until = peer_now_ns() + 100 * MS;

		while (peer_now_ns() < until)
			peer_turn(20);
		usage_take(options->server, &now);
		silent = now.total.cpu_ns - before.total.cpu_ns < MS ? silent + 1 : 0;
		before = now;
	}
}

void
im_note_usage(const struct im_options *options, const struct usage_set *before,
	      struct usage_set *difference, struct im_figures *figures)
{
	struct usage_set after;

	if (options->server == 0)
		return;
	usage_take(options->server, &after);
	if (!usage_subtract(&after, before, difference))
		figures->is_changed = true;
}
