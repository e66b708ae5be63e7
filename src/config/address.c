/* address.c -- texts of listening addresses to socket addresses; no name is looked up. */
#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* The last colon parts them; an IPv6 address has its own in brackets. */
static bool
split(struct slice text, struct slice *host, struct slice *port)
{
	size_t colon = text.length;

	while (colon > 0 && text.data[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return false;
	*host = slice_of(text.data, colon - 1);
	*port = slice_after(text, colon);
	return slice_find(*port, ']') == port->length;
}

static void
set_ipv6(struct sockaddr_storage *found, const struct in6_addr *address, int64_t port)
{
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)found;

	memset(found, 0, sizeof(*found));
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = htons((uint16_t)port);
	ipv6->sin6_addr = *address;
}

static void
set_ipv4(struct sockaddr_storage *found, struct in_addr address, int64_t port)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)found;

	memset(found, 0, sizeof(*found));
	ipv4->sin_family = AF_INET;
	ipv4->sin_port = htons((uint16_t)port);
	ipv4->sin_addr = address;
}

static int
read_host(struct slice host, int64_t port, struct sockaddr_storage found[ADDRESS_MAX])
{
	char text[INET6_ADDRSTRLEN];
	bool bracketed = host.length > 2 && host.data[0] == '[' &&
	    host.data[host.length - 1] == ']';
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (slice_is(host, "*")) {
		set_ipv6(&found[0], &in6addr_any, port);
		set_ipv4(&found[1], (struct in_addr){ htonl(INADDR_ANY) }, port);
		return 2;
	}
	if (bracketed)
		host = slice_of(host.data + 1, host.length - 2);
	if (host.length >= sizeof(text))
		return 0;
	memcpy(text, host.data, host.length);
	text[host.length] = '\0';
	if (bracketed && inet_pton(AF_INET6, text, &ipv6) == 1)
		set_ipv6(&found[0], &ipv6, port);
	else if (!bracketed && inet_pton(AF_INET, text, &ipv4) == 1)
		set_ipv4(&found[0], ipv4, port);
	else
		return 0;
	return 1;
}

int
address_read(struct slice text, struct sockaddr_storage found[ADDRESS_MAX], const char **why)
{
	struct slice host, port;
	int64_t number;
	int count;

	if (!split(text, &host, &port)) {
		*why = "has no port: write \"*:5222\", \"192.0.2.1:5222\" or \"[::1]:5222\"";
		return 0;
	}
	if (port.length == 0 || port.data[0] < '0' || !slice_to_int(port, 1, 65535, &number)) {
		*why = "must have a port of 1 to 65535";
		return 0;
	}
	count = read_host(host, number, found);
	if (count == 0)
		*why = "is no address: write \"*:5222\", \"192.0.2.1:5222\" or \"[::1]:5222\"";
	return count;
}
