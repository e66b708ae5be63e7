/* bind.c -- what is left of binding once a resource is bound (RFC 6120 7), and the session request of RFC 3921. */
#include "features/feature.h"

static int
bind_on_second(struct stanza *stanza)
{
	return STANZA_NOT_ALLOWED;
}

/* Clients of before 2011 ask for a session; there is nothing to do (RFC 6121, appendix E). */
static int
bind_on_session(struct stanza *stanza)
{
	return router_reply(stanza, NULL);
}

static const struct iq_row bind_iqs[] = {
	{ NS_BIND, "bind", IQ_SET, SCOPE_HOST | SCOPE_SELF, bind_on_second },
	{ NS_SESSION, "session", IQ_SET, SCOPE_HOST | SCOPE_SELF, bind_on_session },
	{ 0 }
};

const struct feature bind_feature = {
	.name = "bind",
	.spec = "RFC 6120 7",
	.about = "Refuses a second binding on a stream and answers the session request of old clients.",
	.iqs = bind_iqs,
};
