/* listener.h -- accepts on sockets the master made. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

struct loop;
struct timers;
struct listener;

/*
 * fd is a non-blocking listening socket that stays the caller's. Accepts at most 16 connections a
 * wake-up (accept4, close-on-exec, non-blocking, TCP_NODELAY, keepalive), and none while more
 * than 90 % of the descriptors are in use: it then waits, tells the log once, and tries again each 100 ms.
 * on_accept takes the descriptor.
 */
struct listener *listener_new(struct loop *loop, struct timers *timers, int fd,
	void (*on_accept)(void *owner, int fd, const struct sockaddr_storage *address), void *owner);
void	listener_pause(struct listener *listener);
void	listener_resume(struct listener *listener);
void	listener_close(struct listener **listener);

/* "192.0.2.1" or "2001:db8::1"; size at least INET6_ADDRSTRLEN. IPv4-mapped addresses as IPv4. */
void	listener_address_text(const struct sockaddr_storage *address, char *out, size_t size);
