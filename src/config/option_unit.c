/* option_unit.c -- the units of durations and sizes, and arithmetic that cannot overflow. */
#include "config/option_unit.h"

#include <inttypes.h>

struct unit {
	const char *name;
	int64_t	    worth;
};

/* Largest first: a value is written in the first that divides it. */
static const struct unit durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 }, { "ms", 1 }, { 0 }
};
static const struct unit sizes[] = {
	{ "TiB", INT64_C(1) << 40 }, { "GiB", INT64_C(1) << 30 }, { "MiB", INT64_C(1) << 20 },
	{ "KiB", INT64_C(1) << 10 }, { "B", 1 }, { 0 }
};
static const struct unit none[] = { { "", 1 }, { 0 } };

const char OPTION_UNIT_HUGE[] = "is too large";

static const struct unit *
units_of(enum option_type type)
{
	if (type == OPTION_DURATION)
		return durations;
	return type == OPTION_BYTES ? sizes : none;
}

static bool
find_worth(enum option_type type, struct slice name, int64_t *worth)
{
	*worth = type == OPTION_DURATION ? 1000 : 1;
	if (name.length == 0)
		return true;
	for (const struct unit *unit = units_of(type); unit->name != NULL; unit++)
		if (slice_is(name, unit->name)) {
			*worth = unit->worth;
			return true;
		}
	return false;
}

static size_t
count_digits(struct slice text)
{
	size_t count = 0;

	while (count < text.length && text.data[count] >= '0' && text.data[count] <= '9')
		count++;
	return count;
}

const char *
option_unit_read(enum option_type type, struct slice text, int64_t *number)
{
	size_t digits;
	int64_t worth;

	text = slice_trim(text);
	digits = count_digits(text);
	if (digits == 0 || !find_worth(type, slice_trim(slice_after(text, digits)), &worth))
		return type == OPTION_DURATION
		    ? "must be a whole number with ms, s, min, h or d, such as \"30 s\""
		    : "must be a whole number with B, KiB, MiB, GiB or TiB, such as \"256 KiB\"";
	if (!slice_to_int(slice_of(text.data, digits), 0, INT64_MAX, number) ||
	    __builtin_mul_overflow(*number, worth, number))
		return OPTION_UNIT_HUGE;
	return NULL;
}

void
option_unit_write(enum option_type type, int64_t number, struct buffer *out)
{
	const struct unit *unit = units_of(type);

	while (unit->worth > 1 && (number == 0 || number % unit->worth != 0))
		unit++;
	buffer_printf(out, "%" PRId64 "%s%s", number / unit->worth,
	    unit->name[0] == '\0' ? "" : " ", unit->name);
}
