/* trace.c -- whose stanzas are traced, and the way of the lines to who asked. */
#include "shm/trace.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/result.h"

#define LINE_MAX_BYTES 4096

static int trace_fd = -1;

static struct trace_page *
page_of(const struct shm *shm)
{
	return (struct trace_page *)(void *)shm->instance->trace;
}

int
trace_set(struct shm *shm, const struct slice *jids, uint32_t count)
{
	struct trace_page *page = page_of(shm);
	uint32_t serial;

	if (count > TRACE_JIDS_MAX)
		return RESULT_INVALID;
	for (uint32_t i = 0; i < count; i++)
		if (jids[i].length == 0 || jids[i].length > TRACE_JID_MAX)
			return RESULT_INVALID;
	serial = atomic_load(&page->serial) | 1;
	atomic_store(&page->serial, serial);
	atomic_thread_fence(memory_order_release);
	atomic_store(&page->count, 0);
	for (uint32_t i = 0; i < count; i++) {
		page->jid[i].length = (uint32_t)jids[i].length;
		memcpy(page->jid[i].text, jids[i].data, jids[i].length);
	}
	atomic_store(&page->count, count);
	atomic_store_explicit(&page->serial, serial + 1, memory_order_release);
	return RESULT_OK;
}

static bool
is_of(struct slice jid, struct slice traced)
{
	return slice_equal(jid, traced) ||
	    (slice_starts_with(jid, traced) && jid.data[traced.length] == '/');
}

/* What is read while the master writes is thrown away: one stanza more or less is traced. */
bool
trace_matches(const struct shm *shm, struct slice jid)
{
	const struct trace_page *page = page_of(shm);
	uint32_t serial = atomic_load_explicit(&page->serial, memory_order_acquire);
	uint32_t count = atomic_load(&page->count);
	bool found = false;

	for (uint32_t i = 0; i < count && i < TRACE_JIDS_MAX && !found; i++) {
		uint32_t length = page->jid[i].length;

		found = length <= TRACE_JID_MAX && is_of(jid, slice_of(page->jid[i].text, length));
	}
	atomic_thread_fence(memory_order_acquire);
	return found && (serial & 1) == 0 && atomic_load(&page->serial) == serial;
}

void
trace_line(struct shm *shm, const char *text)
{
	char line[LINE_MAX_BYTES];
	int length;

	if (trace_fd < 0)
		return;
	length = snprintf(line, sizeof(line), "worker %u %s", shm->me, text);
	if (length >= (int)sizeof(line))
		length = sizeof(line) - 1;
	(void)send(trace_fd, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
trace_set_fd(int fd)
{
	trace_fd = fd;
}
