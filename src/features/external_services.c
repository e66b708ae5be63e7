/* external_services.c -- XEP-0215: tells clients of a TURN server, with a name and password for a while. */
#include "features/feature.h"

#include "auth/digest.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"

#define SHA1_SIZE 20

/* One relay answers on up to three ways; STUN is the first without a login. */
static const struct service {
	const char *type;
	const char *transport;
	bool	    is_tls;
	bool	    needs_login;
} services[] = {
	{ "stun", "udp", false, false },
	{ "turn", "udp", false, true },
	{ "turn", "tcp", false, true },
	{ "turns", "tcp", true, true },
};

#define SERVICE_COUNT (sizeof(services) / sizeof(services[0]))

struct login {
	struct slice username, password, expires;
};

static int64_t
port_of(const struct config_host *host, const struct service *service)
{
	return service->is_tls ? host->turn_tls_port : host->turn_port;
}

static bool
is_offered(const struct config_host *host, const struct service *service)
{
	return port_of(host, service) != 0 && (!service->needs_login || host->turn_secret[0] != 0);
}

/* Says to the relay that two logins are of one account, and not of which. */
static struct slice
pseudonym(struct arena *arena, struct slice secret, struct slice account)
{
	uint8_t digest[DIGEST_MAX];
	char text[2 * 8 + 1];

	digest_hmac(SCRAM_SHA_256, secret, account, digest);
	text_hex_encode(slice_of(digest, 8), text);
	return arena_copy(arena, slice_from_text(text));
}

/* The way of the TURN REST API: "expiry:name", and its HMAC-SHA1 under the secret shared with the relay. */
static struct login
make_login(struct stanza *stanza)
{
	struct arena *arena = stanza->arena;
	struct slice secret = slice_from_text(stanza->host->turn_secret);
	uint64_t seconds = clock_wall_us() / 1000000 + (uint64_t)stanza->host->turn_ttl / 1000;
	uint8_t digest[DIGEST_MAX];
	char stamp[CLOCK_STAMP_SIZE], code[TEXT_BASE64_LENGTH(SHA1_SIZE) + 1];
	struct login login;

	login.username = arena_printf(arena, "%llu:" SLICE_FMT, (unsigned long long)seconds,
	    SLICE_ARG(pseudonym(arena, secret, stanza->from.bare)));
	digest_hmac(SCRAM_SHA_1, secret, login.username, digest);
	text_base64_encode(slice_of(digest, SHA1_SIZE), code);
	clock_stamp(seconds * 1000000, stamp, sizeof(stamp));
	login.password = arena_copy(arena, slice_from_text(code));
	login.expires = arena_copy(arena, slice_from_text(stamp));
	return login;
}

static void
add_login(struct arena *arena, struct element *element, const struct login *login)
{
	element_set(arena, element, "restricted", SLICE("true"));
	element_set(arena, element, "username", login->username);
	element_set(arena, element, "password", login->password);
	element_set(arena, element, "expires", login->expires);
}

static void
add_service(struct stanza *stanza, struct element *parent, const struct service *service,
    const struct login *login)
{
	struct arena *arena = stanza->arena;
	struct element *element = element_add(arena, parent, NS_EXTDISCO, "service");

	element_set(arena, element, "type", slice_from_text(service->type));
	element_set(arena, element, "host", slice_from_text(stanza->host->turn_host));
	element_set(arena, element, "port",
	    arena_printf(arena, "%lld", (long long)port_of(stanza->host, service)));
	element_set(arena, element, "transport", slice_from_text(service->transport));
	if (service->needs_login)
		add_login(arena, element, login);
}

/* Logins cost the relay's owner bandwidth: they are for the host's own accounts. */
static int
check_asker(const struct stanza *stanza)
{
	if (stanza->host->turn_host[0] == 0)
		return STANZA_SERVICE_UNAVAILABLE;
	return stanza->session != NULL &&
		slice_equal(stanza->session->jid.domain, stanza->to.domain)
	    ? STANZA_PASS
	    : STANZA_FORBIDDEN;
}

static int
services_on_get(struct stanza *stanza)
{
	struct element *answer = element_new(stanza->arena, NS_EXTDISCO, "services");
	struct slice type = element_attribute(stanza->payload, "type");
	struct login login;
	int verdict = check_asker(stanza);

	if (verdict != STANZA_PASS)
		return verdict;
	if (type.data != NULL)
		element_set(stanza->arena, answer, "type", type);
	login = make_login(stanza);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (is_offered(stanza->host, &services[i]) &&
		    (type.data == NULL || slice_is(type, services[i].type)))
			add_service(stanza, answer, &services[i], &login);
	return router_reply(stanza, answer);
}

/* XEP-0215 3.3: host and type must match, and the port where it is told. */
static bool
is_wanted(const struct stanza *stanza, const struct element *wanted,
    const struct service *service)
{
	struct slice port = element_attribute(wanted, "port");
	int64_t number = port_of(stanza->host, service);

	return is_offered(stanza->host, service) && service->needs_login &&
	    slice_is(element_attribute(wanted, "type"), service->type) &&
	    slice_is(element_attribute(wanted, "host"), stanza->host->turn_host) &&
	    (port.data == NULL || (slice_to_int(port, 1, 65535, &number) &&
				      number == port_of(stanza->host, service)));
}

static int
credentials_on_get(struct stanza *stanza)
{
	struct element *answer = element_new(stanza->arena, NS_EXTDISCO, "credentials");
	struct element *wanted = element_child(stanza->payload, NS_EXTDISCO, "service");
	struct login login;
	int verdict = check_asker(stanza);

	if (verdict != STANZA_PASS)
		return verdict;
	if (wanted == NULL || element_count(stanza->payload) != 1 ||
	    element_attribute(wanted, "host").data == NULL ||
	    element_attribute(wanted, "type").data == NULL)
		return STANZA_BAD_REQUEST;
	login = make_login(stanza);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (is_wanted(stanza, wanted, &services[i]))
			add_service(stanza, answer, &services[i], &login);
	return element_first(answer) == NULL ? STANZA_ITEM_NOT_FOUND
					     : router_reply(stanza, answer);
}

/* Told only by hosts that have one. */
static void
services_on_info(struct stanza *stanza, struct element *query)
{
	if (stanza->host->turn_host[0] != 0)
		element_set(stanza->arena,
		    element_add(stanza->arena, query, NS_DISCO_INFO, "feature"), "var",
		    SLICE("urn:xmpp:extdisco:2"));
}

static const struct iq_row services_iqs[] = {
	{ NS_EXTDISCO, "services", IQ_GET, SCOPE_HOST, services_on_get },
	{ NS_EXTDISCO, "credentials", IQ_GET, SCOPE_HOST, credentials_on_get },
	{ 0 }
};

const struct feature external_services_feature = {
	.name = "external_services",
	.spec = "XEP-0215 1.0.0",
	.about = "Tells clients of a TURN server, with a name and password for a while.",
	.iqs = services_iqs,
	.on_host_info = services_on_info,
};
