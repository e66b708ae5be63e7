/* memo.h -- of which keys a question had the usual answer, and in which state of what was asked. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * For questions that every stanza asks and nearly all answer alike: does this account block anybody? The state is a
 * number that changes with what the answer is read from; it is taken before the reading. A memo forgets: of keys
 * with one place only the last one is known. Keys are ids, above 0; what peers choose is none.
 */
struct memo;
struct memo *memo_new(void);
void	     memo_free(struct memo **memo);
bool	     memo_has(const struct memo *memo, uint64_t key, uint64_t state);
void	     memo_note(struct memo *memo, uint64_t key, uint64_t state);
