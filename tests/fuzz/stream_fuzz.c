/* stream_fuzz.c -- a client's bytes, before and after its login, against a whole worker. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "net/timer.h"
#include "shm/blocks.h"
#include "tests/fuzz/kept.h"
#include "tests/fuzz/still.h"
#include "tests/unit/core_kit.h"
#include "tests/unit/worker_caller.h"
#include "xml/parser.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte: how far the client has come, in which cuts its bytes go, what else happens. */
enum {
	COMING = 0x03,
	CUT = 0x1c,
	CLOCK = 0x20,	/* time passes between the cuts */
	SLOW = 0x40,	/* the client reads through a small buffer, at the end alone */
	RESET = 0x80,	/* the administrator ends its session half way */
};

enum { NEW, LOGGED_IN, BOUND, AVAILABLE };

static const size_t cuts[] = { 1, 2, 5, 16, 61, 251, 1021, SIZE_MAX };

/* What we say may be longer than what it was made from. */
static const struct parser_limits loose_limits = {
	.stanza_bytes = 1 << 28,
	.token_bytes = 1 << 28,
	.value_bytes = 1 << 28,
	.name_bytes = 1 << 20,
	.memory = 1 << 28,
	.depth = 1000,
	.attributes = 100000,
	.namespaces = 1000000,
	.elements = 1000000,
};

static void
on_element(void *owner, struct element *element)
{
	(void)owner;
	(void)element;
}

static void
on_end(void *owner)
{
	(void)owner;
}

/* All that a client gets is one well-formed stream, however it ends. */
static void
check_output(struct caller *caller, bool has_header)
{
	static const struct parser_events events = { on_element, on_element, on_end };
	struct slice heard = slice_from_text(caller_hear(caller));
	struct parser *parser;
	size_t consumed;

	if (heard.length == 0)
		return;
	parser = parser_new(&events, NULL, &loose_limits);
	if (has_header)
		parser_feed(parser, SLICE(CALLER_HEADER), &consumed);
	ensure(parser_feed(parser, heard, &consumed) == PARSER_OK);
	parser_free(&parser);
}

/* --- one worker for all inputs, and one client that is there before and after each --- */

static struct worker fuzzed;
static struct caller juliet;
static uint32_t timers_with_juliet;

/* Its directories lie in shared memory, and would stay there. */
static void
end_worker(void)
{
	caller_close(&juliet);
	core_end(&fuzzed);
	worker_end(&fuzzed);
}

static struct worker *
the_worker(void)
{
	static const struct worker_options options = { .has_msg = true };

	if (fuzzed.server.shm != NULL)
		return &fuzzed;
	worker_begin(&fuzzed, &options);
	core_begin(&fuzzed);
	kept_begin(&fuzzed);
	atexit(end_worker);
	alarm(0);
	log_set_level(LOG_ERROR);
	log_to_fd(STDERR_FILENO);
	juliet.fd = -1;
	return &fuzzed;
}

static void
enter_juliet(struct worker *worker)
{
	if (juliet.fd >= 0)
		return;
	still_seed(1);
	caller_enter(&juliet, worker, "juliet", "balcony");
	caller_appear(&juliet, 0);
	core_commit(worker);
	timers_with_juliet = timers_count(worker->server.timers);
}

/* --- an input --- */

/* STREAM_FUZZ_COMING=0 to 3 in the environment: how far all clients of this run have come, whatever their inputs say. */
static int
flags_of(uint8_t first)
{
	static const char *wanted;
	static bool	   is_known;

	if (!is_known)
		wanted = getenv("STREAM_FUZZ_COMING");
	is_known = true;
	return wanted == NULL ? first : (first & ~COMING) | (atoi(wanted) & COMING);
}

static void
come(struct caller *caller, struct worker *worker, int flags)
{
	caller_open(caller, worker, flags & SLOW ? 4096 : 0, false);
	if ((flags & COMING) >= LOGGED_IN)
		caller_login(caller, "romeo");
	if ((flags & COMING) >= BOUND)
		caller_bind(caller, "orchard");
	if ((flags & COMING) == AVAILABLE)
		caller_appear(caller, 1);
}

static void
feed(struct caller *caller, struct slice bytes, int flags)
{
	struct worker *worker = caller->worker;
	size_t piece = cuts[(flags & CUT) >> 2];
	size_t half = bytes.length / 2;

	while (bytes.length > 0) {
		size_t length = bytes.length < piece ? bytes.length : piece;

		if (send(caller->fd, bytes.data, length, MSG_NOSIGNAL) < 0)
			return;		/* the stream was closed */
		bytes = slice_after(bytes, length);
		worker_turns(worker, 2);
		if (kept_is_asked(worker))
			core_commit(worker);
		if (flags & CLOCK) {
			clock_advance(700);
			worker_settle(worker);
		}
		if ((flags & RESET) && bytes.length <= half)
			slot_ask(worker->server.shm, caller->ref, ORDER_KICK);
	}
	worker_settle(worker);
}

static void
leave(struct worker *worker, struct caller *caller)
{
	caller_close(caller);
	core_commit(worker);
	for (int i = 0; i < 10 && caller_session(caller) != NULL; i++) {
		worker_pass(worker, 600000);
		core_commit(worker);
	}
	ensure(caller_session(caller) == NULL);
}

/* Nobody but her is there, and she has what she had when she came. */
static bool
is_alone_with_juliet(struct worker *worker)
{
	uint32_t used, committed;

	blocks_count(worker->server.shm, 0, &used, &committed);
	return caller_session(&juliet) != NULL && slot_count(worker->server.shm) == 1 &&
	    used == 0 && timers_count(worker->server.timers) == timers_with_juliet;
}

/* Where more is left than she, all must go with her. */
static void
clean(struct worker *worker)
{
	if (!is_alone_with_juliet(worker)) {
		leave(worker, &juliet);
		ensure(worker_is_clean(worker));
	}
	if (kept_is_asked(worker))
		kept_restore(worker);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker *worker = the_worker();
	struct caller romeo;
	int flags;

	if (size < 1 || size > 8192)
		return 0;
	flags = flags_of(data[0]);
	enter_juliet(worker);
	still_seed(2);
	come(&romeo, worker, flags);
	feed(&romeo, slice_of(data + 1, size - 1), flags);
	check_output(&romeo, (flags & COMING) != NEW);
	leave(worker, &romeo);
	check_output(&juliet, true);
	clean(worker);
	return 0;
}
