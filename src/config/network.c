/* network.c -- networks of addresses: what a text names, and who is inside. */
#include "config/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static void
cut(struct network *network, unsigned bits)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = bits > i * 8 ? bits - i * 8 : 0;

		if (kept < 8)
			network->bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
	network->bits = bits;
}

static bool
read_address(struct slice text, struct network *network)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.length >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	network->bits = 128;
	memcpy(network->bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, network->bytes + 12) == 1 ||
	    inet_pton(AF_INET6, copy, network->bytes) == 1;
}

bool
network_read(struct slice text, struct network *network)
{
	size_t slash = slice_find(text, '/');
	struct network whole;
	int64_t bits;

	if (!read_address(slice_of(text.data, slash), network))
		return false;
	if (slash == text.length)
		return true;
	if (!slice_to_int(slice_after(text, slash + 1), 0, network_is_ipv4(network) ? 32 : 128,
		&bits))
		return false;
	whole = *network;
	cut(network, (unsigned)bits + (network_is_ipv4(network) ? 96 : 0));
	return memcmp(whole.bytes, network->bytes, sizeof(whole.bytes)) == 0;
}

void
network_of(const struct sockaddr_storage *address, struct network *network)
{
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;

	*network = (struct network){ .bits = 128 };
	if (address->ss_family == AF_INET6) {
		memcpy(network->bytes, &ipv6->sin6_addr, 16);
	} else if (address->ss_family == AF_INET) {
		memcpy(network->bytes, mapped, sizeof(mapped));
		memcpy(network->bytes + 12, &ipv4->sin_addr, 4);
	}
}

bool
network_is_ipv4(const struct network *network)
{
	return memcmp(network->bytes, mapped, sizeof(mapped)) == 0;
}

void
network_cut(struct network *network, unsigned ipv4_bits, unsigned ipv6_bits)
{
	cut(network, network_is_ipv4(network) ? 96 + ipv4_bits : ipv6_bits);
}

bool
network_has(const struct network *network, const struct network *address)
{
	struct network inside = *address;

	cut(&inside, network->bits);
	return memcmp(inside.bytes, network->bytes, sizeof(inside.bytes)) == 0;
}
