/* option_check.h -- what is wrong with a text of an option, in words. */
#pragma once

#include "base/slice.h"

/* Each returns NULL when nothing is. */
const char *check_text(struct slice text);	/* any text: printable UTF-8 of bearable length */
const char *check_path(struct slice text);
const char *check_socket_dir(struct slice text);	/* the directory of the control socket */
const char *check_name(struct slice text);	/* a user or group */
const char *check_log(struct slice text);
const char *check_address(struct slice text);
const char *check_network(struct slice text);	/* "192.0.2.0/24" */
const char *check_bare_jid(struct slice text);
const char *check_contact(struct slice text);	/* "abuse mailto:abuse@example.org" */
const char *check_payload(struct slice text);	/* "{namespace}name", or "{namespace}" */
const char *check_host(struct slice text);	/* a domain or an address; empty: none */
