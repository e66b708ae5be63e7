/* process_privileges_test.c -- rights are given up for good. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/result.h"
#include "process/privileges.h"

static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	print_message("SKIPPED: only root can give up rights\n");
	return false;
}

/* Exit status of a child that runs it. */
static int
in_child(int (*act)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(act());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
drop_and_try_to_return(void)
{
	struct identity nobody;
	gid_t groups[8];

	privileges_nobody(&nobody);
	privileges_drop(&nobody);
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setresuid(0, 0, 0) == 0)
		return 1;
	if (getuid() != nobody.uid || getgid() != nobody.gid || getgroups(8, groups) != 0)
		return 2;
	return open("/etc/shadow", O_RDONLY) >= 0 ? 3 : 0;
}

static void
dropped_rights_do_not_come_back(void **state)
{
	if (!is_root())
		skip();
	assert_int_equal(in_child(drop_and_try_to_return), 0);
}

static int
lend_and_make(void)
{
	char path[] = "/tmp/rookery-lent-XXXXXX";
	struct identity nobody;
	struct stat st;
	int fd;

	privileges_nobody(&nobody);
	privileges_lend(&nobody);
	fd = mkstemp(path);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_uid != nobody.uid)
		return 1;
	unlink(path);
	privileges_return(&nobody);
	return geteuid() == 0 && getegid() == 0 ? 0 : 2;
}

static void
lent_rights_make_files_of_that_user(void **state)
{
	if (!is_root())
		skip();
	assert_int_equal(in_child(lend_and_make), 0);
}

static void
unknown_users_and_root_are_refused(void **state)
{
	struct identity identity;

	if (!is_root())
		skip();
	assert_int_equal(privileges_find("no-such-user-here", "nogroup", &identity),
	    RESULT_NOT_FOUND);
	assert_int_equal(privileges_find("nobody", "no-such-group-here", &identity),
	    RESULT_NOT_FOUND);
	assert_int_equal(privileges_find("root", "root", &identity), RESULT_DENIED);
}

static int
find_without_rights(void)
{
	struct identity identity;

	if (geteuid() == 0) {
		privileges_nobody(&identity);
		privileges_drop(&identity);
	}
	if (privileges_find("no-such-user-here", "none", &identity) != RESULT_OK)
		return 1;
	return identity.uid == geteuid() && !identity.is_changed ? 0 : 2;
}

static void
others_than_root_stay_who_they_are(void **state)
{
	assert_int_equal(in_child(find_without_rights), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dropped_rights_do_not_come_back),
		cmocka_unit_test(lent_rights_make_files_of_that_user),
		cmocka_unit_test(unknown_users_and_root_are_refused),
		cmocka_unit_test(others_than_root_stay_who_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
