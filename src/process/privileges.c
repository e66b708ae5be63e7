/* privileges.c -- who we are, and who our children are to be. */
#include "process/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"

#define NOBODY 65534

static void
ourselves(struct identity *identity)
{
	*identity = (struct identity){ .uid = geteuid(), .gid = getegid() };
}

int
privileges_find(const char *user, const char *group, struct identity *identity)
{
	const struct passwd *account;
	const struct group *members;

	ourselves(identity);
	if (geteuid() != 0)
		return RESULT_OK;
	account = getpwnam(user);
	if (account == NULL) {
		log_error(LOG_MASTER, "no such user",
		    "user=%s hint=\"adduser --system --group %s, or set the option user\"", user,
		    user);
		return RESULT_NOT_FOUND;
	}
	identity->uid = account->pw_uid;
	members = getgrnam(group);
	if (members == NULL) {
		log_error(LOG_MASTER, "no such group",
		    "group=%s hint=\"addgroup --system %s, or set the option group\"", group,
		    group);
		return RESULT_NOT_FOUND;
	}
	identity->gid = members->gr_gid;
	if (identity->uid == 0 || identity->gid == 0) {
		log_error(LOG_MASTER, "workers do not run as root", "user=%s group=%s", user,
		    group);
		return RESULT_DENIED;
	}
	identity->is_changed = true;
	return RESULT_OK;
}

void
privileges_nobody(struct identity *identity)
{
	const struct passwd *account;

	ourselves(identity);
	if (geteuid() != 0)
		return;
	account = getpwnam("nobody");
	identity->uid = account != NULL && account->pw_uid != 0 ? account->pw_uid : NOBODY;
	identity->gid = account != NULL && account->pw_gid != 0 ? account->pw_gid : NOBODY;
	identity->is_changed = true;
}

/* glibc leaves capset(2) to libcap, which is not worth a library. */
static bool
set_capabilities(uint32_t permitted, uint32_t effective)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .permitted = permitted, .effective = effective }
	};

	return syscall(SYS_capset, &header, data) == 0;
}

#define CHROOT (1u << CAP_SYS_CHROOT)

void
privileges_drop_but_chroot(const struct identity *identity)
{
	if (!identity->is_changed)
		return;
	ensure(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	privileges_drop(identity);
	/* A container may not have it. */
	if (!set_capabilities(CHROOT, 0))
		privileges_give_up();
	ensure(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0);
}

void
privileges_give_up(void)
{
	ensure(set_capabilities(0, 0));
}

bool
privileges_chroot(int directory_fd)
{
	return set_capabilities(CHROOT, CHROOT) && fchdir(directory_fd) == 0 &&
	    chroot(".") == 0 && chdir("/") == 0;
}

void
privileges_drop(const struct identity *identity)
{
	if (!identity->is_changed)
		return;
	ensure(setgroups(0, NULL) == 0);
	ensure(setresgid(identity->gid, identity->gid, identity->gid) == 0);
	ensure(setresuid(identity->uid, identity->uid, identity->uid) == 0);
	ensure(setuid(0) != 0 && errno == EPERM);
	ensure(getuid() == identity->uid && geteuid() == identity->uid);
	ensure(getgid() == identity->gid && getegid() == identity->gid);
}

void
privileges_lend(const struct identity *identity)
{
	if (!identity->is_changed)
		return;
	ensure(setegid(identity->gid) == 0);
	ensure(seteuid(identity->uid) == 0);
}

void
privileges_return(const struct identity *identity)
{
	if (!identity->is_changed)
		return;
	ensure(seteuid(0) == 0);
	ensure(setegid(0) == 0);
}
