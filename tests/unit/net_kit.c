/* net_kit.c -- for tests: a loop taken turn by turn, and owners that remember. */
#include "net_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

struct loop *kit_loop;
struct timers *kit_timers;
struct connections *kit_connections;

static bool turn_by_turn;

static bool
on_before_sleep(void *owner)
{
	if (turn_by_turn)
		loop_stop(kit_loop);
	return connections_flush(kit_connections);
}

static const struct loop_hooks kit_hooks = { .before_sleep = on_before_sleep };

int
kit_setup(void **state)
{
	alarm(60); /* a test that hangs is ended */
	log_set_level(LOG_ERROR);
	turn_by_turn = true;
	kit_loop = loop_new();
	kit_timers = timers_new(kit_loop);
	kit_connections = connections_new(kit_loop, kit_timers);
	loop_set_hooks(kit_loop, &kit_hooks, NULL);
	return 0;
}

int
kit_teardown(void **state)
{
	connections_free(&kit_connections);
	assert_int_equal(timers_count(kit_timers), 0);
	timers_free(&kit_timers);
	loop_free(&kit_loop);
	clock_share(NULL);
	return 0;
}

void
kit_turn(void)
{
	loop_run(kit_loop);
}

void
kit_turns(int count)
{
	for (int i = 0; i < count; i++)
		kit_turn();
}

static void
side_note(struct side *side, enum moment moment)
{
	side->calls[moment]++;
	if (side->during != NULL)
		side->during(side, moment);
}

static size_t
on_bytes(void *owner, struct slice bytes)
{
	struct side *side = owner;
	size_t taken = bytes.length < side->take ? bytes.length : side->take;

	buffer_append(&side->in, slice_of(bytes.data, taken));
	if (side->echo) {
		buffer_append(&side->out, slice_of(bytes.data, taken));
		connection_want_write(side->connection);
	}
	side_note(side, ON_BYTES);
	return taken;
}

static size_t
on_output(void *owner, char *out, size_t size)
{
	struct side *side = owner;
	struct slice rest;

	side_note(side, ON_OUTPUT);
	rest = buffer_slice(&side->out);
	if (size > rest.length)
		size = rest.length;
	memcpy(out, rest.data, size);
	return size;
}

static void
on_written(void *owner, size_t count)
{
	struct side *side = owner;

	buffer_take(&side->out, count);
	side_note(side, ON_WRITTEN);
}

static void
on_secured(void *owner)
{
	side_note(owner, ON_SECURED);
}

static void
on_end(void *owner)
{
	side_note(owner, ON_END);
}

static void
on_closed(void *owner, int result)
{
	struct side *side = owner;

	side->result = result;
	side_note(side, ON_CLOSED);
	side->connection = NULL;
}

static const struct connection_events side_events = {
	.on_bytes = on_bytes,
	.on_output = on_output,
	.on_written = on_written,
	.on_secured = on_secured,
	.on_end = on_end,
	.on_closed = on_closed,
};

void
side_open(struct side *side)
{
	struct sockaddr_storage address = { .ss_family = AF_UNIX };
	int pair[2];

	memset(side, 0, sizeof(*side));
	side->take = SIZE_MAX;
	side->result = 1;
	buffer_init(&side->in);
	buffer_init(&side->out);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	side->peer = pair[1];
	side->connection =
	    connection_new(kit_connections, pair[0], &address, &side_events, side);
}

void
side_clear(struct side *side)
{
	side->during = NULL;
	if (side->connection != NULL)
		connection_close(side->connection, false, 0);
	kit_turns(2);
	assert_null(side->connection);
	assert_int_equal(side->calls[ON_CLOSED], 1);
	buffer_clear(&side->in);
	buffer_clear(&side->out);
	if (side->peer >= 0)
		peer_close(side);
}

void
side_say(struct side *side, const char *text)
{
	buffer_append_text(&side->out, text);
	connection_want_write(side->connection);
}

void
side_expect(struct side *side, const char *text)
{
	struct slice got = buffer_slice(&side->in);

	assert_int_equal(got.length, strlen(text));
	assert_memory_equal(got.data, text, got.length);
	buffer_empty(&side->in);
}

void
peer_say(struct side *side, const char *text)
{
	assert_int_equal(send(side->peer, text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
}

size_t
peer_read(struct side *side, char *out, size_t size)
{
	ssize_t count = recv(side->peer, out, size, 0);

	return count > 0 ? (size_t)count : 0;
}

void
peer_expect(struct side *side, const char *text)
{
	char got[4096];
	size_t count = peer_read(side, got, sizeof(got));

	assert_int_equal(count, strlen(text));
	assert_memory_equal(got, text, count);
}

bool
peer_is_at_end(struct side *side)
{
	char byte;
	ssize_t count = recv(side->peer, &byte, 1, MSG_PEEK);

	return count == 0 || (count < 0 && errno != EAGAIN);
}

void
peer_close(struct side *side)
{
	close(side->peer);
	side->peer = -1;
}
