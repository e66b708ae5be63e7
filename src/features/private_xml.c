/* private_xml.c -- XEP-0049: keeps elements for an account's own clients, one for each name and namespace. */
#include "features/feature.h"

#include "base/log.h"
#include "config/config.h"
#include "features/account_data.h"
#include "features/bookmarks.h"
#include "features/turn.h"
#include "shm/limits.h"
#include "stream/server.h"

#define ELEMENTS_MAX (TURN_PRIVATE_CHANGES - 1)	/* of one set: a change each, and one of their number */

/* The space's own record: how many elements there are. */
struct tally {
	struct slice key;
	uint64_t     version;
	uint32_t     was, is;
};

static struct slice
element_key(struct stanza *stanza, uint64_t account, const struct element *element)
{
	struct slice name = arena_printf(stanza->arena, SLICE_FMT "\n" SLICE_FMT,
	    SLICE_ARG(element->ns_uri), SLICE_ARG(element->name));

	return account_data_key(stanza->arena, router_server(stanza->router), account,
	    SPACE_PRIVATE_XML, name);
}

/* XEP-0049 2.3 and 3: a namespace of its own, and none of those it calls reserved. */
static bool
is_acceptable(const struct element *element)
{
	return element->ns_uri.length > 0 && !slice_is(element->ns_uri, "vcard-temp") &&
	    !slice_starts_with(element->ns_uri, SLICE("jabber:")) &&
	    !slice_starts_with(element->ns_uri, SLICE("http://jabber.org/"));
}

/* Those stand elsewhere: bookmarks.h. */
static bool
is_bookmarks(const struct element *element)
{
	return element_is(element, NS_BOOKMARKS_OLD, "storage");
}

/* --- get --- */

static struct element *
find_kept(struct stanza *stanza, const struct element *wanted)
{
	struct element *found = is_bookmarks(wanted) ? bookmarks_get(stanza) : NULL;

	return found != NULL
	    ? found
	    : account_data_element(stanza->arena, router_server(stanza->router),
		  element_key(stanza, stanza->account, wanted));
}

/* What was never kept comes back as it was asked for. */
static int
private_on_get(struct stanza *stanza)
{
	struct arena *arena = stanza->arena;
	struct element *wanted = element_first(stanza->payload);
	struct element *query = element_new(arena, NS_PRIVATE, "query");
	struct element *found;

	if (element_count(stanza->payload) != 1)
		return STANZA_BAD_REQUEST;
	if (!is_acceptable(wanted))
		return STANZA_NOT_ACCEPTABLE;
	found = find_kept(stanza, wanted);
	element_append(arena, query, found != NULL ? found : element_copy(arena, wanted));
	return router_reply(stanza, query);
}

/* --- set --- */

static bool
comes_again(const struct element *query, const struct element *element)
{
	const struct element *other = element;

	while ((other = element_next(query, other)) != NULL)
		if (slice_equal(other->name, element->name) &&
		    slice_equal(other->ns_uri, element->ns_uri))
			return true;
	return false;
}

static int
check_set(const struct element *query)
{
	int count = element_count(query);

	if (count == 0)
		return STANZA_NOT_ACCEPTABLE;
	if (count > ELEMENTS_MAX)
		return STANZA_POLICY_VIOLATION;
	for (const struct element *element = element_first(query); element != NULL;
	     element = element_next(query, element)) {
		if (!is_acceptable(element) || (is_bookmarks(element) && count > 1))
			return STANZA_NOT_ACCEPTABLE;
		if (comes_again(query, element))
			return STANZA_BAD_REQUEST;
	}
	return STANZA_PASS;
}

static void
read_tally(struct stanza *stanza, struct txn *txn, uint64_t account, struct tally *tally)
{
	const struct server *server = router_server(stanza->router);
	struct slice value;

	tally->was = 0;
	tally->key = account_data_key(stanza->arena, server, account, SPACE_PRIVATE_XML,
	    SLICE_EMPTY);
	if (account_data_get(server, txn, tally->key, &value, &tally->version) &&
	    value.length == sizeof(tally->was))
		memcpy(&tally->was, value.data, sizeof(tally->was));
	tally->is = tally->was;
}

