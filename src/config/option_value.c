/* option_value.c -- takes values of each type, checks them against rows, writes them. */
#include "config/option_value.h"

#include <inttypes.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "config/option_check.h"
#include "config/option_unit.h"

#define FIELD(ctype, row, base)	      ((ctype *)((char *)(base) + (row)->offset))
#define CONST_FIELD(ctype, row, base) ((const ctype *)((const char *)(base) + (row)->offset))

static bool
is_number(const struct option_row *row)
{
	return row->type == OPTION_NUMBER || row->type == OPTION_DURATION ||
	    row->type == OPTION_BYTES;
}

static bool
is_text(const struct option_row *row)
{
	return row->type == OPTION_TEXT || row->type == OPTION_PATH;
}

static void
say_choices(const struct option_row *row, struct buffer *why)
{
	buffer_append_text(why, "must be ");
	for (size_t i = 0; row->choices[i] != NULL; i++) {
		if (i > 0)
			buffer_append_text(why, row->choices[i + 1] == NULL ? " or " : ", ");
		buffer_printf(why, "\"%s\"", row->choices[i]);
	}
}

bool
option_refuse(const struct option_row *row, struct buffer *why)
{
	static const char *const wanted[] = {
		[OPTION_BOOL] = "must be true or false",
		[OPTION_NUMBER] = "must be a whole number without quotes",
		[OPTION_DURATION] = "must be a duration, such as \"30 s\" or \"5 min\"",
		[OPTION_BYTES] = "must be a number of bytes, such as \"256 KiB\"",
		[OPTION_TEXT] = "must be a text in quotes",
		[OPTION_PATH] = "must be a path in quotes",
		[OPTION_LIST] = "must be a list of texts, such as [ \"one\", \"two\" ]",
	};

	if (row->type == OPTION_CHOICE)
		say_choices(row, why);
	else
		buffer_append_text(why, wanted[row->type]);
	return false;
}

static bool
find_choice(const struct option_row *row, struct slice text, int *index)
{
	for (int i = 0; row->choices[i] != NULL; i++)
		if (slice_is(text, row->choices[i])) {
			*index = i;
			return true;
		}
	return false;
}

static bool
refuse_range(const struct option_row *row, struct buffer *why)
{
	buffer_append_text(why, "must be ");
	option_write_range(row, why);
	return false;
}

static bool
set_number(const struct option_row *row, void *base, int64_t number, struct buffer *why)
{
	if (number < row->least || number > row->most)
		return refuse_range(row, why);
	*FIELD(int64_t, row, base) = number;
	return true;
}

bool
option_set_bool(const struct option_row *row, void *base, bool value, struct buffer *why)
{
	if (row->type != OPTION_BOOL)
		return option_refuse(row, why);
	*FIELD(bool, row, base) = value;
	return true;
}

bool
option_set_number(const struct option_row *row, void *base, int64_t number, struct buffer *why)
{
	if (!is_number(row))
		return option_refuse(row, why);
	if (row->type == OPTION_DURATION && __builtin_mul_overflow(number, 1000, &number))
		return refuse_range(row, why);
	return set_number(row, base, number, why);
}

static bool
set_number_text(const struct option_row *row, void *base, struct slice text, struct buffer *why)
{
	int64_t number;
	const char *problem = option_unit_read(row->type, text, &number);

	if (row->type == OPTION_NUMBER)
		return option_refuse(row, why);
	if (problem == OPTION_UNIT_HUGE)
		return refuse_range(row, why);
	if (problem != NULL) {
		buffer_append_text(why, problem);
		return false;
	}
	return set_number(row, base, number, why);
}

/* NULL: fine. */
static const char *
check(const struct option_row *row, struct slice text)
{
	const char *problem = check_text(text);

	if (problem == NULL && row->type == OPTION_PATH)
		problem = check_path(text);
	if (problem == NULL && row->check != NULL)
		problem = row->check(text);
	return problem;
}

bool
option_set_text(const struct option_row *row, void *base, struct slice text,
    struct arena *arena, struct buffer *why)
{
	const char *problem;
	int index;

	if (is_number(row))
		return set_number_text(row, base, text, why);
	if (row->type == OPTION_CHOICE && find_choice(row, text, &index)) {
		*FIELD(int, row, base) = index;
		return true;
	}
	if (!is_text(row))
		return option_refuse(row, why);
	problem = check(row, text);
	if (problem != NULL) {
		buffer_append_text(why, problem);
		return false;
	}
	*FIELD(const char *, row, base) = arena_copy(arena, text).data;
	return true;
}

static bool
is_item_valid(const struct option_row *row, struct slice item, struct buffer *why)
{
	const char *problem = check(row, item);
	int ignored;

	if (problem == NULL && (row->choices == NULL || find_choice(row, item, &ignored)))
		return true;
	if (buffer_length(why) > 0)
		buffer_append_text(why, "; ");
	option_write_text(item, why);
	buffer_append_byte(why, ' ');
	if (problem != NULL)
		buffer_append_text(why, problem);
	else
		say_choices(row, why);
	return false;
}

bool
option_set_list(const struct option_row *row, void *base, const struct slice *items,
    size_t count, struct arena *arena, struct buffer *why)
{
	struct option_list *list = FIELD(struct option_list, row, base);
	const char **copies;
	bool valid = true;

	if (row->type != OPTION_LIST)
		return option_refuse(row, why);
	for (size_t i = 0; i < count; i++)
		valid = is_item_valid(row, items[i], why) && valid;
	if (!valid)
		return false;
	copies = arena_alloc(arena, (count + 1) * sizeof(*copies));
	for (size_t i = 0; i < count; i++)
		copies[i] = arena_copy(arena, items[i]).data;
	*list = (struct option_list){ copies, count };
	return true;
}

