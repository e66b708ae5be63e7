/* log.h -- one fact a line, with fields. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

/* The part of the server that speaks. */
enum log_area {
	LOG_MASTER, LOG_WORKER, LOG_STORE, LOG_CONFIG, LOG_SHM, LOG_NET, LOG_TLS,
	LOG_STREAM, LOG_AUTH, LOG_SESSION, LOG_ROUTING, LOG_FEATURE, LOG_CONTROL,
	LOG_BASE,
	LOG_AREA_COUNT
};

/* Where lines go. Default: standard error, from LOG_INFO. The descriptor stays the caller's. */
void	log_to_fd(int fd);
void	log_to_syslog(const char *ident, int fd);	/* takes a connection; -1: makes one at once */
void	log_set_level(enum log_level least);
void	log_set_process(const char *name);	/* "master", "worker 3": stands in every line */
bool	log_is_on(enum log_level level);
bool	log_level_from_text(const char *text, enum log_level *level);

/*
 * "2026-11-21T13:17:02.123456Z info worker 1 stream closed sid=... reason=..."
 * Control characters (also DEL and U+0080 to U+009F) and invalid UTF-8 in the fields are
 * written as \xNN, byte by byte. A line has at most 4 KiB; a cut one ends in "...".
 * fields may be "". errno stays as it was.
 */
void	log_write(enum log_level level, enum log_area area, const char *event,
	    const char *fields, ...) __attribute__((format(printf, 4, 5)));

#define log_error(area, ...) log_write(LOG_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...)  log_write(LOG_WARN, area, __VA_ARGS__)
#define log_info(area, ...)  log_write(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) \
	do { if (log_is_on(LOG_DEBUG)) log_write(LOG_DEBUG, area, __VA_ARGS__); } while (0)
#define log_trace(area, ...) \
	do { if (log_is_on(LOG_TRACE)) log_write(LOG_TRACE, area, __VA_ARGS__); } while (0)
