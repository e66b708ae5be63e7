/* process_sandbox_test.c -- breaking out of a worker or a store: each way is refused or fatal. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "process/landlock.h"
#include "process/privileges.h"
#include "process/sandbox.h"
#include "tests/folder.h"

#define ALL	(SANDBOX_ROOT | SANDBOX_PATHS | SANDBOX_CALLS)
#define ESCAPED 77	/* exit status of an attempt that worked */

static _Atomic uint32_t *denied;	/* shared with the children */
static pid_t outsider;			/* lives while the tests run */
static char outside[64];		/* a directory that everybody may write to */

/* --- a process inside --- */

static int
enter(enum sandbox_role role, unsigned walls, void (*start_threads)(void *owner), void *owner)
{
	struct rlimit none = { 0, 0 };
	struct identity identity;
	struct sandbox sandbox = { .role = role, .walls = walls, .denied = denied,
		.start_threads = start_threads, .owner = owner };

	setrlimit(RLIMIT_CORE, &none);
	sandbox.root_fd = sandbox_root("/tmp");
	privileges_nobody(&identity);
	privileges_drop_but_chroot(&identity);
	sandbox_enter(&sandbox);
	return 0;
}

/* What became of a child that tried it inside: its exit status, or 1000 and the signal. */
static int
outcome(enum sandbox_role role, unsigned walls, int (*attempt)(void))
{
	int status;
	pid_t child;

	atomic_store(denied, 0);
	child = fork();
	if (child == 0) {
		enter(role, walls, NULL, NULL);
		_exit(attempt());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* 0 when it failed, as it should. */
static int
worked(long result)
{
	return result >= 0 ? ESCAPED : 0;
}

/* The reports of sanitizers make calls of their own, and so do their allocators: such builds leave this wall away. */
static void
skip_with_sanitizers(void)
{
	if (SANDBOX_BUILD != 0)
		return;
	print_message("SKIPPED: built with sanitizers, which make calls of their own\n");
	skip();
}

/* --- the attempts --- */

static int
try_read_file(void)
{
	return worked(open("/etc/passwd", O_RDONLY));
}

static int
try_read_by_libc(void)
{
	return fopen("/etc/passwd", "r") != NULL ? ESCAPED : 0;
}

static int
try_write_outside(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/written", outside);
	return worked(open(path, O_WRONLY | O_CREAT, 0600));
}

static int
try_openat2(void)
{
	struct { uint64_t flags, mode, resolve; } how = { 0 };

	return worked(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof(how)));
}

static int
try_unlink(void)
{
	return worked(unlink("/tmp/no-such-file-here") == 0 || errno == ENOENT ? 0 : -1);
}

static int
try_exec(void)
{
	char name[] = "true", *arguments[] = { name, NULL };

	return worked(execv("/bin/true", arguments));
}

static int
try_exec_memory(void)
{
	return worked(syscall(SYS_execveat, STDERR_FILENO, "", NULL, NULL, AT_EMPTY_PATH));
}

static int
try_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return worked(child);
}

static int
try_clone3(void)
{
	uint64_t arguments[8] = { [4] = SIGCHLD };
	long child = syscall(SYS_clone3, arguments, sizeof(arguments));

	if (child == 0)
		_exit(0);
	return worked(child);
}

static void *
nothing(void *owner)
{
	return owner;
}

static int
try_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 ? ESCAPED : 0;
}

static int
try_socket(void)
{
	return worked(socket(AF_INET, SOCK_STREAM, 0));
}

static int
try_unix_socket(void)
{
	return worked(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int
try_connect(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(22) };

	return worked(connect(STDIN_FILENO, (struct sockaddr *)&address, sizeof(address)));
}

static int
try_bind(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	return worked(bind(STDIN_FILENO, (struct sockaddr *)&address, sizeof(address)));
}

static int
try_ptrace(void)
{
	return worked(ptrace(PTRACE_ATTACH, outsider, NULL, NULL));
}

static int
try_read_memory(void)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { &byte, 1 };

	return worked(syscall(SYS_process_vm_readv, outsider, &here, 1, &there, 1, 0));
}

static int
try_kill(void)
{
	return worked(kill(outsider, SIGKILL));
}

static int
try_kill_thread(void)
{
	return worked(syscall(SYS_tgkill, outsider, outsider, SIGKILL));
}

static int
try_mount(void)
{
	return worked(mount("none", "/tmp", "tmpfs", 0, ""));
}

static int
try_unshare(void)
{
	return worked(unshare(CLONE_NEWUSER));
}

static int
try_chroot(void)
{
	return worked(chroot("/"));
}

static int
try_setuid(void)
{
	return worked(setuid(0));
}

static int
try_map_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? 0 : ESCAPED;
}

