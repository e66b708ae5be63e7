/* log_syslog.c -- syslog(3), with its priorities for our levels. */
#include "base/log_syslog.h"

#include <stdio.h>
#include <syslog.h>

void
log_syslog_open(const char *ident)
{
	/* openlog() keeps the pointer. */
	static char kept[64];

	closelog();
	snprintf(kept, sizeof(kept), "%s", ident);
	openlog(kept, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_syslog_write(int level, const char *line)
{
	/* In the order of enum log_level; debug and trace are one to syslog. */
	static const int priorities[] = {
		LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_DEBUG,
	};

	syslog(priorities[level], "%s", line);
}