/* An empty element takes the old one away: a get cannot tell the difference. */
static int
put_element(struct stanza *stanza, struct txn *txn, uint64_t account,
    const struct element *element, struct tally *tally, struct turn_request *request)
{
	const struct server *server = router_server(stanza->router);
	struct slice key = element_key(stanza, account, element);
	struct slice old, bytes = SLICE_EMPTY;
	uint64_t version;
	bool was_there = account_data_get(server, txn, key, &old, &version);

	if (!account_data_is_blank(element)) {
		bytes = account_data_bytes(stanza->arena, element,
		    (size_t)server->config->private_xml_bytes);
		if (bytes.length == 0 && limit_met(server->shm, LIMIT_PRIVATE_XML))
			return STANZA_POLICY_VIOLATION;
	}
	if (!was_there && bytes.length == 0)
		return STANZA_PASS;
	tally->is = tally->is + (bytes.length > 0) - was_there;
	request->change[request->count++] = account_data_change(key, version, bytes);
	return STANZA_PASS;
}

static int
put_tally(struct stanza *stanza, struct tally *tally, struct turn_request *request)
{
	const struct server *server = router_server(stanza->router);

	if (tally->is == tally->was)
		return STANZA_PASS;
	if (tally->is > tally->was && tally->is > server->config->private_xml_elements &&
	    limit_met(server->shm, LIMIT_PRIVATE_XML_ELEMENTS))
		return STANZA_RESOURCE_CONSTRAINT;
	request->change[request->count++] = account_data_change(tally->key, tally->version,
	    slice_of(&tally->is, tally->is > 0 ? sizeof(tally->is) : 0));
	return STANZA_PASS;
}

static int
compute_set(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct txn *txn = store_read(router_server(stanza->router)->core);
	struct tally *tally = ARENA_NEW(stanza->arena, struct tally);
	const struct element *element = element_first(stanza->payload);
	int verdict = STANZA_PASS;

	read_tally(stanza, txn, op->account, tally);
	for (; element != NULL && verdict == STANZA_PASS;
	     element = element_next(stanza->payload, element))
		verdict = put_element(stanza, txn, op->account, element, tally, request);
	txn_end(&txn);
	return verdict == STANZA_PASS ? put_tally(stanza, tally, request) : verdict;
}

static int
set_is_done(struct stanza *stanza, struct turn_op *op)
{
	return router_reply(stanza, NULL);
}

/* Changes take turns, so that a client that sends many at once is not told of conflicts with itself. */
static int
private_on_set(struct stanza *stanza)
{
	struct turn_op op = { .kind = TURN_PRIVATE,
		.account = stanza->account,
		.compute = compute_set,
		.done = set_is_done };
	int verdict = check_set(stanza->payload);

	if (verdict == STANZA_PASS && is_bookmarks(element_first(stanza->payload)))
		return bookmarks_set(stanza);
	return verdict == STANZA_PASS ? turn_begin(stanza, &op) : verdict;
}

/*
 * Nobody owns what is asked of another account: service-unavailable, which XEP-0049 2.3 allows, as for one that does
 * not exist.
 */
static const struct iq_row private_iqs[] = {
	{ NS_PRIVATE, "query", IQ_GET, SCOPE_SELF, private_on_get },
	{ NS_PRIVATE, "query", IQ_SET, SCOPE_SELF, private_on_set },
	{ 0 }
};

static const char *const private_vars[] = { "jabber:iq:private", NULL };

static const struct kept_row private_keeps[] = {
	{ STORE_CORE, STORE_DATA, SPACE_PRIVATE_XML, NULL },
	{ 0 }
};

const struct feature private_xml_feature = {
	.name = "private_xml",
	.spec = "XEP-0049 1.2",
	.about = "Keeps elements for an account's own clients.",
	.iqs = private_iqs,
	.host_vars = private_vars,
	.account_vars = private_vars,
	.keeps = private_keeps,
};
