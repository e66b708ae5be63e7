/* code_points.h -- text as code points, and the mappings that PRECIS and IDNA share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* The array belongs to the arena that was handed to the last call. */
struct code_points {
	uint32_t *at;
	size_t	  count;
};

/* False if the bytes are not UTF-8. */
bool	code_points_decode(struct arena *arena, struct slice utf8,
	    struct code_points *text);
struct slice code_points_encode(struct arena *arena, const struct code_points *text);
bool	code_points_equal(const struct code_points *a, const struct code_points *b);

/* In place: full- and half-width forms become ordinary ones, every space (Zs) U+0020. */
void	code_points_map_width(struct code_points *text);
void	code_points_map_spaces(struct code_points *text);

/* toLowerCase() of Unicode 3.13, blind to languages; the second to neighbours, too. */
void	code_points_lower(struct arena *arena, struct code_points *text);
void	code_points_lower_each(struct arena *arena, struct code_points *text);

/* Normalization form C. */
void	code_points_compose(struct arena *arena, struct code_points *text);
