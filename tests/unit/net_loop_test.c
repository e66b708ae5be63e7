/* net_loop_test.c -- the hooks stand around the sleep, watches are level triggered. */
#include "net_kit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char story[64];
static struct loop *loop;
static struct watch *watch;
static int ends[2];
static int more; /* turns that before_sleep asks for */

static void
tell(char what)
{
	size_t length = strlen(story);

	assert_true(length + 1 < sizeof(story));
	story[length] = what;
	story[length + 1] = '\0';
}

static bool
on_before_sleep(void *owner)
{
	tell('b');
	if (more == 0) {
		loop_stop(loop);
		return false;
	}
	more--;
	return true;
}

static void
on_after_sleep(void *owner)
{
	tell('a');
}

static const struct loop_hooks hooks = { on_before_sleep, on_after_sleep };

static void
on_ready(void *owner, int events)
{
	if (events & WATCH_READ)
		tell('r');
	if (events & WATCH_WRITE)
		tell('w');
}

static int
setup(void **state)
{
	alarm(60);
	memset(story, 0, sizeof(story));
	more = 0;
	loop = loop_new();
	loop_set_hooks(loop, &hooks, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	watch = watch_new(loop, ends[0], on_ready, NULL);
	return 0;
}

static int
teardown(void **state)
{
	watch_close(&watch);
	loop_free(&loop);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void
the_hooks_stand_around_the_sleep_before_any_input(void **state)
{
	watch_set(watch, WATCH_READ);
	assert_int_equal(send(ends[1], "x", 1, 0), 1);
	loop_run(loop);
	assert_string_equal(story, "bar");
}

static void
without_input_the_hooks_come_all_the_same(void **state)
{
	loop_run(loop);
	assert_string_equal(story, "ba");
}

static void
more_work_keeps_the_loop_from_sleeping(void **state)
{
	more = 3;
	loop_run(loop);
	assert_string_equal(story, "babababa");
}

static void
a_watch_tells_again_what_was_not_read(void **state)
{
	watch_set(watch, WATCH_READ);
	assert_int_equal(send(ends[1], "x", 1, 0), 1);
	more = 1;
	loop_run(loop);
	assert_string_equal(story, "barbar");
}

static void
a_paused_watch_is_silent_until_it_is_set_again(void **state)
{
	watch_set(watch, WATCH_READ);
	watch_set(watch, 0);
	assert_int_equal(send(ends[1], "x", 1, 0), 1);
	loop_run(loop);
	assert_string_equal(story, "ba");
	watch_set(watch, WATCH_READ | WATCH_WRITE);
	loop_run(loop);
	assert_string_equal(story, "babarw");
}

static void
an_error_counts_as_both_and_comes_again(void **state)
{
	char byte;

	/* A Unix socket whose peer closed over unread bytes reports an error once. */
	assert_int_equal(send(ends[0], "x", 1, 0), 1);
	watch_set(watch, WATCH_READ);
	close(ends[1]);
	loop_run(loop);
	assert_string_equal(story, "barw");
	assert_int_equal(recv(ends[0], &byte, 1, 0), -1);
	loop_run(loop);
	assert_string_equal(story, "barwbar");
	assert_int_equal(recv(ends[0], &byte, 1, 0), 0);
	ends[1] = dup(ends[0]);
}

static void
close_watch(void *owner, int events)
{
	struct watch **own = owner;

	tell('c');
	watch_close(own);
}

static void
a_watch_may_be_closed_while_it_tells(void **state)
{
	struct watch *second;

	second = watch_new(loop, ends[1], close_watch, &second);
	watch_set(second, WATCH_WRITE);
	more = 1;
	loop_run(loop);
	assert_string_equal(story, "bacba");
	assert_null(second);
}

static void
of_two_that_are_ready_the_first_may_close_the_second(void **state)
{
	struct watch *second;

	/* Either order of telling is right, as long as one is told alone. */
	watch_close(&watch);
	watch = watch_new(loop, ends[0], close_watch, &second);
	second = watch_new(loop, ends[1], close_watch, &watch);
	watch_set(watch, WATCH_WRITE);
	watch_set(second, WATCH_WRITE);
	loop_run(loop);
	assert_string_equal(story, "bac");
	assert_true((watch == NULL) != (second == NULL));
	watch_close(&second);
}

static pthread_t worker;

static void
run_job(void *job)
{
	worker = pthread_self();
}

static void
finish_job(void *job)
{
	*(bool *)job = !pthread_equal(worker, pthread_self());
	tell('d');
}

static void
work_runs_on_a_thread_and_ends_on_the_loop(void **state)
{
	bool ran = false;

	loop_work(loop, run_job, finish_job, &ran);
	while (!ran) {
		memset(story, 0, sizeof(story));
		loop_run(loop);
	}
	assert_string_equal(story, "bad");
}

static void
on_signal(void *owner, int signum)
{
	*(int *)owner = signum;
	tell('s');
}

static void
signals_come_through_the_loop(void **state)
{
	int got = 0;

	loop_on_signal(loop, SIGUSR1, on_signal, &got);
	raise(SIGUSR1);
	loop_run(loop);
	assert_int_equal(got, SIGUSR1);
	assert_string_equal(story, "bas");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_hooks_stand_around_the_sleep_before_any_input),
		TEST(without_input_the_hooks_come_all_the_same),
		TEST(more_work_keeps_the_loop_from_sleeping),
		TEST(a_watch_tells_again_what_was_not_read),
		TEST(a_paused_watch_is_silent_until_it_is_set_again),
		TEST(an_error_counts_as_both_and_comes_again),
		TEST(a_watch_may_be_closed_while_it_tells),
		TEST(of_two_that_are_ready_the_first_may_close_the_second),
		TEST(work_runs_on_a_thread_and_ends_on_the_loop),
		TEST(signals_come_through_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
