/* net_listener_test.c -- accepts in turns and stands a lack of descriptors. */
#include "net_kit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/listener.h"

#define MOST 64

static int fd;
static struct sockaddr_in address;
static struct listener *listener;
static int accepted[MOST], clients[MOST];
static int accepted_count, client_count;
static bool pause_at_first, close_at_first;

static void
on_accept(void *owner, int got, const struct sockaddr_storage *peer)
{
	char text[INET6_ADDRSTRLEN];

	assert_in_range(accepted_count, 0, MOST - 1);
	accepted[accepted_count++] = got;
	listener_address_text(peer, text, sizeof(text));
	assert_string_equal(text, "127.0.0.1");
	if (pause_at_first)
		listener_pause(listener);
	if (close_at_first)
		listener_close(&listener);
}

static int
setup(void **state)
{
	socklen_t length = sizeof(address);

	kit_setup(state);
	accepted_count = client_count = 0;
	pause_at_first = close_at_first = false;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, MOST), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	listener = listener_new(kit_loop, kit_timers, fd, on_accept, NULL);
	return 0;
}

static void
close_all(int *fds, int *count)
{
	while (*count > 0)
		close(fds[--*count]);
}

static int
teardown(void **state)
{
	listener_close(&listener);
	close_all(accepted, &accepted_count);
	close_all(clients, &client_count);
	close(fd);
	return kit_teardown(state);
}

/* The queue of a listening socket on loopback holds it when connect returns. */
static void
connect_many(int count)
{
	for (int i = 0; i < count; i++) {
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_true(client >= 0);
		assert_int_equal(
		    connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
		clients[client_count++] = client;
	}
}

static int
option(int socket_fd, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);

	assert_int_equal(getsockopt(socket_fd, level, name, &value, &length), 0);
	return value;
}

static void
what_is_accepted_is_set_up(void **state)
{
	connect_many(1);
	kit_turn();
	assert_int_equal(accepted_count, 1);
	assert_true(option(accepted[0], IPPROTO_TCP, TCP_NODELAY) != 0);
	assert_true(option(accepted[0], SOL_SOCKET, SO_KEEPALIVE) != 0);
	assert_true(fcntl(accepted[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(accepted[0], F_GETFD) & FD_CLOEXEC);
}

static void
at_most_sixteen_are_accepted_a_turn(void **state)
{
	connect_many(40);
	kit_turn();
	assert_int_equal(accepted_count, 16);
	kit_turn();
	assert_int_equal(accepted_count, 32);
	kit_turn();
	assert_int_equal(accepted_count, 40);
}

static void
a_paused_listener_leaves_the_queue_alone(void **state)
{
	pause_at_first = true;
	connect_many(3);
	kit_turns(3);
	assert_int_equal(accepted_count, 1);
	pause_at_first = false;
	listener_resume(listener);
	kit_turn();
	assert_int_equal(accepted_count, 3);
}

static void
a_listener_may_be_closed_while_it_accepts(void **state)
{
	close_at_first = true;
	connect_many(3);
	kit_turns(3);
	assert_int_equal(accepted_count, 1);
	assert_null(listener);
}

/* In a process of its own. Returns 0 or the number of the step that failed. */
static int
be_short_of_descriptors(int limit)
{
	struct rlimit few = { (rlim_t)limit, (rlim_t)limit };
	int reached;

	listener_close(&listener);
	connect_many(40);
	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		return 1;
	listener = listener_new(kit_loop, kit_timers, fd, on_accept, NULL);
	kit_turns(5);
	reached = accepted_count;
	if (reached == 0 || reached == 40)
		return 2;
	if (timers_count(kit_timers) != 1)
		return 3;
	kit_turns(5);
	if (accepted_count != reached)
		return 4;
	clock_advance(100);
	kit_turns(3);
	if (accepted_count != reached || timers_count(kit_timers) != 1)
		return 5;
	while (accepted_count > 0)
		close(accepted[--accepted_count]);
	kit_turns(3);
	if (accepted_count != 0)
		return 6;
	clock_advance(100);
	kit_turns(4);
	return accepted_count == 0 ? 7 : 0;
}

static void
run_short_of_descriptors(int limit)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		/* epoll is shared over a fork: the child's loop must be its own. */
		kit_setup(NULL);
		_exit(be_short_of_descriptors(limit));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
no_more_are_accepted_while_nine_in_ten_descriptors_are_in_use(void **state)
{
	run_short_of_descriptors(80);
}

/* With the limit in reach of what the child has open already, accept4 itself fails. */
static void
a_lack_of_descriptors_is_waited_out(void **state)
{
	pid_t child = fork();
	int status, spare;

	if (child == 0) {
		struct rlimit few;

		kit_setup(NULL);
		listener_close(&listener);
		listener = listener_new(kit_loop, kit_timers, fd, on_accept, NULL);
		connect_many(1);
		spare = dup(fd);
		few.rlim_cur = few.rlim_max = (rlim_t)spare;
		close(spare);
		if (setrlimit(RLIMIT_NOFILE, &few) != 0)
			_exit(1);
		kit_turns(5);
		if (accepted_count != 0 || timers_count(kit_timers) != 1)
			_exit(2);
		close_all(clients, &client_count);
		clock_advance(100);
		kit_turns(3);
		/* One is free again, but that is more than nine in ten. */
		_exit(accepted_count == 0 && timers_count(kit_timers) == 1 ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
addresses_are_written_as_people_write_them(void **state)
{
	struct sockaddr_storage storage = { .ss_family = AF_INET6 };
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;
	char text[INET6_ADDRSTRLEN];

	inet_pton(AF_INET6, "2001:db8::1", &six->sin6_addr);
	listener_address_text(&storage, text, sizeof(text));
	assert_string_equal(text, "2001:db8::1");
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &six->sin6_addr);
	listener_address_text(&storage, text, sizeof(text));
	assert_string_equal(text, "192.0.2.1");
	storage.ss_family = AF_UNIX;
	listener_address_text(&storage, text, sizeof(text));
	assert_string_equal(text, "unknown");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(what_is_accepted_is_set_up),
		TEST(at_most_sixteen_are_accepted_a_turn),
		TEST(a_paused_listener_leaves_the_queue_alone),
		TEST(a_listener_may_be_closed_while_it_accepts),
		TEST(no_more_are_accepted_while_nine_in_ten_descriptors_are_in_use),
		TEST(a_lack_of_descriptors_is_waited_out),
		TEST(addresses_are_written_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
