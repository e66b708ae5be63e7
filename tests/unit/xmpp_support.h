/* xmpp_support.h -- what the tests of JID parts have in common. */
#pragma once

#include "tests/unit/unit.h"

#include "base/arena.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef bool prepare(struct arena *arena, struct slice text, struct slice *out);

/* How a text comes out; NULL where it is refused. */
struct prepared_row {
	const char *text;
	const char *prepared;
};

/* Each text comes out as its row says, and out of a second call as it is. */
static inline void
assert_prepares(prepare *call, const struct prepared_row *rows, size_t count)
{
	struct arena arena;
	struct slice out, again;

	arena_init(&arena);
	for (size_t i = 0; i < count; i++) {
		bool is_good = call(&arena, slice_from_text(rows[i].text), &out);

		if (is_good != (rows[i].prepared != NULL)) {
			fail_msg("\"%s\" is %s", rows[i].text,
				 is_good ? "let through" : "refused");
		}
		if (!is_good)
			continue;
		assert_slice(out, rows[i].prepared);
		assert_true(call(&arena, out, &again));
		assert_slice(again, rows[i].prepared);
	}
	arena_clear(&arena);
}

#define ASSERT_PREPARES(call, rows) assert_prepares((call), (rows), COUNT(rows))
