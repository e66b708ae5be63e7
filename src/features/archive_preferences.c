/* archive_preferences.c -- XEP-0441: with whom an account keeps its messages. */
#include "features/archive.h"

#include <endian.h>

#include "base/buffer.h"
#include "base/memo.h"
#include "base/result.h"
#include "features/roster_store.h"
#include "routing/pending.h"
#include "session/session.h"
#include "stream/server.h"

#define JIDS_MAX 500	/* in both lists together */

/* In the store: the default's letter; then for each JID its list, its length and itself. */
#define KEEPS_ALL SLICE("a")	/* also where nothing is stored */

enum list { LIST_ALWAYS = '+', LIST_NEVER = '-' };

static const struct {
	char	    letter;
	const char *word;
} defaults[] = { { 'a', "always" }, { 'n', "never" }, { 'r', "roster" } };

#define DEFAULTS (sizeof(defaults) / sizeof(defaults[0]))

/* --- in the store --- */

static struct slice
load(struct archive *archive, struct txn *txn, uint64_t account)
{
	uint64_t key = htobe64(account), version;
	struct slice value;

	return store_get(archive->server->msg, txn, STORE_PREFERENCES,
		   slice_of(&key, sizeof(key)), &value, &version) &&
		value.length > 0
	    ? value
	    : KEEPS_ALL;
}

/* Takes the next JID off; false at the end. */
static bool
next_jid(struct slice *rest, enum list *list, struct slice *jid)
{
	uint16_t length;

	if (rest->length < 3)
		return false;
	memcpy(&length, rest->data + 1, sizeof(length));
	if (rest->length - 3 < length)
		return false;
	*list = (enum list)rest->data[0];
	*jid = slice_of(rest->data + 3, length);
	*rest = slice_after(*rest, 3u + length);
	return true;
}

static void
append_jid(struct buffer *out, enum list list, struct slice jid)
{
	uint16_t length = (uint16_t)jid.length;

	buffer_append_byte(out, (char)list);
	buffer_append(out, slice_of(&length, sizeof(length)));
	buffer_append(out, jid);
}

static bool
is_contact(struct server *server, uint64_t account, struct slice bare)
{
	struct txn *txn = store_read(server->core);
	struct roster_item item;
	struct roster roster;
	struct arena arena;
	bool is_listed;

	arena_init(&arena);
	roster_read(&roster, server, &arena, txn, account);
	is_listed = roster_find(&roster, bare, &item) && (item.flags & ROSTER_LISTED) != 0;
	arena_clear(&arena);
	txn_end(&txn);
	return is_listed;
}

/* XEP-0441 2.3: a bare JID in a list stands for all its resources. "Never" is the wish that counts. */
static bool
is_wanted(struct archive *archive, uint64_t account, struct slice stored,
    const struct jid *peer)
{
	struct slice rest = slice_after(stored, 1), jid;
	char letter = stored.data[0];
	bool always = false;
	enum list list;

	while (next_jid(&rest, &list, &jid)) {
		if (!slice_equal(jid, peer->full) && !slice_equal(jid, peer->bare))
			continue;
		if (list == LIST_NEVER)
			return false;
		always = true;
	}
	return always || letter == 'a' ||
	    (letter == 'r' && is_contact(archive->server, account, peer->bare));
}

/* Most have no preferences, and are asked with every message. */
bool
archive_wants(struct archive *archive, uint64_t account, const struct jid *peer)
{
	uint64_t state = store_changes(archive->server->shm, STORE_MSG, STORE_PREFERENCES);
	struct slice stored;
	struct txn *txn;
	bool wanted;

	if (memo_has(archive->keeps_all, account, state))
		return true;
	txn = store_read(archive->server->msg);
	stored = load(archive, txn, account);
	wanted = is_wanted(archive, account, stored, peer);
	if (slice_equal(stored, KEEPS_ALL) && txn_error(txn) == RESULT_OK)
		memo_note(archive->keeps_all, account, state);
	txn_end(&txn);
	return wanted;
}

/* --- as a client sees them --- */

