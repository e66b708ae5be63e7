/* still.h -- for fuzz targets: loop, sockets, files, time and chance that make no system calls. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Linked in place of src/net/loop.c and src/base/random.c, and with --wrap (Makefile.inc) of the calls that the
 * kit and the server make of the kernel: their own code stays as it is. What LMDB calls is found here before libc's.
 *
 * A turn of the loop never sleeps; what a thread would do is done at once and told in the next turn. Both ends of a
 * socket pair are in this process. Time stands unless it is moved. A password is stretched once, whatever the count.
 */

/* The same ids, nonces and salts as behind every other call with that number. */
void	still_seed(uint64_t number);

/* Is input there, the peer's end, or room for output: WATCH_READ, WATCH_WRITE; 0 where it is no socket of ours. */
int	still_socket_events(int fd);
