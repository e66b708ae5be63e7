/* log_syslog.h -- the log's way to syslog, apart because <syslog.h> has names of ours. */
#pragma once

/* Connects at once. ident is copied. */
void	log_syslog_open(const char *ident);

/* level is an enum log_level, line ends with a NUL. */
void	log_syslog_write(int level, const char *line);
