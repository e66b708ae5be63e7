/* trace.h -- whose stanzas are traced, and the way of the lines to who asked. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "shm/shm.h"

#define TRACE_JIDS_MAX 8
#define TRACE_JID_MAX  500	/* bytes */

/* In instance->trace; written by the master alone. Serial is odd while it writes. */
struct trace_page {
	_Atomic uint32_t serial;
	_Atomic uint32_t count;
	struct {
		uint32_t length;
		char	 text[TRACE_JID_MAX];
	} jid[TRACE_JIDS_MAX];
};
static_assert(sizeof(struct trace_page) <= 4096, "trace page");

/* The master's. At most TRACE_JIDS_MAX bare or full JIDs, prepared; RESULT_INVALID: more, or one too long. */
int	trace_set(struct shm *shm, const struct slice *jids, uint32_t count);

/* Cheap: whether anybody is traced. */
static inline bool
trace_is_on(const struct shm *shm)
{
	const struct trace_page *page = (const struct trace_page *)(const void *)shm->instance->trace;

	return atomic_load_explicit(&page->count, memory_order_relaxed) != 0;
}

/* Whether this full or bare JID is traced: as itself, or by its bare JID. */
bool	trace_matches(const struct shm *shm, struct slice jid);

/*
 * One line for whoever traces; passwords and bodies stay out of it. Never blocks: a line is dropped where the
 * master does not keep up. At most 4 KiB.
 */
void	trace_line(struct shm *shm, const char *text);

/* Where lines of this process go: a datagram socket the master made; -1: nowhere. */
void	trace_set_fd(int fd);
