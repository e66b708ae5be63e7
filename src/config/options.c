/* options.c -- the table of all options, and how a name is found in it. */
#include "config/options.h"

#include "config/config.h"
#include "config/option_check.h"

static const char *const log_levels[] = { "error", "warn", "info", "debug", "trace", NULL };
static const char *const tls_profiles[] = { "intermediate", "modern", NULL };
static const char *const acks[] = { "memory", "durable", NULL };
static const char *const conflicts[] = { "kick_old", "kick_new", "random", "increment", NULL };
static const char *const mechanism_names[] = {
	"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512",
	"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "EXTERNAL", NULL
};

#define IN_SERVER(field) offsetof(struct config, field)
#define IN_HOST(field)	 offsetof(struct config_host, field)

/* clang-format off */
#define ROW(scope_, name_, type_, reload_, group_, fallback_, about_, ...) \
	{ .name = #name_, .type = OPTION_##type_, .scope = OPTION_##scope_, \
	  .fallback = fallback_, .reload = OPTION_##reload_, .offset = IN_##scope_(name_), \
	  .group = group_, .about = about_, __VA_ARGS__ },
#define NUMBER(s, n, r, g, f, low, high, a)   ROW(s, n, NUMBER, r, g, f, a, .least = low, .most = high)
#define DURATION(s, n, r, g, f, low, high, a) ROW(s, n, DURATION, r, g, f, a, .least = low, .most = high)
#define BYTES(s, n, r, g, f, low, high, a)    ROW(s, n, BYTES, r, g, f, a, .least = low, .most = high)
#define BOOL(s, n, r, g, f, a)		      ROW(s, n, BOOL, r, g, f, a, .most = 1)
#define CHOICE(s, n, r, g, f, c, a)	      ROW(s, n, CHOICE, r, g, f, a, .choices = c)
#define TEXT(s, n, r, g, f, k, a)	      ROW(s, n, TEXT, r, g, f, a, .check = k)
#define PATH(s, n, r, g, f, k, a)	      ROW(s, n, PATH, r, g, f, a, .check = k)
#define LIST(s, n, r, g, f, c, k, a)	      ROW(s, n, LIST, r, g, f, a, .choices = c, .check = k)
/* clang-format on */

static const struct option_row rows[] = {
#include "config/options.def"
};

#define ROW_COUNT    (sizeof(rows) / sizeof(rows[0]))
#define LONGEST_NAME 48

/* The number of letters to change, add or take away (Levenshtein); long names are unlike any. */
static size_t
distance(struct slice a, struct slice b)
{
	size_t row[LONGEST_NAME + 1];

	if (a.length > LONGEST_NAME || b.length > LONGEST_NAME)
		return LONGEST_NAME;
	for (size_t j = 0; j <= b.length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.length; j++) {
			size_t best = diagonal + (a.data[i - 1] != b.data[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.length];
}

const struct option_row *
options_find(struct slice name)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (slice_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

const char *
options_nearest(struct slice name, bool in_host)
{
	const char *best = in_host ? "name" : "hosts";
	size_t best_distance = distance(name, slice_from_text(best));

	for (size_t i = 0; i < ROW_COUNT; i++) {
		size_t here = distance(name, slice_from_text(rows[i].name));

		if (in_host && rows[i].scope != OPTION_HOST)
			continue;
		if (here < best_distance) {
			best = rows[i].name;
			best_distance = here;
		}
	}
	return best_distance <= 1 + name.length / 4 ? best : NULL;
}

const struct option_row *
config_options(size_t *count)
{
	*count = ROW_COUNT;
	return rows;
}
