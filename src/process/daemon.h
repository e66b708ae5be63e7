/* daemon.h -- into the background, while the command waits until the server accepts. */
#pragma once

/*
 * Returns in the background process alone. The process that was started waits for daemon_ready(), or
 * ends with the exit status of a server that did not come so far.
 */
void	daemon_start(void);

/* Lets go of the terminal and of who waits. Harmless in the foreground. */
void	daemon_ready(void);
