/* ctl.c -- what the commands share: configuration, memory of the server, and how to fail. */
#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "ctl/command.h"
#include "ctl/print.h"
#include "process/directories.h"
#include "process/privileges.h"
#include "shm/registry.h"
#include "shm/store.h"
#include "xmpp/jid_prepare.h"

#define CONFIG_MAX (1u << 20)

int
ctl_fail(int status, const char *format, ...)
{
	struct buffer text, safe;
	va_list arguments;

	buffer_init(&text);
	buffer_init(&safe);
	va_start(arguments, format);
	{
		char *room = buffer_reserve(&text, 4096);
		int length = vsnprintf(room, 4096, format, arguments);

		buffer_add(&text, length < 0 ? 0 : length > 4095 ? 4095 : (size_t)length);
	}
	va_end(arguments);
	print_safe(&safe, buffer_slice(&text));
	fflush(stdout);
	fprintf(stderr, "rookeryctl: " SLICE_FMT "\n", SLICE_ARG(buffer_slice(&safe)));
	buffer_clear(&text);
	buffer_clear(&safe);
	return status;
}

/* --- configuration --- */

static int
read_file(const char *path, struct buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int status = 0;

	if (fd < 0)
		return ctl_fail(errno == EACCES ? EX_NOPERM : EX_NOINPUT, "%s: %s", path,
				strerror(errno));
	for (;;) {
		ssize_t count = read(fd, buffer_reserve(out, 65536), 65536);

		if (count == 0)
			break;
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			status = ctl_fail(EX_NOINPUT, "%s: %s", path, strerror(errno));
		else
			buffer_add(out, (size_t)count);
		if (buffer_length(out) > CONFIG_MAX)
			status = ctl_fail(EX_CONFIG, "%s: longer than 1 MiB", path);
		if (status != 0)
			break;
	}
	close(fd);
	return status;
}

static bool
prepare_domain(struct slice text, char *out, size_t size)
{
	struct arena arena;
	struct slice prepared;
	bool is_domain;

	arena_init(&arena);
	is_domain = jid_prepare_domain(&arena, text, &prepared) && prepared.length < size;
	if (is_domain) {
		memcpy(out, prepared.data, prepared.length);
		out[prepared.length] = '\0';
	}
	arena_clear(&arena);
	return is_domain;
}

static void
on_mistake(void *owner, const struct config_mistake *mistake)
{
	char line[16] = "";

	(void)owner;
	if (mistake->line > 0)
		snprintf(line, sizeof(line), ":%u", mistake->line);
	ctl_fail(0, "%s%s: %s%s%s", mistake->file, line,
		 mistake->option != NULL ? mistake->option : "",
		 mistake->option != NULL ? ": " : "", mistake->text);
}

/* What we make must be the server's, and its memory is closed to everybody else. */
static int
become_server_user(const struct config *config, unsigned options)
{
	struct identity identity;

	if (privileges_find(config->user, config->group, &identity) != RESULT_OK)
		return ctl_fail(EX_OSERR, "cannot act as the user \"%s\" of the server",
				config->user);
	if ((options & COMMAND_DATA) != 0 && identity.is_changed &&
	    directories_make(config->data_dir, &identity) != RESULT_OK)
		return ctl_fail(EX_CANTCREAT, "cannot use the data directory %s",
				config->data_dir);
	privileges_drop(&identity);
	return 0;
}

int
ctl_open_config(struct ctl *ctl)
{
	struct buffer text;
	unsigned options = ctl->arguments.command->options;
	int status;

	buffer_init(&text);
	status = read_file(ctl->arguments.config_path, &text);
	if (status == 0) {
		ctl->config =
		    config_parse(buffer_slice(&text), ctl->arguments.config_path,
				 prepare_domain, on_mistake, NULL);
		if (ctl->config == NULL)
			status = EX_CONFIG;
		else
			store_set_map_size((uint64_t)ctl->config->map_size);
	}
	buffer_clear(&text);
	if (status == 0 && (options & COMMAND_ROOT) == 0)
		status = become_server_user(ctl->config, options);
	return status;
}

/* --- the running server --- */

bool
ctl_is_running(const struct ctl *ctl)
{
	int fd = open(ctl->config->runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_locked;

	if (fd < 0)
		return false;
	is_locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return is_locked;
}

int
ctl_check_access(const struct ctl *ctl)
{
	const char *runtime_dir = ctl->config->runtime_dir;

	if (access(runtime_dir, R_OK | X_OK) == 0 || errno != EACCES)
		return 0;
	return ctl_fail(EX_NOPERM, "%s: only the server's user and root may look into it",
			runtime_dir);
}

static int
not_running(const struct ctl *ctl)
{
	return ctl_fail(EX_UNAVAILABLE, "the server does not run (%s)",
			ctl->config->runtime_dir);
}

static int
cannot_read(const struct ctl *ctl, int result)
{
	return ctl_fail(ctl_status(result),
			"cannot read the memory of the server in %s: %s",
			ctl->config->runtime_dir, result_text(result));
}

int
ctl_attach(struct ctl *ctl)
{
	const char *runtime_dir = ctl->config->runtime_dir;
	int status = ctl_check_access(ctl);
	int result;

	if (status != 0)
		return status;
	if (!ctl_is_running(ctl))
		return not_running(ctl);
	result = shm_attach(runtime_dir, true, &ctl->shm);
	if (result == RESULT_OK) {
		clock_share(&ctl->shm->instance->clock_offset_ms);
		result = registry_open(ctl->shm, false, true, &ctl->registry);
	}
	return result == RESULT_OK ? 0 : cannot_read(ctl, result);
}

void
ctl_close(struct ctl *ctl)
{
	clock_share(NULL);
	registry_close(&ctl->registry);
	shm_detach(&ctl->shm);
	config_free(&ctl->config);
	arena_clear(&ctl->arena);
}

/* --- small things --- */

int
ctl_parse_jid(struct ctl *ctl, struct jid *jid)
{
	const char *text = ctl->arguments.operand;

	if (jid_parse(&ctl->arena, slice_from_text(text), jid))
		return 0;
	return ctl_fail(EX_DATAERR, "\"%s\" is no address of XMPP", text);
}

static void
on_alarm(int number)
{
	static const char text[] = "rookeryctl: no answer in time\n";

	(void)number;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EX_IOERR);
	_exit(EX_TEMPFAIL);
}

void
ctl_bound(unsigned seconds)
{
	signal(SIGALRM, on_alarm);
	alarm(seconds);
}

int
ctl_status(int result)
{
	switch (result) {
	case RESULT_OK:
		return 0;
	case RESULT_NOT_FOUND:
	case RESULT_CLOSED:
		return EX_UNAVAILABLE;
	case RESULT_EXISTS:
	case RESULT_INVALID:
	case RESULT_CORRUPT:
		return EX_DATAERR;
	case RESULT_FULL:
		return EX_CANTCREAT;
	case RESULT_CONFLICT:
	case RESULT_AGAIN:
	case RESULT_TIMEOUT:
		return EX_TEMPFAIL;
	case RESULT_LAYOUT:
		return EX_SOFTWARE;
	case RESULT_DENIED:
		return EX_NOPERM;
	default:
		return EX_OSERR;
	}
}
