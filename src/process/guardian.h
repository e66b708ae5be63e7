/* guardian.h -- in the background without a service manager: a master that was killed gets a successor. */
#pragma once

#include <sys/types.h>

struct arguments;

/*
 * Forks. Returns in the child, which is to become the master; the guardian itself waits for it, and never returns. A
 * master that ends by itself ends the guardian, with its status. One that a signal ended after it was ready has a
 * successor: this program, as it then stands on disk, started with --guarded. That one waits until all processes of
 * the dead one are gone and takes the memory over. Five in a row that do not become ready are the last.
 *
 * TERM and INT to the guardian go to the master, and keep it from having a successor.
 */
void	guardian_start(const struct arguments *arguments);

/* In such a successor, before anything is opened: signal is what ended the one before. */
#define GUARDIAN_READY_FD 3
void	guardian_resume(int signal);

/* In a master under a guardian: it is ready. */
void	guardian_ready(void);

/* In a master that was executed in the place of another one: it keeps that one's guardian. */
void	guardian_take(pid_t guardian);

/* In a master: the guardian's process number, or 0. */
pid_t	guardian_pid(void);

/* In a master: the signal that ended the one before, or 0. */
int	guardian_signal(void);
