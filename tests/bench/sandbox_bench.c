/* sandbox_bench.c -- what a system call costs before and inside the sandbox, and what entering it does. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "process/sandbox.h"

#define CALLS 2000000

static double
now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static uint64_t word;
static int event, ends[2];

/* One whose number is enough, and one whose arguments are looked at. */
static void
read_event(void)
{
	(void)!read(event, &word, sizeof(word));
}

static void
get_flags(void)
{
	fcntl(event, F_GETFL);
}

static void
send_and_receive(void)
{
	(void)!write(ends[0], &word, sizeof(word));
	(void)!read(ends[1], &word, sizeof(word));
}

static double
cost(void (*call)(void))
{
	double best = 1e9;

	for (int round = 0; round < 5; round++) {
		double start = now_ns(), took;

		for (int i = 0; i < CALLS / 5; i++)
			call();
		took = (now_ns() - start) / (CALLS / 5);
		best = took < best ? took : best;
	}
	return best;
}

static void
measure(const char *when)
{
	printf("%-8s read %.0f ns, fcntl %.0f ns, write and read of a socket %.0f ns\n", when,
	    cost(read_event), cost(get_flags), cost(send_and_receive));
}

int
main(void)
{
	struct sandbox sandbox = { .role = SANDBOX_WORKER, .walls = SANDBOX_PATHS | SANDBOX_CALLS,
		.root_fd = -1 };
	double start;

	event = eventfd(0, EFD_NONBLOCK);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 1;
	measure("outside");
	start = now_ns();
	sandbox_enter(&sandbox);
	start = now_ns() - start;
	measure("inside");
	printf("entering took %.2f ms\n", start / 1e6);
	fflush(stdout);
	_exit(0);
}