static int
answer(struct stanza *stanza, struct slice stored)
{
	struct arena *arena = stanza->arena;
	struct element *prefs = element_new(arena, NS_MAM, "prefs");
	struct element *always = element_add(arena, prefs, NS_MAM, "always");
	struct element *never = element_add(arena, prefs, NS_MAM, "never");
	struct slice rest = slice_after(stored, 1), jid;
	enum list list;

	for (size_t i = 0; i < DEFAULTS; i++)
		if (defaults[i].letter == stored.data[0])
			element_set(arena, prefs, "default", slice_from_text(defaults[i].word));
	while (next_jid(&rest, &list, &jid))
		element_add_text(arena,
		    element_add(arena, list == LIST_ALWAYS ? always : never, NS_MAM, "jid"),
		    jid);
	return router_reply(stanza, prefs);
}

int
archive_on_preferences_get(struct stanza *stanza)
{
	struct archive *archive = router_server(stanza->router)->archive;
	struct txn *txn = store_read(archive->server->msg);
	struct slice stored = arena_copy(stanza->arena, load(archive, txn, stanza->account));

	txn_end(&txn);
	return answer(stanza, stored);
}

static int
read_default(struct slice word, struct buffer *out)
{
	for (size_t i = 0; i < DEFAULTS; i++)
		if (slice_is(word, defaults[i].word)) {
			buffer_append_byte(out, defaults[i].letter);
			return STANZA_PASS;
		}
	return STANZA_BAD_REQUEST;
}

static bool
is_listed(struct slice stored, struct slice jid)
{
	struct slice rest = slice_after(stored, 1), other;
	enum list list;

	while (next_jid(&rest, &list, &other))
		if (slice_equal(other, jid))
			return true;
	return false;
}

static int
read_list(struct stanza *stanza, const struct element *from, enum list list, struct buffer *out,
    int *count)
{
	struct element *child = from == NULL ? NULL : element_first(from);
	struct jid jid;

	for (; child != NULL; child = element_next(from, child)) {
		if (!element_is(child, NS_MAM, "jid"))
			return STANZA_BAD_REQUEST;
		if (!jid_parse(stanza->arena,
			slice_trim(element_text(stanza->arena, child)), &jid))
			return STANZA_JID_MALFORMED;
		if (is_listed(buffer_slice(out), jid.full))
			continue;
		if (++*count > JIDS_MAX)
			return STANZA_POLICY_VIOLATION;
		append_jid(out, list, jid.full);
	}
	return STANZA_PASS;
}

/* A JID in both lists is never kept: that list comes first, and a JID counts once. */
static int
read_preferences(struct stanza *stanza, struct buffer *out)
{
	const struct element *prefs = stanza->payload;
	int count = 0;
	int verdict = read_default(element_attribute(prefs, "default"), out);

	if (verdict == STANZA_PASS)
		verdict = read_list(stanza, element_child(prefs, NS_MAM, "never"), LIST_NEVER,
		    out, &count);
	if (verdict == STANZA_PASS)
		verdict = read_list(stanza, element_child(prefs, NS_MAM, "always"), LIST_ALWAYS,
		    out, &count);
	return verdict;
}

static int
on_stored(struct stanza *stanza, int result, void *data)
{
	struct slice *stored = data;

	if (result != RESULT_OK)
		return result == RESULT_FULL ? STANZA_RESOURCE_CONSTRAINT
					     : STANZA_INTERNAL_SERVER_ERROR;
	return answer(stanza, slice_of(stored + 1, stored->length));
}

/* What was stored travels along: a length, then the bytes. */
static int
ask(struct stanza *stanza, struct slice stored)
{
	uint64_t key = htobe64(stanza->account);
	size_t size = sizeof(stored) + stored.length;
	struct slice *copy = arena_alloc(stanza->arena, size);
	struct store_change change = { .verb = STORE_SET,
		.table = STORE_PREFERENCES,
		.version = STORE_ANY_VERSION,
		.key = slice_of(&key, sizeof(key)),
		.value = stored };

	*copy = stored;
	memcpy(copy + 1, stored.data, stored.length);
	return pending_ask(stanza, STORE_MSG, &change, 1, on_stored, copy, size);
}

int
archive_on_preferences_set(struct stanza *stanza)
{
	struct buffer stored;
	int verdict;

	buffer_init(&stored);
	verdict = read_preferences(stanza, &stored);
	if (verdict == STANZA_PASS)
		verdict = ask(stanza, buffer_slice(&stored));
	buffer_clear(&stored);
	return verdict;
}
