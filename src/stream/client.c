/* client.c -- what a client may send in each state of its stream, and what then happens. */
#include "stream/stream_private.h"

/* --- STARTTLS (RFC 6120 5) --- */

/* Nothing may stand behind <starttls/> in clear: what was read with it makes TLS fail to start. */
static void
on_starttls(struct stream *stream, struct element *element)
{
	const struct config_host *host = stream_config_host(stream);

	if (stream->server->tls == NULL || host == NULL || host->certificate_pem.length == 0) {
		stream_write(stream, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		stream_close(stream, 0, "no TLS on this host");
		return;
	}
	connection_pause(stream->connection);
	parser_stop(stream->parser);
	stream_set_state(stream, STATE_PROCEED);
	stream_write(stream, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
}

/* --- stanzas --- */

static void
on_stanza(struct stream *stream, struct element *element)
{
	stream_rate_stanza(stream, element);
	stream->events->on_stanza(stream->owner, element);
}

/* --- client state indication (XEP-0352) --- */

static void
on_active(struct stream *stream, struct element *element)
{
	stream->events->on_state(stream->owner, false);
}

static void
on_inactive(struct stream *stream, struct element *element)
{
	stream->events->on_state(stream->owner, true);
}

/* --- the rows --- */

static const struct state_row login_rows[] = {
	/* element		handler		unless */
	{ NS_TLS,    "starttls", on_starttls, UNLESS_SECURE },
	{ NS_SASL,   "auth",     client_on_auth, UNLESS_NEVER },
	{ NS_CLIENT, "iq",       client_on_login_iq, UNLESS_NEVER },
	{ NS_SASL,   "response", client_on_sasl_out_of_order, UNLESS_NEVER },
	{ NS_SASL,   "abort",    client_on_sasl_out_of_order, UNLESS_NEVER },
	{ 0 }
};

static const struct state_row sasl_rows[] = {
	{ NS_SASL,   "response", client_on_response, UNLESS_NEVER },
	{ NS_SASL,   "abort",    client_on_abort, UNLESS_NEVER },
	{ NS_SASL,   "auth",     client_on_auth, UNLESS_NEVER },	/* begins anew, R13 */
	{ 0 }
};

static const struct state_row bind_rows[] = {
	{ NS_CLIENT, "iq",       client_on_bind_iq, UNLESS_NEVER },
	{ NS_SM3,    "resume",   management_on_resume, UNLESS_NEVER },
	{ NS_SM2,    "resume",   management_on_resume, UNLESS_NEVER },
	{ NS_SM3,    "enable",   management_on_late, UNLESS_NEVER },
	{ NS_SM2,    "enable",   management_on_late, UNLESS_NEVER },
	{ 0 }
};

static const struct state_row ready_rows[] = {
	{ NS_CLIENT, "message",  on_stanza, UNLESS_NEVER },
	{ NS_CLIENT, "presence", on_stanza, UNLESS_NEVER },
	{ NS_CLIENT, "iq",       on_stanza, UNLESS_NEVER },
	{ NS_CSI,    "active",   on_active, UNLESS_NEVER },
	{ NS_CSI,    "inactive", on_inactive, UNLESS_NEVER },
	{ NS_SM3,    "a",        management_on_ack, UNLESS_NEVER },
	{ NS_SM3,    "r",        management_on_ack_request, UNLESS_NEVER },
	{ NS_SM3,    "enable",   management_on_enable, UNLESS_NEVER },
	{ NS_SM3,    "resume",   management_on_late, UNLESS_NEVER },
	{ NS_SM2,    "a",        management_on_ack, UNLESS_NEVER },
	{ NS_SM2,    "r",        management_on_ack_request, UNLESS_NEVER },
	{ NS_SM2,    "enable",   management_on_enable, UNLESS_NEVER },
	{ NS_SM2,    "resume",   management_on_late, UNLESS_NEVER },
	{ 0 }
};

const struct state_row *
client_rows(enum stream_state state)
{
	switch (state) {
	case STATE_LOGIN:
		return login_rows;
	case STATE_SASL:
		return sasl_rows;
	case STATE_BIND:
		return bind_rows;
	case STATE_READY:
	case STATE_ENDING:
		return ready_rows;
	default:
		return NULL;
	}
}
