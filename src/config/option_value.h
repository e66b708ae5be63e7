/* option_value.h -- values of options: from the file to a field, and from a field to text. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "config/option.h"

/*
 * Each puts a value into the row's field of the struct at base, or says in why what is wrong and
 * leaves the field alone. Texts are copied into the arena.
 */
bool	option_set_bool(const struct option_row *row, void *base, bool value, struct buffer *why);
bool	option_set_number(const struct option_row *row, void *base, int64_t number,
	    struct buffer *why);
bool	option_set_text(const struct option_row *row, void *base, struct slice text,
	    struct arena *arena, struct buffer *why);
bool	option_set_list(const struct option_row *row, void *base, const struct slice *items,
	    size_t count, struct arena *arena, struct buffer *why);

/* For a value that is of no type an option can have: says what is wanted, and returns false. */
bool	option_refuse(const struct option_row *row, struct buffer *why);

/* The row's fallback; ends the process when the row breaks its own rules. */
void	option_set_fallback(const struct option_row *row, void *base, struct arena *arena);

/* Whether the field could have come from a file; for images, which were checked once. */
bool	option_is_valid(const struct option_row *row, const void *base);

bool	option_equal(const struct option_row *row, const void *base, const void *other);

/* As the file would say it: 30 s as "30 s" in quotes. An unset text writes nothing. */
void	option_write(const struct option_row *row, const void *base, struct buffer *out);

/* A text in quotes, as libconfig reads it. */
void	option_write_text(struct slice text, struct buffer *out);

/* "1 to 64", "1 s to 10 min" */
void	option_write_range(const struct option_row *row, struct buffer *out);
