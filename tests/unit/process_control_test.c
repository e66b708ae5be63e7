/* process_control_test.c -- who may command the server, and who cannot hold it up. */
#include "unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "process/control.h"
#include "process/control_client.h"
#include "process/heartbeat.h"
#include "process/master.h"
#include "shm/shm.h"
#include "shm/store.h"
#include "tests/folder.h"

#define STRANGER 65533

static char directory[64];
static struct master *master;
static struct config config;

/* A master without children: memory with one worker, and its control socket. */
static int
set_up(void **state)
{
	struct shm_options options = { .runtime_dir = directory,
		.workers = 1,
		.max_sessions = 64,
		.arena_bytes = 16u << 20 };
	int pair[2];

	if (!folder_make(directory, "/dev/shm"))
		return -1;
	config = (struct config){ .runtime_dir = directory, .serial = 3 };
	master = NEW(struct master);
	master->config = &config;
	master->state = MASTER_READY;
	master->inheritance.identity = (struct identity){ .uid = geteuid() };
	if (shm_create(&options, &master->shm) != RESULT_OK ||
	    store_rings_create(master->shm) != RESULT_OK ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;
	master->trace_fd = pair[0];
	master->inheritance.trace_fd = pair[1];
	for (int i = 0; i < PROCESSES_MAX; i++)
		master->inheritance.answer_fd[i] = -1;
	master->inheritance.answer_fd[shm_master_number(master->shm)] = eventfd(0, EFD_NONBLOCK);
	master->inheritance.request_fd[0] = master->inheritance.request_fd[1] = -1;
	store_set_wake_fds(master->inheritance.answer_fd, master->inheritance.request_fd);
	if (store_client_open(master->shm, shm_master_number(master->shm), STORE_CORE,
		&master->core_client) != RESULT_OK)
		return -1;
	return control_listen(master, &master->control);
}

static int
tear_down(void **state)
{
	control_free(&master->control);
	store_client_close(&master->core_client);
	shm_detach(&master->shm);
	shm_remove(directory);
	close(master->trace_fd);
	close(master->inheritance.trace_fd);
	close(master->inheritance.answer_fd[3]);
	memory_free(master);
	return rmdir(directory);
}

/* Serves until that process has ended; its exit status. */
static int
serve_until(pid_t child)
{
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		poll_set_reset(&master->poll_set, heartbeat_now_ms() + 10);
		control_watch(master->control, &master->poll_set);
		poll_set_wait(&master->poll_set);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int
ask_as(uid_t uid, enum control_verb verb)
{
	pid_t child = fork();

	if (child == 0) {
		int fd, rc;

		if (uid != geteuid() && setuid(uid) != 0)
			_exit(200);
		rc = control_open(directory, 10000, &fd);
		if (rc == RESULT_OK)
			rc = control_ask(fd, verb, SLICE_EMPTY, NULL, NULL, NULL);
		_exit(-rc);
	}
	return -serve_until(child);
}

/* Connected, and given to the master. */
static int
raw_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, CONTROL_SOCKET);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void
owner_is_answered(void **state)
{
	assert_int_equal(ask_as(geteuid(), CONTROL_VERSION), RESULT_OK);
	assert_int_equal(ask_as(geteuid(), CONTROL_STATUS), RESULT_OK);
}

static void
only_root_and_the_server_are_allowed(void **state)
{
	assert_true(control_is_allowed(0, 1234));
	assert_true(control_is_allowed(1234, 1234));
	assert_true(control_is_allowed(geteuid(), 1234));
	assert_false(control_is_allowed(STRANGER, 1234));
}

/* The modes of directory and socket are the first door; here both stand open. */
static void
stranger_is_refused_by_the_kernels_word(void **state)
{
	char path[128];

	if (geteuid() != 0) {
		print_message("SKIPPED: only root can be a stranger\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/%s", directory, CONTROL_SOCKET);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(ask_as(STRANGER, CONTROL_STOP), RESULT_DENIED);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(ask_as(STRANGER, CONTROL_STOP), RESULT_DENIED);
	assert_int_equal(master->state, MASTER_READY);
}

static void
stuck_clients_hold_up_nobody(void **state)
{
	int fds[CONTROL_CLIENTS_MAX - 1];

	for (int i = 0; i < CONTROL_CLIENTS_MAX - 1; i++) {
		fds[i] = raw_client();
		assert_int_equal(send(fds[i], "\1", 1, 0), 1);
	}
	assert_int_equal(ask_as(geteuid(), CONTROL_VERSION), RESULT_OK);
	for (int i = 0; i < CONTROL_CLIENTS_MAX - 1; i++)
		close(fds[i]);
}

static void
one_more_than_there_is_room_for_is_closed(void **state)
{
	int fds[CONTROL_CLIENTS_MAX];

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fds[i] = raw_client();
	assert_int_equal(ask_as(geteuid(), CONTROL_VERSION), RESULT_CLOSED);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	assert_int_equal(ask_as(geteuid(), CONTROL_VERSION), RESULT_OK);
}

static void
garbage_is_answered_and_closed(void **state)
{
	int fd = raw_client();
	struct control_header answer;
	pid_t child;

	assert_int_equal(send(fd, "\377\377\377\377\377\377\377\377", 8, 0), 8);
	child = fork();
	if (child == 0)
		_exit(recv(fd, &answer, sizeof(answer), 0) == sizeof(answer) &&
			    answer.result == RESULT_CORRUPT && recv(fd, &answer, 1, 0) <= 0
			? 0
			: 1);
	assert_int_equal(serve_until(child), 0);
	close(fd);
}

static void
clock_stands_without_its_option(void **state)
{
	assert_int_equal(ask_as(geteuid(), CONTROL_CLOCK), RESULT_DENIED);
	assert_int_equal(atomic_load(&master->shm->instance->clock_offset_ms), 0);
}

static void
payloads_that_make_no_sense_are_refused(void **state)
{
	assert_int_equal(ask_as(geteuid(), CONTROL_ACCOUNT), RESULT_INVALID);
	assert_int_equal(ask_as(geteuid(), CONTROL_ORDER), RESULT_INVALID);
	assert_int_equal(ask_as(geteuid(), CONTROL_TRACE), RESULT_INVALID);
}

static void
nobody_listens_is_not_found(void **state)
{
	int fd;

	assert_int_equal(control_open("/dev/shm/rookery-no-such", 1000, &fd), RESULT_NOT_FOUND);
	assert_int_equal(fd, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(owner_is_answered, set_up, tear_down),
		cmocka_unit_test(only_root_and_the_server_are_allowed),
		cmocka_unit_test_setup_teardown(stranger_is_refused_by_the_kernels_word, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(stuck_clients_hold_up_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_more_than_there_is_room_for_is_closed, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(garbage_is_answered_and_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clock_stands_without_its_option, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(payloads_that_make_no_sense_are_refused, set_up,
		    tear_down),
		cmocka_unit_test(nobody_listens_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
