/* log.c -- builds a line in one piece of stack and writes it with one call. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_syslog.h"
#include "base/slice.h"
#include "base/text.h"

#define LINE_SIZE 4096

/* The newline and "..." always have room. */
#define LINE_TEXT_MOST (LINE_SIZE - 4)

struct line {
	size_t length;
	bool is_cut;
	char text[LINE_SIZE];
};

static int log_fd = STDERR_FILENO;
static bool is_syslog;
static enum log_level least_level = LOG_INFO;
static char process_name[32];

static const char *const level_names[] = { "error", "warn", "info", "debug", "trace" };

static const char *const area_names[LOG_AREA_COUNT] = {
	[LOG_MASTER] = "master",
	[LOG_WORKER] = "worker",
	[LOG_STORE] = "store",
	[LOG_CONFIG] = "config",
	[LOG_SHM] = "shm",
	[LOG_NET] = "net",
	[LOG_TLS] = "tls",
	[LOG_STREAM] = "stream",
	[LOG_AUTH] = "auth",
	[LOG_SESSION] = "session",
	[LOG_ROUTING] = "routing",
	[LOG_FEATURE] = "feature",
	[LOG_CONTROL] = "control",
	[LOG_BASE] = "base",
};

/* All of the piece or, where the line is full, nothing of it nor of what follows. */
static void
line_add(struct line *line, struct slice piece)
{
	if (piece.length > LINE_TEXT_MOST - line->length)
		line->is_cut = true;
	if (line->is_cut)
		return;
	memcpy(line->text + line->length, piece.data, piece.length);
	line->length += piece.length;
}

static void
line_add_word(struct line *line, const char *word)
{
	if (*word == '\0')
		return;
	if (line->length > 0)
		line_add(line, SLICE(" "));
	line_add(line, slice_from_text(word));
}

static void
line_add_escaped(struct line *line, struct slice bytes)
{
	char escaped[5];

	for (size_t i = 0; i < bytes.length; i++) {
		unsigned char byte = (unsigned char)bytes.data[i];

		snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
		line_add(line, slice_of(escaped, 4));
	}
}

static bool
is_control(int32_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

/* Character by character: what a peer sent cannot begin a line or move a cursor. */
static void
line_add_fields(struct line *line, struct slice fields)
{
	while (fields.length > 0 && !line->is_cut) {
		struct slice rest = fields;
		int32_t code_point = text_utf8_next(&rest);
		size_t length = code_point < 0 ? 1 : fields.length - rest.length;

		if (code_point < 0 || is_control(code_point))
			line_add_escaped(line, slice_of(fields.data, length));
		else
			line_add(line, slice_of(fields.data, length));
		fields = slice_after(fields, length);
	}
}

static void
write_all(int fd, struct slice bytes)
{
	while (bytes.length > 0) {
		ssize_t count = write(fd, bytes.data, bytes.length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return;
		bytes = slice_after(bytes, (size_t)count);
	}
}

static void
line_end(struct line *line, enum log_level level)
{
	if (line->is_cut) {
		memcpy(line->text + line->length, "...", 3);
		line->length += 3;
	}
	if (is_syslog) {
		line->text[line->length] = '\0';
		log_syslog_write(level, line->text);
	} else {
		line->text[line->length++] = '\n';
		write_all(log_fd, slice_of(line->text, line->length));
	}
}

void
log_to_fd(int fd)
{
	log_fd = fd;
	is_syslog = false;
}

void
log_to_syslog(const char *ident, int fd)
{
	log_syslog_use(ident, fd >= 0 ? fd : log_syslog_connect());
	is_syslog = true;
}

void
log_set_level(enum log_level least)
{
	least_level = least;
}

void
log_set_process(const char *name)
{
	snprintf(process_name, sizeof(process_name), "%s", name);
}

bool
log_is_on(enum log_level level)
{
	return level <= least_level;
}

bool
log_level_from_text(const char *text, enum log_level *level)
{
	for (int i = LOG_ERROR; i <= LOG_TRACE; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void
log_write(enum log_level level, enum log_area area, const char *event,
    const char *fields, ...)
{
	char stamp[CLOCK_STAMP_SIZE];
	char raw[LINE_SIZE];
	struct line line;
	int saved_errno = errno;
	va_list arguments;
	int length;

	if (!log_is_on(level))
		return;
	line.length = 0;
	line.is_cut = false;
	if (!is_syslog) {
		clock_stamp(clock_wall_us(), stamp, sizeof(stamp));
		line_add_word(&line, stamp);
		line_add_word(&line, level_names[level]);
	}
	line_add_word(&line, process_name);
	line_add_word(&line, area_names[area]);
	line_add_word(&line, event);

	/* What vsnprintf() cuts off would not fit behind the words above either. */
	va_start(arguments, fields);
	length = vsnprintf(raw, sizeof(raw), fields, arguments);
	va_end(arguments);
	if (length > 0) {
		line_add(&line, SLICE(" "));
		if ((size_t)length >= sizeof(raw))
			length = sizeof(raw) - 1;
		line_add_fields(&line, slice_of(raw, (size_t)length));
	}
	line_end(&line, level);
	errno = saved_errno;
}
