/* log_syslog.h -- the log's way to syslog (RFC 3164), on a socket that can be handed over. */
#pragma once

/* A socket to the system's log, or -1. */
int	log_syslog_connect(void);

/* Lines go there from now on; the one before is closed. ident is copied. -1: the next line tries to connect. */
void	log_syslog_use(const char *ident, int fd);

/* For who cannot connect: called instead when a line was not taken. NULL: connects again. */
void	log_syslog_on_lost(void (*ask)(void));

/* level is an enum log_level, line ends with a NUL. */
void	log_syslog_write(int level, const char *line);
