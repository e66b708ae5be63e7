/* stream_features.c -- what a stream offers in each state (RFC 6120 4.3.2). */
#include "stream/stream_private.h"

#include "base/log.h"
#include "net/tls.h"
#include "shm/store.h"
#include "stream/registration.h"

/* Strongest first, as they are offered. */
static const enum sasl_mechanism order[] = { SASL_SCRAM_SHA_512_PLUS, SASL_SCRAM_SHA_256_PLUS,
	SASL_SCRAM_SHA_1_PLUS, SASL_SCRAM_SHA_512, SASL_SCRAM_SHA_256, SASL_SCRAM_SHA_1,
	SASL_PLAIN };

#define ORDER_COUNT (sizeof(order) / sizeof(order[0]))

/* The SCRAM hashes that every account of the host can use, as bits of enum scram_hash. */
static uint32_t
usable_hashes(struct stream *stream, const struct config_host *host)
{
	struct txn *txn;
	uint64_t accounts;
	uint32_t hashes;

	if (host->force_scram_hashes)
		return UINT32_MAX;
	txn = store_read(stream->server->core);
	hashes = store_host_hashes(stream->server->core, txn, slice_from_text(host->name),
	    &accounts);
	txn_end(&txn);
	return hashes;
}

static bool
is_wanted(const struct config_host *host, enum sasl_mechanism mechanism)
{
	if (host->mechanisms.count == 0)
		return true;
	for (size_t i = 0; i < host->mechanisms.count; i++)
		if (slice_is(slice_from_text(sasl_mechanism_name(mechanism)),
			host->mechanisms.item[i]))
			return true;
	return false;
}

static unsigned
possible(struct stream *stream, const struct config_host *host)
{
	uint32_t hashes = usable_hashes(stream, host);
	unsigned mechanisms = 0;

	if (hashes & 1u << SCRAM_SHA_1)
		mechanisms |= SASL_SCRAM_SHA_1 | SASL_SCRAM_SHA_1_PLUS;
	if (hashes & 1u << SCRAM_SHA_256)
		mechanisms |= SASL_SCRAM_SHA_256 | SASL_SCRAM_SHA_256_PLUS;
	if (hashes & 1u << SCRAM_SHA_512)
		mechanisms |= SASL_SCRAM_SHA_512 | SASL_SCRAM_SHA_512_PLUS;
	if (!stream->secure)	/* nothing to bind to, and no password in clear */
		return mechanisms & (SASL_SCRAM_SHA_1 | SASL_SCRAM_SHA_256 | SASL_SCRAM_SHA_512);
	return mechanisms | SASL_PLAIN;
}

unsigned
stream_features_mechanisms(struct stream *stream)
{
	const struct config_host *host = stream_config_host(stream);
	unsigned mechanisms;

	if (host == NULL || stream->authenticated || (host->require_tls && !stream->secure))
		return 0;
	mechanisms = possible(stream, host);
	for (size_t i = 0; i < ORDER_COUNT; i++)
		if (!is_wanted(host, order[i]))
			mechanisms &= ~(unsigned)order[i];
	return mechanisms;
}

static bool
has_tls_to_offer(struct stream *stream, const struct config_host *host)
{
	return !stream->secure && !stream->authenticated && stream->server->tls != NULL &&
	    host->certificate_pem.length > 0;
}

static bool
offers_registration(struct stream *stream, const struct config_host *host)
{
	const struct stream_registration *registration = stream->server->registration;

	return registration != NULL && !stream->authenticated &&
	    registration->is_open(host, stream->secure);
}

/* XEP-0440: which channel bindings this connection can prove. */
static void
write_bindings(struct stream *stream)
{
	struct tls *tls = connection_tls(stream->connection);
	bool exporter = tls != NULL && tls_binding_exporter(tls, NULL) > 0;
	bool end_point = tls != NULL && tls_binding_end_point(tls, NULL) > 0;

	if (!exporter && !end_point)
		return;
	stream_write(stream, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>%s%s"
			     "</sasl-channel-binding>",
	    exporter ? "<channel-binding type='tls-exporter'/>" : "",
	    end_point ? "<channel-binding type='tls-server-end-point'/>" : "");
}

static void
write_mechanisms(struct stream *stream, unsigned mechanisms)
{
	stream_write(stream, "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>");
	for (size_t i = 0; i < ORDER_COUNT; i++)
		if (mechanisms & order[i])
			stream_write(stream, "<mechanism>%s</mechanism>",
			    sasl_mechanism_name(order[i]));
	stream_write(stream, "</mechanisms>");
	write_bindings(stream);
}

/* XEP-0478: how much a stanza may be and how long silence may last. */
static void
write_limits(struct stream *stream)
{
	const struct config *config = stream->server->config;

	stream_write(stream,
	    "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>%lld</max-bytes>"
	    "<idle-seconds>%lld</idle-seconds></limits>",
	    (long long)(stream->authenticated ? config->stanza_bytes
					      : config->stanza_bytes_unauthenticated),
	    (long long)((stream->authenticated ? config->idle_timeout + config->idle_drop
					       : config->handshake_timeout) /
		1000));
}

/* R11: a stream that can go nowhere is closed, and the log says which setting is wrong. */
static void
fail_without_features(struct stream *stream, const struct config_host *host)
{
	log_error(LOG_STREAM, "no way to log in",
	    "sid=%s host=%s hint=the host requires TLS and has no certificate, or its mechanisms "
	    "are none of those its accounts can use",
	    stream->id, host->name);
	stream_fail(stream, STREAM_UNDEFINED_CONDITION, "no way to log in is configured");
}

void
stream_features_send(struct stream *stream)
{
	const struct config_host *host = stream_config_host(stream);
	unsigned mechanisms = stream_features_mechanisms(stream);
	bool tls = has_tls_to_offer(stream, host);

	if (!stream->authenticated && mechanisms == 0 && !tls) {
		fail_without_features(stream, host);
		return;
	}
	stream_write(stream, "<stream:features>");
	if (tls)
		stream_write(stream, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>%s</starttls>",
		    host->require_tls ? "<required/>" : "");
	if (mechanisms != 0)
		write_mechanisms(stream, mechanisms);
	if (stream->authenticated)
		stream_write(stream, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
				     "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'>"
				     "<optional/></session>"
				     "<sm xmlns='urn:xmpp:sm:3'/><sm xmlns='urn:xmpp:sm:2'/>"
				     "<ver xmlns='urn:xmpp:features:rosterver'/>"
				     "<sub xmlns='urn:xmpp:features:pre-approval'/>");
	if (offers_registration(stream, host))
		stream_write(stream, "<register xmlns='http://jabber.org/features/iq-register'/>");
	write_limits(stream);
	if (stream->authenticated)
		stream_write(stream, "<csi xmlns='urn:xmpp:csi:0'/>");
	stream_write(stream, "</stream:features>");
}
