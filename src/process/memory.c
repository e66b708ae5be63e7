/* memory.c -- the shared memory at the master's start: taken over from the server before, or made anew. */
#include "process/memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "process/privileges.h"
#include "process/signals.h"
#include "shm/aside.h"
#include "shm/fsck.h"
#include "shm/registry.h"
#include "shm/shm.h"
#include "shm/slots.h"
#include "shm/store.h"

#define PROBE_MS 30000

/* --- what is in it, which the master itself does not look at --- */

static bool
has_registry(const char *runtime_dir, char *path, size_t size)
{
	struct stat st;

	snprintf(path, size, "%s/registry", runtime_dir);
	return lstat(path, &st) == 0;
}

enum { PROBE_GOOD, PROBE_REGISTRY, PROBE_RULE };

/* Every rule that none of the new processes would mend; the log has the first that is broken. */
static bool
is_memory_whole(struct shm *shm)
{
	struct fsck *fsck = fsck_new(false);
	const struct fsck_finding *finding;
	bool is_whole;

	fsck_pass(fsck);
	fsck_memory(fsck, shm);
	fsck_end(fsck);
	finding = fsck_hopeless(fsck);
	is_whole = finding == NULL;
	if (!is_whole)
		log_error(LOG_SHM, "memory breaks a rule", "rule=%s where=\"%s\" what=\"%s\"",
		    fsck_rows[finding->rule].name, finding->where, finding->what);
	fsck_free(&fsck);
	return is_whole;
}

static bool
is_registry_whole(struct shm *shm)
{
	struct registry *registry;
	char path[600];
	int rc;

	/* Nobody has got so far as to make one. */
	if (!has_registry(shm->directory, path, sizeof(path)))
		return true;
	rc = registry_open(shm, false, false, &registry);
	if (rc == RESULT_OK)
		rc = registry_check(registry);
	if (rc == RESULT_OK)
		registry_close(&registry);
	return rc == RESULT_OK;
}

/* In a child: damage that nobody checks for may kill it. */
_Noreturn static void
probe(struct shm *shm, const struct identity *identity)
{
	struct rlimit none = { 0, 0 };

	privileges_return(identity);
	privileges_drop(identity);
	signals_leave();
	setrlimit(RLIMIT_CORE, &none);
	if (!is_memory_whole(shm))
		_exit(PROBE_RULE);
	_exit(is_registry_whole(shm) ? PROBE_GOOD : PROBE_REGISTRY);
}

/* NULL: nothing is. */
static const char *
what_is_wrong(struct shm *shm, const struct identity *identity)
{
	int status = 0, pidfd;
	pid_t pid = fork();

	if (pid == 0)
		probe(shm, identity);
	if (pid < 0)
		return "nobody could look at it";
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, PROBE_MS) != 1)
		kill(pid, SIGKILL);
	if (pidfd >= 0)
		close(pidfd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		return "whoever looked at it and at the registry died";
	if (WEXITSTATUS(status) == PROBE_GOOD)
		return NULL;
	return WEXITSTATUS(status) == PROBE_RULE ? "it breaks its own rules"
						 : "the registry is damaged";
}

/* --- what is there --- */

struct found {
	struct shm *shm;	/* NULL: it cannot be attached */
	uint64_t    sessions;
	uint32_t    waiting;	/* requests that no store has applied */
	char	    why[160];	/* it cannot be taken over; empty: it can */
};

static void
note_difference(struct found *found, const struct shm_options *options)
{
	uint64_t from, to;
	const char *option = shm_differs(found->shm, options, &from, &to);

	if (option == NULL)
		return;
	if (strcmp(option, "workers") == 0) {	/* each has two numbers */
		from /= 2;
		to /= 2;
	}
	if (strcmp(option, "arena_bytes") != 0)
		snprintf(found->why, sizeof(found->why), "%s changed from %llu to %llu", option,
		    (unsigned long long)from, (unsigned long long)to);
	else
		snprintf(found->why, sizeof(found->why), "%s changed from %llu to %llu KiB",
		    option, (unsigned long long)from >> 10, (unsigned long long)to >> 10);
}

