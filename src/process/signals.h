/* signals.h -- the signals of the master through a descriptor, and none for its children. */
#pragma once

/* Blocks what the master handles; a descriptor to poll, or -1. Before the first fork. */
int	signals_open(void);

/* The next signal's number, 0 when there is none. */
int	signals_next(int fd);

/* In a child: the master's signals, which a terminal sends to all of us, are ignored; nothing is blocked. */
void	signals_leave(void);
