/* vcard.c -- XEP-0054: keeps an account's card and shows it to whoever asks. */
#include "features/feature.h"

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "features/account_data.h"
#include "features/avatar.h"
#include "routing/pending.h"
#include "shm/limits.h"
#include "stream/server.h"

static struct slice
key_of(struct stanza *stanza)
{
	return account_data_key(stanza->arena, router_server(stanza->router), stanza->account,
	    SPACE_VCARD, SLICE_EMPTY);
}

/* XEP-0054 3.3: others cannot tell an account without a card from none; its owner is told item-not-found. */
static int
vcard_on_get(struct stanza *stanza)
{
	struct element *card = account_data_element(stanza->arena,
	    router_server(stanza->router), key_of(stanza));

	card = avatar_in_card(stanza, card);
	if (card != NULL)
		return router_reply(stanza, card);
	return slice_equal(stanza->from.bare, stanza->to.bare) ? STANZA_ITEM_NOT_FOUND
							       : STANZA_SERVICE_UNAVAILABLE;
}

static int
on_stored(struct stanza *stanza, int result, void *data)
{
	if (result == RESULT_OK) {
		avatar_publish_card(stanza);
		return router_reply(stanza, NULL);
	}
	if (result == RESULT_FULL)
		return STANZA_RESOURCE_CONSTRAINT;
	log_error(LOG_FEATURE, "vcard not stored", "reason=\"%s\"", result_text(result));
	return STANZA_INTERNAL_SERVER_ERROR;
}

/* Of two that come at once the one the store commits last stands. An empty card takes the old one away. */
static int
vcard_on_set(struct stanza *stanza)
{
	const struct server *server = router_server(stanza->router);
	struct slice bytes = SLICE_EMPTY;
	struct store_change change;

	if (avatar_is_too_large(stanza, stanza->payload))
		return STANZA_POLICY_VIOLATION;
	if (!account_data_is_blank(stanza->payload)) {
		bytes = account_data_bytes(stanza->arena, stanza->payload,
		    (size_t)server->config->vcard_bytes);
		if (bytes.length == 0 && limit_met(server->shm, LIMIT_VCARD))
			return STANZA_POLICY_VIOLATION;
	}
	change = account_data_change(key_of(stanza), STORE_ANY_VERSION, bytes);
	return pending_ask(stanza, STORE_CORE, &change, 1, on_stored, NULL, 0);
}

/*
 * Nobody owns the set for another account: service-unavailable, as for one that does not exist, where an error of
 * its own (3.2) would tell the two apart.
 */
static const struct iq_row vcard_iqs[] = {
	{ NS_VCARD, "vCard", IQ_GET, SCOPE_SELF | SCOPE_ACCOUNT, vcard_on_get },
	{ NS_VCARD, "vCard", IQ_SET, SCOPE_SELF, vcard_on_set },
	{ 0 }
};

static const char *const vcard_vars[] = { "vcard-temp", NULL };

static const struct kept_row vcard_keeps[] = {
	{ STORE_CORE, STORE_DATA, SPACE_VCARD, NULL },
	{ 0 }
};

const struct feature vcard_feature = {
	.name = "vcard",
	.spec = "XEP-0054 1.3.0",
	.about = "Keeps a card for each account and shows it to others.",
	.iqs = vcard_iqs,
	.host_vars = vcard_vars,
	.account_vars = vcard_vars,
	.keeps = vcard_keeps,
};
