/* network.h -- networks of addresses: what a text names, and who is inside. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

/* An address as 16 bytes, IPv4 mapped into IPv6 (RFC 4291 2.5.5.2), so that both ways to connect are one. */
struct network {
	uint8_t	 bytes[16];
	unsigned bits;
};

/* "192.0.2.0/24", "2001:db8::/32", or one address alone. Bits behind the prefix must be 0. */
bool	network_read(struct slice text, struct network *network);

/* The address of a peer, all 128 bits; of another family all zero. */
void	network_of(const struct sockaddr_storage *address, struct network *network);
bool	network_is_ipv4(const struct network *network);

/* Cuts it: bits behind the prefix become 0. For IPv4 the prefix counts from its own 32 bits. */
void	network_cut(struct network *network, unsigned ipv4_bits, unsigned ipv6_bits);

bool	network_has(const struct network *network, const struct network *address);
