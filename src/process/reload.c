/* reload.c -- a new configuration while the server runs: read by a child, then told to the workers. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "process/control.h"
#include "process/heartbeat.h"
#include "process/master.h"
#include "process/notify.h"
#include "process/talk.h"
#include "shm/shm.h"

#define APPLY_MS 5000

static void
on_change(void *owner, const struct config_change *change)
{
	struct buffer *lines = owner;

	buffer_printf(lines, "%s%s%s: %s\n", change->host != NULL ? change->host : "",
	    change->host != NULL ? ": " : "", change->option, change->text);
	log_info(LOG_CONFIG, change->is_applied ? "option changes" : "option needs a restart",
	    "option=%s host=%s text=\"%s\"", change->option,
	    change->host != NULL ? change->host : "", change->text);
}

static size_t
size_of(enum option_type type)
{
	switch (type) {
	case OPTION_BOOL:
		return sizeof(bool);
	case OPTION_NUMBER:
	case OPTION_DURATION:
	case OPTION_BYTES:
		return sizeof(int64_t);
	case OPTION_TEXT:
	case OPTION_PATH:
		return sizeof(const char *);
	case OPTION_CHOICE:
		return sizeof(int);
	case OPTION_LIST:
		return sizeof(struct option_list);
	}
	return 0;
}

/*
 * Options of a restart keep their values, so that a replacement is seated in the directories of its
 * predecessor. The texts stay old's: new is good for image_seal() alone.
 */
static void
keep_restart_options(struct config *new, const struct config *old)
{
	size_t count;
	const struct option_row *rows = config_options(&count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].scope == OPTION_SERVER && rows[i].reload == OPTION_RESTART)
			memcpy((char *)new + rows[i].offset, (const char *)old + rows[i].offset,
			    size_of(rows[i].type));
}

static void
finish(struct master *master, int result)
{
	char status[64];

	master->is_applying = false;
	snprintf(status, sizeof(status), "configuration %llu",
	    (unsigned long long)master->config->serial);
	notify_ready(status);
	control_reloaded(master->control, result, buffer_slice(&master->image.lines));
	image_clear(&master->image);
	if (!master->reload_again)
		return;
	master->reload_again = false;
	reload_start(master);
}

/* Every line of a bad file, for the log; the reply of rookeryctl has the same. */
static void
refuse(struct master *master, int result)
{
	struct slice rest = buffer_slice(&master->image.lines);

	log_error(LOG_CONFIG, "reload refused, nothing has changed", "file=%s reason=\"%s\"",
	    master->arguments->file,
	    result == RESULT_INVALID ? "there are mistakes in it" : result_text(result));
	while (rest.length > 0) {
		size_t end = slice_find(rest, '\n');

		log_error(LOG_CONFIG, "mistake", SLICE_FMT, (int)end, rest.data);
		rest = slice_after(rest, end < rest.length ? end + 1 : end);
	}
	finish(master, result);
}

static void
apply(struct master *master)
{
	struct config *new = NULL;
	int fd;

	config_diff(master->config, master->image.config, on_change, &master->image.lines);
	keep_restart_options(master->image.config, master->config);
	fd = image_seal(master->image.config);
	if (fd >= 0)
		new = config_load(fd);
	if (new == NULL) {
		if (fd >= 0)
			close(fd);
		refuse(master, RESULT_FAILED);
		return;
	}
	close(master->inheritance.image_fd);
	master->inheritance.image_fd = fd;
	config_free(&master->image.config);
	config_free(&master->config);
	master->config = new;
	master->inheritance.config = new;
	log_set_level((enum log_level)new->log_level);
	atomic_store(&master->shm->instance->config_serial, new->serial);
	master->is_applying = true;
	master->apply_due_ms = heartbeat_now_ms() + APPLY_MS;
	supervise_tell(&master->supervisor, PROCESS_WORKER, TALK_IMAGE, fd);
	log_info(LOG_CONFIG, "reloaded", "serial=%llu", (unsigned long long)new->serial);
	reload_on_applied(master);
}

static void
on_image(void *owner, int fd)
{
	struct master *master = owner;
	int rc = image_turn(&master->image);

	if (rc == RESULT_AGAIN)
		return;
	if (rc == RESULT_OK)
		apply(master);
	else
		refuse(master, rc);
}

void
reload_start(struct master *master)
{
	struct image_options options = { .path = master->arguments->file,
		.serial = master->config->serial + 1,
		.test_clock = master->arguments->test_clock };
	int rc;

	if (master->state != MASTER_READY) {
		log_warn(LOG_MASTER, "no reload while the server starts or stops", "");
		control_reloaded(master->control, RESULT_DENIED, SLICE_EMPTY);
		return;
	}
	if (master->upgrade.stage != UPGRADE_NONE && master->upgrade.stage < UPGRADE_DRAIN) {
		log_warn(LOG_MASTER, "no reload while a new binary starts", "");
		control_reloaded(master->control, RESULT_DENIED, SLICE_EMPTY);
		return;
	}
	if (master->image.socket >= 0 || master->is_applying) {
		master->reload_again = true;
		return;
	}
	notify_reloading();
	rc = image_start(&master->image, &options);
	if (rc != RESULT_OK)
		refuse(master, rc);
}

void
reload_watch(struct master *master)
{
	if (master->image.socket >= 0)
		poll_set_add(&master->poll_set, master->image.socket, POLLIN, on_image, master);
	if (master->is_applying)
		poll_set_due(&master->poll_set, master->apply_due_ms);
}

void
reload_turn(struct master *master)
{
	if (!master->is_applying || heartbeat_now_ms() < master->apply_due_ms)
		return;
	log_warn(LOG_CONFIG, "some workers have not applied the new configuration yet",
	    "workers=%u", supervise_pending(&master->supervisor));
	finish(master, RESULT_TIMEOUT);
}

void
reload_on_applied(void *owner)
{
	struct master *master = owner;

	if (master->is_applying && supervise_pending(&master->supervisor) == 0)
		finish(master, RESULT_OK);
}
