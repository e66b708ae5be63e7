/* logs.h -- where log lines go: standard error, syslog, or a file that the master opens for all. */
#pragma once

struct identity;

#define LOGS_SYSLOG (-1)

/*
 * log is the option's text. Returns a descriptor in *fd (standard error's, or of a file opened for appending), or
 * LOGS_SYSLOG. A file that is made belongs to the user of the workers. RESULT_FAILED: logged.
 */
int	logs_open(const char *log, const struct identity *identity, int *fd);

/* From now on this process writes there. Connects to syslog anew, for a child that closed what it inherited. */
void	logs_use(int fd);

/* A child's, where the log is syslog: when that connection breaks, the master at this socket is asked for another. */
void	logs_ask_of(int socket);

/* A child's: takes the descriptor of a newly opened file, or connection, and closes the one before it. */
void	logs_replace(int fd);