static void
look(struct found *found, const struct shm_options *options, const struct identity *identity,
    bool is_fresh)
{
	int rc = aside_segments(options->runtime_dir);
	const char *wrong;

	if (rc > 0)
		rc = RESULT_LAYOUT;
	if (rc == RESULT_OK)
		rc = shm_attach(options->runtime_dir, false, &found->shm);
	if (rc == RESULT_OK)
		rc = store_rings_waiting(found->shm, &found->waiting);
	if (rc != RESULT_OK) {
		snprintf(found->why, sizeof(found->why), "some of it cannot be used: %s",
		    result_text(rc));
		shm_detach(&found->shm);
		return;
	}
	found->sessions = slot_count(found->shm);
	note_difference(found, options);
	if (is_fresh)
		snprintf(found->why, sizeof(found->why), "--fresh");
	else if (found->why[0] == '\0' && (wrong = what_is_wrong(found->shm, identity)) != NULL)
		snprintf(found->why, sizeof(found->why), "%s", wrong);
}

/* --- out of the way --- */

static void
remove_registry(const char *runtime_dir)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "layout", "open.lock" };
	char directory[600], path[640];

	if (!has_registry(runtime_dir, directory, sizeof(directory)))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	if (rmdir(directory) != 0)
		log_warn(LOG_MASTER, "cannot remove the old registry", "path=%s reason=\"%s\"",
		    directory, strerror(errno));
}

static int
remove_all(const char *runtime_dir)
{
	int rc = shm_remove(runtime_dir);

	if (rc == RESULT_OK)
		remove_registry(runtime_dir);
	return rc;
}

/*
 * shm_remove() refuses while a process has the number of the old master. We hold the lock of
 * the directory, so whoever has that number now is a stranger who came later.
 */
static void
forget_master(struct shm *shm)
{
	atomic_store(&shm_page(shm, shm_master_number(shm))->pid, 0);
}

static int
put_away(struct found *found, const char *runtime_dir)
{
	bool is_empty = found->shm != NULL && found->sessions == 0 && found->waiting == 0;

	if (found->shm != NULL)
		forget_master(found->shm);
	if (found->shm == NULL)
		log_warn(LOG_MASTER, "sessions were not kept", "reason=\"%s\"", found->why);
	else if (is_empty)
		log_info(LOG_MASTER, "new memory, and nothing was lost", "reason=\"%s\"",
		    found->why);
	else
		log_warn(LOG_MASTER, "sessions were not kept",
		    "reason=\"%s\" sessions=%llu requests=%u", found->why,
		    (unsigned long long)found->sessions, found->waiting);
	shm_detach(&found->shm);
	return is_empty ? remove_all(runtime_dir) : aside_all(runtime_dir, found->why);
}

/* --- */

static int
make(const struct shm_options *options, struct shm **shm)
{
	int rc = shm_create(options, shm);

	if (rc != RESULT_OK)
		return rc;
	rc = store_rings_create(*shm);
	if (rc == RESULT_OK)
		return rc;
	shm_detach(shm);
	shm_remove(options->runtime_dir);
	return rc;
}

static int
open_as_user(const struct shm_options *options, const struct identity *identity, bool is_fresh,
    struct shm **shm, bool *taken)
{
	struct found found = { 0 };
	int rc = RESULT_OK;

	if (!shm_is_there(options->runtime_dir)) {
		remove_registry(options->runtime_dir);
	} else if (shm_is_of_earlier_boot(options->runtime_dir)) {
		log_info(LOG_MASTER, "memory of an earlier boot removed", "path=%s",
		    options->runtime_dir);
		rc = remove_all(options->runtime_dir);
	} else {
		look(&found, options, identity, is_fresh);
		if (found.why[0] == '\0') {
			*taken = true;
			*shm = found.shm;
			shm_take_over(*shm);
			return RESULT_OK;
		}
		rc = put_away(&found, options->runtime_dir);
	}
	return rc == RESULT_OK ? make(options, shm) : rc;
}

int
memory_open(const struct shm_options *options, const struct identity *identity, bool is_fresh,
    struct shm **shm, bool *taken)
{
	int rc;

	*taken = false;
	privileges_lend(identity);
	rc = open_as_user(options, identity, is_fresh, shm, taken);
	privileges_return(identity);
	if (rc != RESULT_OK)
		log_error(LOG_MASTER, "cannot make the shared memory", "path=%s reason=\"%s\"",
		    options->runtime_dir, result_text(rc));
	else if (*taken)
		log_info(LOG_MASTER, "memory taken over", "instance=%016llx sessions=%llu",
		    (unsigned long long)(*shm)->instance->header.instance,
		    (unsigned long long)slot_count(*shm));
	return rc;
}
