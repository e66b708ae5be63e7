/* image_child.c -- the child that reads a configuration: parses, checks certificates, makes the image. */
#include "process/image_child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "net/tls_context.h"
#include "process/descriptors.h"
#include "process/privileges.h"
#include "process/signals.h"
#include "process/talk.h"
#include "xmpp/jid_prepare.h"

#define FILE_MOST    (4u << 20)
#define CPU_SECONDS  20
#define WARNING_DAYS 14
#define MASTER_MS    30000

struct reading {
	int	      socket;
	const char   *path;
	struct buffer text;
	unsigned      mistakes;
};

static void
tell(const struct reading *reading, enum talk_verb verb, unsigned line, const char *option,
    const char *text)
{
	struct buffer out;

	buffer_init(&out);
	buffer_append_text(&out, reading->path);
	if (line > 0)
		buffer_printf(&out, ":%u", line);
	if (option != NULL)
		buffer_printf(&out, ": %s", option);
	buffer_printf(&out, ": %s", text);
	/* The master reads all the time; one that does not is no reason to stay. */
	if (talk_wait_send(reading->socket, verb, buffer_slice(&out), -1, MASTER_MS) != RESULT_OK)
		_exit(1);
	buffer_clear(&out);
}

static void
on_mistake(void *owner, const struct config_mistake *mistake)
{
	struct reading *reading = owner;

	reading->mistakes++;
	tell(reading, TALK_MISTAKE, mistake->line, mistake->option, mistake->text);
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

/* False, with errno: cannot be read, or is too large. */
static bool
read_file(int fd, struct buffer *out)
{
	for (;;) {
		ssize_t count = read(fd, buffer_reserve(out, 65536), 65536);

		if (count == 0)
			return true;
		if (count < 0 && errno != EINTR)
			return false;
		buffer_add(out, count > 0 ? (size_t)count : 0);
		if (buffer_length(out) > FILE_MOST) {
			errno = EFBIG;
			return false;
		}
	}
}

/*
 * A checked config remembers no lines. The first line that has the path in quotes, and is no comment, is the one that
 * named it: a default of all hosts stands once, and a path of one host mostly too.
 */
static unsigned
line_of(const struct reading *reading, const char *path)
{
	struct slice rest = buffer_slice(&reading->text);
	char quoted[4100];
	unsigned number = 0;

	snprintf(quoted, sizeof(quoted), "\"%s\"", path);
	while (rest.length > 0) {
		size_t end = slice_find(rest, '\n');
		struct slice line = slice_trim(slice_of(rest.data, end));

		number++;
		if (!slice_starts_with(line, SLICE("#")) &&
		    !slice_starts_with(line, SLICE("//")) &&
		    memmem(line.data, line.length, quoted, strlen(quoted)) != NULL)
			return number;
		rest = slice_after(rest, end < rest.length ? end + 1 : end);
	}
	return 0;
}

static void
complain(struct reading *reading, enum talk_verb verb, const struct config_host *host,
    const char *option, const char *path, const char *why)
{
	struct buffer text;

	buffer_init(&text);
	buffer_printf(&text, "%s: %s (host %s)", path, why, host->name);
	buffer_append_byte(&text, '\0');
	if (verb == TALK_MISTAKE)
		reading->mistakes++;
	tell(reading, verb, line_of(reading, path), option, buffer_slice(&text).data);
	buffer_clear(&text);
}

/* Asks the master for a file; false where it cannot be had: the mistake is told. */
static bool
fetch(struct reading *reading, const struct config_host *host, const char *option,
    const char *path, struct buffer *out)
{
	struct talk talk;
	bool is_read;

	if (talk_wait_send(reading->socket, TALK_WANT, slice_from_text(path), -1, MASTER_MS) !=
		RESULT_OK ||
	    talk_wait(reading->socket, &talk, MASTER_MS) != RESULT_OK)
		_exit(1);
	if (talk.verb != TALK_FILE || talk.fd < 0) {
		complain(reading, TALK_MISTAKE, host, option, path, talk.text);
		return false;
	}
	is_read = read_file(talk.fd, out);
	if (!is_read)
		complain(reading, TALK_MISTAKE, host, option, path, strerror(errno));
	close(talk.fd);
	return is_read;
}

/* Whether a worker could use it, whatever the calendar says. */
static bool
is_usable(const struct config_host *host, struct slice chain, struct slice key)
{
	struct tls_context *context = tls_context_new("intermediate", NULL);
	char why[256];
	bool usable = context != NULL &&
	    tls_context_add(context, slice_from_text(host->name), chain, key, why,
		sizeof(why)) == RESULT_OK;

	tls_context_free(&context);
	return usable;
}

/* A certificate that expired keeps no server from starting: those who know it may still want to talk. */
static void
check(struct reading *reading, const struct config_host *host, struct slice chain,
    struct slice key)
{
	char why[256] = "";
	long days_left = 0;

	if (tls_certificate_check(slice_from_text(host->name), chain, key, &days_left, why,
		sizeof(why)) != RESULT_OK) {
		enum talk_verb verb =
		    is_usable(host, chain, key) ? TALK_WARNING : TALK_MISTAKE;

		complain(reading, verb, host, "certificate", host->certificate, why);
	} else if (days_left < WARNING_DAYS) {
		snprintf(why, sizeof(why), "expires in %ld days", days_left);
		complain(reading, TALK_WARNING, host, "certificate", host->certificate, why);
	}
}

/* Its clients are told to use TLS first, and cannot. */
static void
warn_of_none(struct reading *reading, const struct config_host *host)
{
	struct buffer text;

	buffer_init(&text);
	buffer_printf(&text, "host %s has no certificate: nobody can log in", host->name);
	buffer_append_byte(&text, '\0');
	tell(reading, TALK_WARNING, line_of(reading, host->name), "require_tls",
	    buffer_slice(&text).data);
	buffer_clear(&text);
}

static void
add_certificate(struct reading *reading, struct config *config, size_t index)
{
	const struct config_host *host = &config->hosts[index];
	struct buffer chain, key;
	bool is_complete;

	if (host->certificate == NULL || host->key == NULL) {
		if (host->require_tls)
			warn_of_none(reading, host);
		return;
	}
	buffer_init(&chain);
	buffer_init(&key);
	is_complete = fetch(reading, host, "certificate", host->certificate, &chain);
	is_complete = fetch(reading, host, "key", host->key, &key) && is_complete;
	if (is_complete) {
		check(reading, host, buffer_slice(&chain), buffer_slice(&key));
		config_set_certificate(config, index, buffer_slice(&chain),
		    buffer_slice(&key));
	}
	if (key.data != NULL)
		memory_wipe(key.data, key.capacity);
	buffer_clear(&chain);
	buffer_clear(&key);
}

static void
give_up_rights(int socket, int file)
{
	const int kept[] = { socket, file };
	struct rlimit seconds = { CPU_SECONDS, CPU_SECONDS }, none = { 0, 0 };
	struct identity nobody;

	signals_leave();
	/* What there is to say goes to the master; a connection to syslog is closed below. */
	log_to_fd(STDERR_FILENO);
	log_set_level(LOG_ERROR);
	privileges_nobody(&nobody);
	descriptors_keep(kept, 2);
	privileges_drop(&nobody);
	setrlimit(RLIMIT_CPU, &seconds);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

_Noreturn void
image_child(int socket, int file, const struct image_options *options)
{
	struct reading reading = { .socket = socket, .path = options->path };
	struct config *config;
	int fd = -1;

	give_up_rights(socket, file);
	buffer_init(&reading.text);
	if (!read_file(file, &reading.text)) {
		tell(&reading, TALK_MISTAKE, 0, NULL, strerror(errno));
		_exit(talk_send(socket, TALK_FINISHED, SLICE_EMPTY, -1) == RESULT_OK ? 0 : 1);
	}
	config = config_parse(buffer_slice(&reading.text), options->path, prepare_domain,
	    on_mistake, &reading);
	for (size_t i = 0; config != NULL && i < config->host_count; i++)
		add_certificate(&reading, config, i);
	if (config != NULL && reading.mistakes == 0) {
		config->serial = options->serial;
		config->test_clock = options->test_clock;
		fd = image_seal(config);
	}
	if (talk_wait_send(socket, TALK_FINISHED, SLICE_EMPTY, fd, MASTER_MS) != RESULT_OK)
		_exit(1);
	_exit(0);
}
