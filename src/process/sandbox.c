/* sandbox.c -- what a worker or a store can no longer do once everything is open. */
#include "process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "process/landlock.h"
#include "process/privileges.h"
#include "process/sandbox_calls.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1	/* of si_code: glibc 2.36 lacks it */
#endif

static _Atomic uint32_t *denied;

/* --- the last wall: system calls --- */

/*
 * The filter traps instead of killing, so that the number of the call can be told. The call itself is never made, and
 * the handler is good for once: whatever is denied next, here or in another thread, kills by the kernel's hand.
 */
static void
on_denied(int signum, siginfo_t *info, void *context)
{
	if (denied != NULL && info->si_code == SYS_SECCOMP)
		atomic_store(denied, (uint32_t)info->si_syscall + 1);
	for (;;)
		syscall(SYS_ptrace);	/* on no list: kills */
}

static void
catch_denied(void)
{
	struct sigaction action = { .sa_sigaction = on_denied,
		.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER };

	ensure(sigaction(SIGSYS, &action, NULL) == 0);
}

static int
add_call(scmp_filter_ctx filter, const struct sandbox_call *row)
{
	const struct sandbox_argument *argument = &row->argument;
	uint32_t action = row->error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)row->error);
	struct scmp_arg_cmp compare;

	if (argument->number == 0)
		return seccomp_rule_add_array(filter, action, row->call, 0, NULL);
	compare = SCMP_CMP64(argument->number - 1, SCMP_CMP_MASKED_EQ, argument->mask,
	    argument->value == SANDBOX_SELF ? (uint64_t)getpid() : argument->value);
	return seccomp_rule_add_array(filter, action, row->call, 1, &compare);
}

static bool
close_calls(enum sandbox_role role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	size_t count;
	const struct sandbox_call *rows = sandbox_calls(&count);
	int rc;

	ensure(filter != NULL);
	/* Calls of other machines (32 bits on 64) are not looked at. */
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0)
		log_warn(LOG_MASTER, "sandbox without seccomp in threads",
		    "reason=\"seccomp(2) is not allowed\"");
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < count; i++)
		if ((rows[i].roles & role) != 0)
			ensure(add_call(filter, &rows[i]) == 0);
	rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc == 0;
}

void
sandbox_enter(const struct sandbox *sandbox)
{
	if ((sandbox->walls & SANDBOX_ROOT) != 0 && sandbox->root_fd >= 0 &&
	    !privileges_chroot(sandbox->root_fd))
		log_warn(LOG_MASTER, "sandbox keeps the root directory", "reason=\"%s\"",
		    strerror(errno));
	privileges_give_up();
	if (sandbox->root_fd >= 0)
		close(sandbox->root_fd);
	ensure(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	ensure(prctl(PR_SET_DUMPABLE, 0) == 0);
	if ((sandbox->walls & SANDBOX_PATHS) != 0)
		landlock_enter();
	if (sandbox->start_threads != NULL)
		sandbox->start_threads(sandbox->owner);
	if ((sandbox->walls & SANDBOX_CALLS) != 0) {
		denied = sandbox->denied;
		catch_denied();
		if (!close_calls(sandbox->role))
			signal(SIGSYS, SIG_DFL);
	}
}

/* --- the master's part --- */

int
sandbox_root(const char *directory)
{
	char path[600];
	struct stat st;
	int fd;

	if (geteuid() != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/empty.XXXXXX", directory);
	if (mkdtemp(path) == NULL) {
		log_warn(LOG_MASTER, "no empty directory for the sandbox", "path=%s reason=\"%s\"",
		    path, strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rmdir(path);
	if (fd >= 0 && fchmod(fd, 0555) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 0 &&
	    st.st_uid == 0)
		return fd;
	log_warn(LOG_MASTER, "no empty directory for the sandbox", "path=%s", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Loading a filter that is not one fails in two ways: with EFAULT where filters are known at all. */
static bool
kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == -1 && errno == EFAULT;
}

void
sandbox_tell(bool is_on, bool has_root)
{
	if (!is_on) {
		log_warn(LOG_MASTER, "sandbox is off", "option=sandbox");
		return;
	}
	if (SANDBOX_BUILD == 0) {
		log_warn(LOG_MASTER, "sandbox is off",
		    "reason=\"built with sanitizers, which read /proc and start a symbolizer\"");
		return;
	}
	if (!has_root)
		log_info(LOG_MASTER, "sandbox keeps the root directory",
		    "reason=\"only root can change it\"");
	if (landlock_version() == 0)
		log_warn(LOG_MASTER, "sandbox without Landlock", "reason=\"%s\"",
		    errno == EPERM ? "it is not allowed" : "not in this kernel");
	if (!kernel_has_filters())
		log_warn(LOG_MASTER, "sandbox without seccomp", "reason=\"not in this kernel\"");
}

const char *
sandbox_call_name(uint32_t call, char *out, unsigned size)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)call);

	snprintf(out, size, "%s", name == NULL ? "?" : name);
	free(name);
	return out;
}