static int
try_make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return worked(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int
try_new_handler(void)
{
	return signal(SIGSYS, SIG_IGN) == SIG_ERR ? 0 : ESCAPED;
}

static int
try_io_uring(void)
{
	char parameters[256] = { 0 };

	return worked(syscall(SYS_io_uring_setup, 1, parameters));
}

static int
try_bpf(void)
{
	return worked(syscall(SYS_bpf, 0, NULL, 0));
}

static int
try_keyrings(void)
{
	return worked(syscall(SYS_keyctl, 0, 0, 0));
}

static int
try_type_into_terminal(void)
{
	return worked(syscall(SYS_ioctl, STDIN_FILENO, 0x5412, "x"));
}

static int
try_dumpable(void)
{
	return worked(prctl(PR_SET_DUMPABLE, 1));
}

#ifdef __x86_64__
/* The tables of 32 bits have other numbers: 5 is open() there. */
static int
try_other_table(void)
{
	long fd;

	__asm__ volatile("int $0x80" : "=a"(fd) : "a"(5), "b"(0), "c"(0), "d"(0) : "memory");
	return 0;
}
#endif

enum fate { FATAL, REFUSED };

struct attempt {
	const char *name;
	int	  (*act)(void);
	enum fate   fate;
};

#define ATTEMPT(name, fate) { #name, try_##name, fate }

static const struct attempt attempts[] = {
	ATTEMPT(read_file, REFUSED), ATTEMPT(read_by_libc, REFUSED),
	ATTEMPT(write_outside, REFUSED), ATTEMPT(openat2, FATAL), ATTEMPT(unlink, FATAL),
	ATTEMPT(exec, FATAL), ATTEMPT(exec_memory, FATAL), ATTEMPT(fork, FATAL),
	ATTEMPT(clone3, FATAL), ATTEMPT(thread, FATAL), ATTEMPT(socket, FATAL),
	ATTEMPT(unix_socket, FATAL), ATTEMPT(connect, FATAL), ATTEMPT(bind, FATAL),
	ATTEMPT(ptrace, FATAL), ATTEMPT(read_memory, FATAL), ATTEMPT(kill, FATAL),
	ATTEMPT(kill_thread, FATAL), ATTEMPT(mount, FATAL), ATTEMPT(unshare, FATAL),
	ATTEMPT(chroot, FATAL), ATTEMPT(setuid, FATAL), ATTEMPT(map_code, FATAL),
	ATTEMPT(make_code, FATAL), ATTEMPT(new_handler, FATAL), ATTEMPT(io_uring, FATAL),
	ATTEMPT(bpf, FATAL), ATTEMPT(keyrings, FATAL), ATTEMPT(type_into_terminal, FATAL),
	ATTEMPT(dumpable, REFUSED),
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
each_way_out_is_refused_or_fatal(enum sandbox_role role)
{
	for (size_t i = 0; i < COUNT(attempts); i++) {
		int expected = attempts[i].fate == FATAL ? 1000 + SIGSYS : 0;
		int found = outcome(role, ALL, attempts[i].act);

		if (found != expected)
			print_error("%s: %d\n", attempts[i].name, found);
		assert_int_equal(found, expected);
		assert_true((attempts[i].fate == FATAL) == (atomic_load(denied) != 0));
	}
	assert_int_equal(kill(outsider, 0), 0);
}

static void
a_worker_cannot_get_out(void **state)
{
	skip_with_sanitizers();
	each_way_out_is_refused_or_fatal(SANDBOX_WORKER);
}

static void
a_store_cannot_get_out(void **state)
{
	skip_with_sanitizers();
	each_way_out_is_refused_or_fatal(SANDBOX_STORE);
}

#ifdef __x86_64__
static void
another_machine_s_numbers_are_fatal(void **state)
{
	skip_with_sanitizers();
	assert_int_equal(outcome(SANDBOX_WORKER, ALL, try_other_table), 1000 + SIGSYS);
}
#endif

static int
try_accept(void)
{
	return worked(accept4(STDIN_FILENO, NULL, NULL, 0));
}

static int
try_sync(void)
{
	return fdatasync(STDERR_FILENO) == 0 || errno == EINVAL || errno == EROFS ? ESCAPED : 0;
}

static void
each_role_has_its_own_list(void **state)
{
	skip_with_sanitizers();
	assert_int_equal(outcome(SANDBOX_WORKER, ALL, try_accept), 0);	/* no socket: refused by itself */
	assert_int_equal(outcome(SANDBOX_STORE, ALL, try_accept), 1000 + SIGSYS);
	assert_int_equal(outcome(SANDBOX_STORE, ALL, try_sync), ESCAPED);
	assert_int_equal(outcome(SANDBOX_WORKER, ALL, try_sync), 1000 + SIGSYS);
}

static void
the_number_of_the_call_is_told(void **state)
{
	skip_with_sanitizers();
	char name[32];

	assert_int_equal(outcome(SANDBOX_WORKER, ALL, try_socket), 1000 + SIGSYS);
	assert_int_equal(atomic_load(denied), SYS_socket + 1);
	assert_string_equal(sandbox_call_name(SYS_socket, name, sizeof(name)), "socket");
	assert_string_equal(sandbox_call_name(999999, name, sizeof(name)), "?");
}

/* --- each wall by itself --- */

static void
landlock_alone_keeps_paths_and_ports(void **state)
{
	if (landlock_version() == 0)
		skip();
	assert_int_equal(outcome(SANDBOX_WORKER, 0, try_read_file), ESCAPED);
	assert_int_equal(outcome(SANDBOX_WORKER, 0, try_write_outside), ESCAPED);
	assert_int_equal(outcome(SANDBOX_WORKER, SANDBOX_PATHS, try_read_file), 0);
	assert_int_equal(outcome(SANDBOX_WORKER, SANDBOX_PATHS, try_write_outside), 0);
	assert_int_equal(outcome(SANDBOX_WORKER, SANDBOX_PATHS, try_exec), 0);
}

static int
look_around(void)
{
	struct stat st;

	if (stat("/etc/passwd", &st) == 0 || open("/etc/passwd", O_RDONLY) >= 0)
		return 1;
	if (open("/made", O_WRONLY | O_CREAT, 0600) >= 0 || mkdir("/made", 0700) == 0)
		return 2;
	return stat("/", &st) != 0 || st.st_nlink != 0 ? 3 : 0;
}

static void
the_root_alone_is_empty_and_stays_so(void **state)
{
	if (geteuid() != 0) {
		print_message("SKIPPED: only root can change the root directory\n");
		skip();
	}
	assert_int_equal(outcome(SANDBOX_WORKER, SANDBOX_ROOT, look_around), 0);
}

static int
look_at_rights(void)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 1;
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 2;
	return chroot("/") == 0 ? 3 : 0;
}

static void
rights_are_given_up_with_and_without_walls(void **state)
{
	assert_int_equal(outcome(SANDBOX_WORKER, 0, look_at_rights), 0);
	assert_int_equal(outcome(SANDBOX_WORKER, SANDBOX_ROOT | SANDBOX_PATHS, look_at_rights), 0);
}

/* --- threads --- */

static sem_t may_try;
static int (*thread_act)(void);

static void *
act_when_told(void *owner)
{
	sem_wait(&may_try);
	_exit(thread_act());
}

static void
start_one(void *owner)
{
	pthread_t thread;

	sem_init(&may_try, 0, 0);
	pthread_create(&thread, NULL, act_when_told, NULL);
}

static int
outcome_in_thread(unsigned walls, int (*attempt)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		thread_act = attempt;
		enter(SANDBOX_WORKER, walls, start_one, NULL);
		sem_post(&may_try);
		for (;;)
			poll(NULL, 0, -1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void
threads_started_inside_are_inside(void **state)
{
	skip_with_sanitizers();
	assert_int_equal(outcome_in_thread(ALL, try_read_file), 0);
	assert_int_equal(outcome_in_thread(ALL, try_socket), 1000 + SIGSYS);
	if (landlock_version() > 0)
		assert_int_equal(outcome_in_thread(SANDBOX_PATHS, try_read_file), 0);
}

/* --- what goes on --- */

static int
live_on(void)
{
	uint8_t *grown;
	int fd = STDERR_FILENO;
	struct timespec now;

	grown = malloc(1 << 20);
	memset(grown, 1, 1 << 20);
	grown = realloc(grown, 64 << 20);
	free(grown);
	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || write(fd, "", 0) != 0)
		return 1;
	return fcntl(fd, F_GETFL) < 0 ? 2 : 0;
}

static int
fail_an_ensure(void)
{
	abort();
}

static void
what_a_process_needs_goes_on(void **state)
{
	skip_with_sanitizers();
	assert_int_equal(outcome(SANDBOX_WORKER, ALL, live_on), 0);
	assert_int_equal(outcome(SANDBOX_STORE, ALL, live_on), 0);
	assert_int_equal(outcome(SANDBOX_WORKER, ALL, fail_an_ensure), 1000 + SIGABRT);
}

static int
setup(void **state)
{
	if (!folder_make(outside, "/tmp") || chmod(outside, 0777) != 0)
		return -1;
	denied = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	outsider = fork();
	if (outsider == 0)
		for (;;)
			pause();
	return outsider > 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	char path[128];

	kill(outsider, SIGKILL);
	waitpid(outsider, NULL, 0);
	snprintf(path, sizeof(path), "%s/written", outside);
	unlink(path);
	return rmdir(outside);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_cannot_get_out),
		cmocka_unit_test(a_store_cannot_get_out),
#ifdef __x86_64__
		cmocka_unit_test(another_machine_s_numbers_are_fatal),
#endif
		cmocka_unit_test(each_role_has_its_own_list),
		cmocka_unit_test(the_number_of_the_call_is_told),
		cmocka_unit_test(landlock_alone_keeps_paths_and_ports),
		cmocka_unit_test(the_root_alone_is_empty_and_stays_so),
		cmocka_unit_test(rights_are_given_up_with_and_without_walls),
		cmocka_unit_test(threads_started_inside_are_inside),
		cmocka_unit_test(what_a_process_needs_goes_on),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
