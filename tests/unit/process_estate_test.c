/* process_estate_test.c -- what one binary hands to another, and what it must be for that. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/compatible.h"
#include "process/estate.h"

static struct estate estate;

/* In a child: reading closes every descriptor that is not in it. 0: it was read, and `check` holds. */
static int
read_in_child(int fd, bool (*check)(const struct estate *read))
{
	static struct estate found;
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(!estate_read(fd, &found) ? 1 : check != NULL && !check(&found) ? 2 : 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
is_the_same(const struct estate *read)
{
	const struct estate_process *process = &read->process[1];

	return read->kind == ESTATE_BACK && strcmp(read->program, "/a b/rookeryd") == 0 &&
	    strcmp(read->reason, "it did not come up (status 3)") == 0 &&
	    read->config_serial == 17 && read->guardian == 4711 && read->wake_fd[5] == STDIN_FILENO &&
	    read->wake_fd[4] == -1 && read->listeners.count == 1 && read->listeners.workers == 2 &&
	    read->listeners.all[0].worker == LISTENING_SHARED && read->listeners.all[0].direct_tls &&
	    read->processes == 2 && process->number == 3 && process->role == SEAT_ORPHAN &&
	    process->is_asked && process->pid == 0 && process->pidfd == -1 &&
	    process->started_ms == UINT64_C(1) << 40 && read->clients == 1;
}

static void
what_is_written_is_read(void **state)
{
	struct listening one = { .fd = STDIN_FILENO, .worker = LISTENING_SHARED, .direct_tls = true };
	int fd;

	estate = (struct estate){ .kind = ESTATE_BACK,
		.program = "/a b/rookeryd",
		.version = "1",
		.reason = "it did not come up (status 3)",
		.config_serial = 17,
		.guardian = 4711,
		.listeners = { &one, 1, 2 },
		.process = { { .number = 0, .pid = 1, .pidfd = 0, .socket = 0, .role = SEAT_SERVING },
		    { .number = 3,
			.pidfd = -1,
			.socket = -1,
			.role = SEAT_ORPHAN,
			.is_asked = true,
			.started_ms = UINT64_C(1) << 40 } },
		.processes = 2,
		.clients = 1 };
	memset(estate.wake_fd, -1, sizeof(estate.wake_fd));
	memset(estate.answer_fd, -1, sizeof(estate.answer_fd));
	estate.wake_fd[5] = STDIN_FILENO;
	fd = estate_write(&estate);
	assert_true(fd >= 0);
	assert_int_equal(read_in_child(fd, is_the_same), 0);
	estate_stay(&estate, fd);
}

static int
memory_of(const char *text)
{
	int fd = memfd_create("estate", MFD_ALLOW_SEALING);

	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/* A memfd that is not sealed might be another's, who changes it. */
static void
what_is_no_estate_is_refused(void **state)
{
	static const char *const texts[] = { "", "handover 1 1\n", "estate 1 1\n", "nonsense", "x y\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = memory_of(texts[i]);

		assert_int_equal(read_in_child(fd, NULL), 1);
		close(fd);
	}
	assert_int_equal(read_in_child(-1, NULL), 1);
}

static void
binaries_that_differ_are_told_apart(void **state)
{
	const struct slice ours = SLICE("layout slot 512\noption workers 2\n");
	char why[200] = "";

	assert_true(compatible_compare(ours, ours, why, sizeof(why)));
	assert_false(compatible_compare(ours, SLICE("layout slot 1024\noption workers 2\n"), why,
	    sizeof(why)));
	assert_string_equal(why, "\"layout slot 512\" runs, and the new binary has \"layout slot 1024\"");
	assert_false(compatible_compare(ours, SLICE("layout slot 512\n"), why, sizeof(why)));
	assert_string_equal(why, "\"option workers 2\" runs, and the new binary has \"\"");
	assert_false(compatible_compare(ours,
	    SLICE("layout slot 512\noption workers 2\nlayout more 1\n"), why, sizeof(why)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_no_estate_is_refused),
		cmocka_unit_test(binaries_that_differ_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
