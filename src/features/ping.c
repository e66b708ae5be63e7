/* ping.c -- XEP-0199: answers "are you there?". */
#include "features/feature.h"

static int
ping_on_get(struct stanza *stanza)
{
	return router_reply(stanza, NULL);
}

static const struct iq_row ping_iqs[] = {
	{ NS_PING, "ping", IQ_GET, SCOPE_HOST | SCOPE_SELF | SCOPE_ACCOUNT, ping_on_get },
	{ 0 }
};

static const char *const ping_vars[] = { "urn:xmpp:ping", NULL };

const struct feature ping_feature = {
	.name = "ping",
	.spec = "XEP-0199 2.0.1",
	.about = "Answers pings to the server and to accounts.",
	.iqs = ping_iqs,
	.host_vars = ping_vars,
	.account_vars = ping_vars,
};
