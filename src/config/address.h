/* address.h -- "*:5222", "[::1]:5222", "192.0.2.1:5222": where to listen. */
#pragma once

#include <sys/socket.h>

#include "base/slice.h"

/* "*" stands for two addresses, [::] and 0.0.0.0, in this order. */
#define ADDRESS_MAX 2

/* Returns how many addresses the text means, or 0 with what is wrong with it in *why. */
int	address_read(struct slice text, struct sockaddr_storage found[ADDRESS_MAX],
	    const char **why);