void
option_set_fallback(const struct option_row *row, void *base, struct arena *arena)
{
	struct slice text = row->fallback != NULL ? slice_from_text(row->fallback) : SLICE_EMPTY;
	struct buffer why;
	int64_t number;
	bool is_set = true;

	buffer_init(&why);
	if (row->fallback == NULL)
		*FIELD(const char *, row, base) = NULL;
	else if (row->type == OPTION_BOOL)
		is_set = option_set_bool(row, base, slice_is(text, "true"), &why);
	else if (row->type == OPTION_NUMBER)
		is_set = slice_to_int(text, INT64_MIN, INT64_MAX, &number) &&
		    option_set_number(row, base, number, &why);
	else if (row->type == OPTION_LIST)
		is_set = option_set_list(row, base, &text, text.length > 0, arena, &why);
	else
		is_set = option_set_text(row, base, text, arena, &why);
	ensure(is_set);
	buffer_clear(&why);
}

static bool
is_list_valid(const struct option_row *row, const struct option_list *list)
{
	struct buffer why;
	bool valid = true;

	buffer_init(&why);
	for (size_t i = 0; i < list->count && valid; i++)
		valid = list->item[i] != NULL &&
		    is_item_valid(row, slice_from_text(list->item[i]), &why);
	buffer_clear(&why);
	return valid;
}

static int
count_choices(const struct option_row *row)
{
	int count = 0;

	while (row->choices[count] != NULL)
		count++;
	return count;
}

bool
option_is_valid(const struct option_row *row, const void *base)
{
	const char *text;
	int64_t number;
	int index;

	switch (row->type) {
	case OPTION_BOOL:
		return true;
	case OPTION_NUMBER:
	case OPTION_DURATION:
	case OPTION_BYTES:
		number = *CONST_FIELD(int64_t, row, base);
		return number >= row->least && number <= row->most;
	case OPTION_TEXT:
	case OPTION_PATH:
		text = *CONST_FIELD(char *, row, base);
		if (text == NULL)
			return row->fallback == NULL;
		return check(row, slice_from_text(text)) == NULL;
	case OPTION_CHOICE:
		index = *CONST_FIELD(int, row, base);
		return index >= 0 && index < count_choices(row);
	case OPTION_LIST:
		return is_list_valid(row, CONST_FIELD(struct option_list, row, base));
	}
	return false;
}

static bool
text_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
list_equal(const struct option_list *a, const struct option_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!text_equal(a->item[i], b->item[i]))
			return false;
	return true;
}

bool
option_equal(const struct option_row *row, const void *base, const void *other)
{
	switch (row->type) {
	case OPTION_BOOL:
		return *CONST_FIELD(bool, row, base) == *CONST_FIELD(bool, row, other);
	case OPTION_CHOICE:
		return *CONST_FIELD(int, row, base) == *CONST_FIELD(int, row, other);
	case OPTION_TEXT:
	case OPTION_PATH:
		return text_equal(*CONST_FIELD(char *, row, base),
		    *CONST_FIELD(char *, row, other));
	case OPTION_LIST:
		return list_equal(CONST_FIELD(struct option_list, row, base),
		    CONST_FIELD(struct option_list, row, other));
	default:
		return *CONST_FIELD(int64_t, row, base) == *CONST_FIELD(int64_t, row, other);
	}
}

void
option_write_text(struct slice text, struct buffer *out)
{
	buffer_append_byte(out, '"');
	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '"' || c == '\\')
			buffer_append_byte(out, '\\');
		if (c < 0x20 || c == 0x7f)
			buffer_printf(out, "\\x%02X", c);
		else
			buffer_append_byte(out, (char)c);
	}
	buffer_append_byte(out, '"');
}

static void
write_list(const struct option_list *list, struct buffer *out)
{
	buffer_append_text(out, "[ ");
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			buffer_append_text(out, ", ");
		option_write_text(slice_from_text(list->item[i]), out);
	}
	buffer_append_text(out, list->count > 0 ? " ]" : "]");
}

void
option_write(const struct option_row *row, const void *base, struct buffer *out)
{
	const char *text;

	switch (row->type) {
	case OPTION_BOOL:
		buffer_append_text(out, *CONST_FIELD(bool, row, base) ? "true" : "false");
		break;
	case OPTION_NUMBER:
		buffer_printf(out, "%" PRId64, *CONST_FIELD(int64_t, row, base));
		break;
	case OPTION_DURATION:
	case OPTION_BYTES:
		buffer_append_byte(out, '"');
		option_unit_write(row->type, *CONST_FIELD(int64_t, row, base), out);
		buffer_append_byte(out, '"');
		break;
	case OPTION_TEXT:
	case OPTION_PATH:
		text = *CONST_FIELD(char *, row, base);
		if (text != NULL)
			option_write_text(slice_from_text(text), out);
		break;
	case OPTION_CHOICE:
		text = row->choices[*CONST_FIELD(int, row, base)];
		option_write_text(slice_from_text(text), out);
		break;
	case OPTION_LIST:
		write_list(CONST_FIELD(struct option_list, row, base), out);
		break;
	}
}

void
option_write_range(const struct option_row *row, struct buffer *out)
{
	option_unit_write(row->type, row->least, out);
	buffer_append_text(out, " to ");
	option_unit_write(row->type, row->most, out);
}
