/* fsck.c -- `fsck`: walks the memory and the stores, and names every rule that is broken. */
#include "shm/fsck.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "ctl/answer.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/fsck_kept.h"
#include "ctl/table.h"

#define PASSES	 5	   /* over what is in use */
#define PAUSE_NS 100000000 /* between them */

static const struct table_column columns[] = {
	{ "RULE", TABLE_LEFT },
	{ "WHERE", TABLE_LEFT },
	{ "WHAT", TABLE_LEFT },
	{ "WHAT TO DO", TABLE_LEFT },
	{ 0 },
};

struct check {
	struct ctl *ctl;
	struct fsck *fsck;
	bool is_running;
	struct store *core; /* NULL: there is none yet, or it cannot be read */
	struct store *msg;
};

/* --- the memory --- */

/* A server that was stopped has left none; one that was killed has. */
static bool
has_memory(const struct ctl *ctl)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/instance", ctl->config->runtime_dir);
	return access(path, F_OK) == 0;
}

static bool
map_memory(struct check *check)
{
	struct ctl *ctl = check->ctl;

	return ctl->shm != NULL ||
	       shm_attach(ctl->config->runtime_dir, true, &ctl->shm) == RESULT_OK;
}

static void
check_registry(struct check *check)
{
	struct ctl *ctl = check->ctl;
	int result = RESULT_OK;

	if (ctl->registry == NULL)
		result = registry_open(ctl->shm, false, true, &ctl->registry);
	if (result == RESULT_OK)
		fsck_registry(check->fsck, ctl->registry, check->core);
	else
		fsck_find(check->fsck, FSCK_REGISTRY_BROKEN, "registry", "%s",
			  result_text(result));
}

static void
check_memory(struct check *check)
{
	if (!check->is_running && !has_memory(check->ctl))
		return;
	if (!fsck_segments(check->fsck, check->ctl->config->runtime_dir) ||
	    !map_memory(check))
		return;
	fsck_memory(check->fsck, check->ctl->shm);
	check_registry(check);
}

/* --- the stores --- */

static int
open_store(struct check *check, enum store_kind kind, struct store **store)
{
	int result = store_open(check->ctl->config->data_dir, kind, false, store);

	return result == RESULT_NOT_FOUND ? RESULT_OK : result;
}

static void
check_kept(struct check *check)
{
	struct txn *msg = check->msg == NULL ? NULL : store_read(check->msg);
	struct txn *core = store_read(check->core);
	struct fsck_accounts accounts;

	fsck_accounts_read(check->fsck, check->ctl, check->core, core, &accounts);
	fsck_rosters(check->fsck, check->ctl, check->core, core, &accounts);
	if (msg != NULL) {
		fsck_messages(check->fsck, check->msg, msg, &accounts);
		txn_end(&msg);
	}
	txn_end(&core);
	fsck_accounts_free(&accounts);
}

static void
check_stores(struct check *check, int core_result, int msg_result)
{
	if (core_result != RESULT_OK)
		fsck_find(check->fsck, FSCK_STORE_BROKEN, "core", "%s",
			  result_text(core_result));
	if (msg_result != RESULT_OK)
		fsck_find(check->fsck, FSCK_STORE_BROKEN, "msg", "%s",
			  result_text(msg_result));
	if (check->core == NULL)
		return;
	fsck_stores(check->fsck, check->core, check->msg);
	check_kept(check);
}

/* --- passes --- */

static void
pass(struct check *check)
{
	int core = RESULT_OK, msg = RESULT_OK;

	if (check->core == NULL)
		core = open_store(check, STORE_CORE, &check->core);
	if (check->msg == NULL)
		msg = open_store(check, STORE_MSG, &check->msg);
	fsck_pass(check->fsck);
	check_memory(check);
	check_stores(check, core, msg);
	fsck_end(check->fsck);
}

/* What is in motion is elsewhere the next time; so the first pass that leaves nothing is the last. */
static void
run_passes(struct check *check)
{
	int passes = check->is_running ? PASSES : 1;
	const struct fsck_finding *findings;
	size_t more;

	for (int i = 0; i < passes; i++) {
		if (i > 0)
			nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
		pass(check);
		if (fsck_findings(check->fsck, &findings, &more) == 0)
			break;
	}
}

/* --- answers --- */

static json_t *
seen_json(const struct fsck_seen *seen)
{
	return json_pack("{sI sI sI sI sI sI sI sI sI}", "segments",
			 (json_int_t)seen->segments, "slots", (json_int_t)seen->slots,
			 "entries", (json_int_t)seen->entries, "blocks",
			 (json_int_t)seen->blocks, "sessions", (json_int_t)seen->sessions,
			 "accounts", (json_int_t)seen->accounts, "contacts",
			 (json_int_t)seen->contacts, "messages", (json_int_t)seen->messages,
			 "records", (json_int_t)seen->records);
}

static int
write_json(const struct check *check, const struct fsck_finding *findings, size_t count,
	   size_t more)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct fsck_row *row = &fsck_rows[findings[i].rule];

		json_array_append_new(
		    list, json_pack("{ss so so ss}", "rule", row->name, "where",
				    answer_text(slice_from_text(findings[i].where)), "what",
				    answer_text(slice_from_text(findings[i].what)), "advice",
				    row->advice));
	}
	return answer_write(json_pack("{sb so sI so}", "running", (int)check->is_running,
				      "findings", list, "more", (json_int_t)more, "seen",
				      seen_json(fsck_seen(check->fsck))));
}

static int
write_table(const struct check *check, const struct fsck_finding *findings, size_t count,
	    size_t more)
{
	const struct fsck_seen *seen = fsck_seen(check->fsck);
	struct table *table;

	if (count > 0) {
		table = table_new(columns);
		for (size_t i = 0; i < count; i++) {
			const struct fsck_row *row = &fsck_rows[findings[i].rule];

			table_add(table, slice_from_text(row->name));
			table_add(table, slice_from_text(findings[i].where));
			table_add(table, slice_from_text(findings[i].what));
			table_add(table, slice_from_text(row->advice));
		}
		table_write(table, stdout);
		table_free(&table);
	}
	printf("%zu findings in %" PRIu64 " slots, %" PRIu64 " blocks, %" PRIu64
	       " sessions, %" PRIu64 " accounts, %" PRIu64 " contacts, %" PRIu64
	       " messages%s\n",
	       count + more, seen->slots, seen->blocks, seen->sessions, seen->accounts,
	       seen->contacts, seen->messages,
	       check->is_running || has_memory(check->ctl) ? "" : "; no memory is there");
	return 0;
}

static int
answer(const struct check *check)
{
	const struct fsck_finding *findings;
	size_t more;
	size_t count = fsck_findings(check->fsck, &findings, &more);
	int status = check->ctl->arguments.json ? write_json(check, findings, count, more)
						: write_table(check, findings, count, more);

	return status != 0 ? status : count + more > 0 ? EX_DATAERR : 0;
}

/* What cannot be read is a finding here, with more to say than a line of the log. */
static void
silence_log(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		log_to_fd(fd);
}

int
fsck_run(struct ctl *ctl)
{
	struct check check = { .ctl = ctl };
	int status = ctl_open_config(ctl);

	if (status == 0)
		status = ctl_check_access(ctl);
	if (status != 0)
		return status;
	silence_log();
	check.is_running = ctl_is_running(ctl);
	check.fsck = fsck_new(check.is_running);
	run_passes(&check);
	status = answer(&check);
	fsck_free(&check.fsck);
	store_close(&check.core);
	store_close(&check.msg);
	return status;
}
