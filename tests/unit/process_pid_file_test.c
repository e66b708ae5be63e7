/* process_pid_file_test.c -- one master at a time. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/result.h"
#include "process/pid_file.h"
#include "tests/folder.h"

static char directory[64];
static char path[96];

static int
set_up(void **state)
{
	if (!folder_make(directory, "/tmp"))
		return -1;
	snprintf(path, sizeof(path), "%s/pid", directory);
	return 0;
}

static int
tear_down(void **state)
{
	unlink(path);
	return rmdir(directory);
}

static int
number_in_file(void)
{
	FILE *file = fopen(path, "r");
	int number = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &number), 1);
	fclose(file);
	return number;
}

/* What another process gets; in *holder the number it was told. */
static int
other_result(pid_t *holder)
{
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		pid_t found;
		int fd, rc = pid_file_write(path, 0, &fd, &found);

		if (write(ends[1], &found, sizeof(found)) != sizeof(found))
			_exit(1);
		_exit(-rc);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(read(ends[0], holder, sizeof(*holder)), sizeof(*holder));
	close(ends[0]);
	close(ends[1]);
	return -WEXITSTATUS(status);
}

static void
has_our_number_and_goes(void **state)
{
	pid_t holder;
	int fd;

	assert_int_equal(pid_file_write(path, 0, &fd, &holder), RESULT_OK);
	/* Closing a second descriptor of it would give the lock up: so it is read last of all. */
	assert_int_equal(number_in_file(), getpid());
	pid_file_remove(path, &fd);
	assert_int_equal(fd, -1);
	assert_int_equal(access(path, F_OK), -1);
}

static void
second_is_refused_with_the_number_of_the_first(void **state)
{
	pid_t holder = 0;
	int fd;

	assert_int_equal(pid_file_write(path, 0, &fd, &holder), RESULT_OK);
	assert_int_equal(other_result(&holder), RESULT_EXISTS);
	assert_int_equal(holder, getpid());
	pid_file_remove(path, &fd);
	assert_int_equal(other_result(&holder), RESULT_OK);
}

static void
file_of_the_dead_is_taken_over(void **state)
{
	FILE *file = fopen(path, "w");
	pid_t holder;
	int fd;

	assert_non_null(file);
	fputs("1234567890\n", file);
	fclose(file);
	assert_int_equal(pid_file_write(path, 0, &fd, &holder), RESULT_OK);
	assert_int_equal(number_in_file(), getpid());
	pid_file_remove(path, &fd);
}

static void
link_is_not_followed(void **state)
{
	pid_t holder;
	int fd;

	assert_int_equal(symlink("/tmp/rookery-nowhere", path), 0);
	assert_int_equal(pid_file_write(path, 0, &fd, &holder), RESULT_FAILED);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(fd, -1);
}

static void
file_of_another_stays(void **state)
{
	pid_t holder;
	int fd, other;

	assert_int_equal(pid_file_write(path, 0, &fd, &holder), RESULT_OK);
	unlink(path);
	other = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(other >= 0);
	close(other);
	pid_file_remove(path, &fd);
	assert_int_equal(access(path, F_OK), 0);
}

static void
a_guardian_stands_in_the_second_line(void **state)
{
	char text[40] = "", wanted[40];
	pid_t holder;
	FILE *file;
	int fd;

	assert_int_equal(pid_file_write(path, 4711, &fd, &holder), RESULT_OK);
	snprintf(wanted, sizeof(wanted), "%d\n4711\n", (int)getpid());
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_string_equal(text, wanted);
	pid_file_remove(path, &fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(has_our_number_and_goes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(second_is_refused_with_the_number_of_the_first,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(file_of_the_dead_is_taken_over, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(link_is_not_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(file_of_another_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_guardian_stands_in_the_second_line, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
