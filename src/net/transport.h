/* transport.h -- four functions between a connection and its bytes: plain TCP, TLS, later WebSocket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* As in tls.h: a count, 0 at the end, or a negative result; *want names the readiness to wait for. */
struct transport {
	const char *name;
	long	  (*read)(void *state, int fd, void *out, size_t size, int *want);
	long	  (*write)(void *state, int fd, const void *data, size_t size, int *want);
	void	  (*shutdown)(void *state, int fd);	/* our end of the stream is said */
	void	  (*free)(void *state);
};

extern const struct transport transport_tcp;
extern const struct transport transport_tls;	/* state: struct tls */
