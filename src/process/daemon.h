/* daemon.h -- into the background, while the command waits until the server accepts. */
#pragma once

/*
 * Returns in the background process alone. The process that was started waits for daemon_ready(), or
 * ends with the exit status of a server that did not come so far.
 */
void	daemon_start(void);

/* Lets go of the terminal, before there are children: from here on only the log is told. In the background alone. */
void	daemon_detach(void);

/* Lets go of who waits. In the background alone. */
void	daemon_ready(void);

/* In a process that is not the server: who waits is the server's alone. */
void	daemon_leave(void);
