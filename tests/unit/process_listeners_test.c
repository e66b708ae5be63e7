/* process_listeners_test.c -- listening sockets: one a worker and address, or none at all. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "config/config.h"
#include "process/listeners.h"

static struct listeners listeners;

static int
tear_down(void **state)
{
	listeners_close(&listeners);
	return 0;
}

/* A listening socket of a stranger; its port in *port. */
static int
stranger(int family, uint16_t *port)
{
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr_in ipv4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *address = family == AF_INET ? (void *)&ipv4 : (void *)&ipv6;
	socklen_t size = family == AF_INET ? sizeof(ipv4) : sizeof(ipv6);
	int fd = socket(family, SOCK_STREAM, 0), on = 1;

	if (fd < 0)
		return -1;
	/* It would even share its port: that is the trap. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, address, size) != 0 || listen(fd, 1) != 0 ||
	    getsockname(fd, address, &size) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(family == AF_INET ? ipv4.sin_port : ipv6.sin6_port);
	return fd;
}

/* A port nobody has just now. */
static uint16_t
free_port(int family)
{
	uint16_t port;
	int fd = stranger(family, &port);

	assert_true(fd >= 0);
	close(fd);
	return port;
}

static int
open_one(const char *address, bool direct_tls, uint32_t workers)
{
	struct option_list list = { &address, 1 };
	struct config config = { 0 };

	if (direct_tls)
		config.listen_tls = list;
	else
		config.listen = list;
	return listeners_open(&listeners, &config, workers);
}

static bool
takes_connection(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool taken = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(fd);
	return taken;
}

static void
each_worker_gets_a_socket(void **state)
{
	uint16_t port = free_port(AF_INET);
	char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	assert_int_equal(open_one(text, false, 3), 0);
	assert_int_equal(listeners.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(listeners.all[i].worker, i);
		assert_false(listeners.all[i].direct_tls);
	}
	assert_true(takes_connection(port));
}

static void
direct_tls_is_marked(void **state)
{
	char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%u", free_port(AF_INET));
	assert_int_equal(open_one(text, true, 1), 0);
	assert_true(listeners.all[0].direct_tls);
}

static void
port_in_use_opens_nothing(void **state)
{
	uint16_t port;
	int fd = stranger(AF_INET, &port);
	char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	assert_int_equal(open_one(text, false, 2), EX_UNAVAILABLE);
	assert_int_equal(listeners.count, 0);
	close(fd);
}

static void
star_is_both_families(void **state)
{
	uint16_t port;
	int fd = stranger(AF_INET6, &port);
	char text[32];

	if (fd < 0) {
		print_message("SKIPPED: no IPv6 here\n");
		skip();
	}
	close(fd);
	snprintf(text, sizeof(text), "*:%u", port);
	assert_int_equal(open_one(text, false, 1), 0);
	assert_int_equal(listeners.count, 2);
	assert_true(takes_connection(port));
}

static void
address_of_another_machine_is_refused(void **state)
{
	char text[32];

	snprintf(text, sizeof(text), "192.0.2.1:%u", free_port(AF_INET));
	assert_int_equal(open_one(text, false, 1), EX_UNAVAILABLE);
}

static void
handed_over_sockets_replace_the_options(void **state)
{
	char port_text[32], pid_text[16];
	uint16_t port;
	int status, fd = stranger(AF_INET, &port);
	pid_t child;

	/* Descriptor 3 is the rule of sd_listen_fds(3): only in a child is it ours to give. */
	child = fork();
	if (child == 0) {
		struct config config = { 0 };
		const char *item = port_text;

		snprintf(port_text, sizeof(port_text), "127.0.0.1:%u", port);
		config.listen_tls = (struct option_list){ &item, 1 };
		snprintf(pid_text, sizeof(pid_text), "%d", (int)getpid());
		dup2(fd, 3);
		setenv("LISTEN_PID", pid_text, 1);
		setenv("LISTEN_FDS", "1", 1);
		if (listeners_open(&listeners, &config, 4) != 0 || listeners.count != 1)
			_exit(1);
		if (listeners.all[0].worker != LISTENING_SHARED || listeners.all[0].fd != 3)
			_exit(2);
		_exit(listeners.all[0].direct_tls ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_worker_gets_a_socket, tear_down),
		cmocka_unit_test_teardown(direct_tls_is_marked, tear_down),
		cmocka_unit_test_teardown(port_in_use_opens_nothing, tear_down),
		cmocka_unit_test_teardown(star_is_both_families, tear_down),
		cmocka_unit_test_teardown(address_of_another_machine_is_refused, tear_down),
		cmocka_unit_test_teardown(handed_over_sockets_replace_the_options, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
