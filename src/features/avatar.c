/* avatar.c -- XEP-0398: the picture of an account is one, in its nodes, its card and its presence. */
#include "features/avatar.h"

#include "auth/digest.h"
#include "base/text.h"
#include "config/config.h"
#include "features/account_data.h"
#include "features/feature.h"
#include "features/pep.h"
#include "session/session.h"
#include "shm/limits.h"
#include "stream/server.h"
#include "xml/fragment.h"
#include "xmpp/data_form.h"

#define DATA	 SLICE("urn:xmpp:avatar:data")
#define METADATA SLICE("urn:xmpp:avatar:metadata")
#define ID_SIZE	 41	/* SHA-1 in hexadecimal, and a NUL */

struct avatar {
	struct pep   pep;
	struct slice owner;
	struct slice reader;	/* empty: all who may see the owner's presence */
	struct slice id, type;
	struct slice base64;	/* of the picture, without white space */
};

/* --- the picture of the nodes --- */

static bool
may_see(struct avatar *avatar, const struct pep_node *node)
{
	return avatar->reader.length == 0
	    ? node->config.access == PEP_OPEN || node->config.access == PEP_PRESENCE
	    : pep_may_read(&avatar->pep, node, avatar->owner, avatar->reader);
}

/* XEP-0084 4.2.1: of several the one that stands here, and not at some address. */
static const struct element *
info_of(const struct element *metadata)
{
	for (struct element *info = element_first(metadata); info != NULL;
	     info = element_next(metadata, info))
		if (element_is(info, NS_AVATAR_METADATA, "info") &&
		    element_attribute(info, "url").data == NULL &&
		    element_attribute(info, "id").length == ID_SIZE - 1)
			return info;
	return NULL;
}

/* NONE where the owner says that there is no picture: metadata with nothing inside. */
static enum picture
read_metadata(struct avatar *avatar)
{
	struct element *metadata;
	const struct element *info;
	struct pep_node node;
	struct pep_item *items;
	int count;

	if (!pep_find_node(&avatar->pep, METADATA, &node) || !may_see(avatar, &node))
		return PICTURE_UNKNOWN;
	count = pep_items(&avatar->pep, &node, &items);
	metadata = count == 0 ? NULL
			      : fragment_read(avatar->pep.arena, items[count - 1].payload);
	if (metadata == NULL || !element_is(metadata, NS_AVATAR_METADATA, "metadata"))
		return PICTURE_UNKNOWN;
	info = info_of(metadata);
	if (info == NULL)
		return element_first(metadata) == NULL ? PICTURE_NONE : PICTURE_UNKNOWN;
	avatar->id = element_attribute(info, "id");
	avatar->type = element_attribute(info, "type");
	return PICTURE_THERE;
}

static void
open_nodes(struct avatar *avatar, struct server *server, struct arena *arena, uint64_t account)
{
	pep_read(&avatar->pep, server, arena, store_read(server->core), account);
}

/* --- bytes --- */

static struct slice
without_space(struct arena *arena, struct slice text)
{
	char *out = arena_alloc(arena, text.length + 1);
	size_t length = 0;

	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\r' &&
		    text.data[i] != '\n')
			out[length++] = text.data[i];
	return slice_of(out, length);
}

/* Its bytes, and their name; false: there are none, or too many, or they are no base64. */
static bool
take_bytes(const struct server *server, struct arena *arena, const struct element *element,
    struct slice *base64, long *count, char id[ID_SIZE])
{
	uint8_t digest[DIGEST_MAX];
	char *bytes;

	if (element == NULL)
		return false;
	*base64 = without_space(arena, element_text(arena, element));
	bytes = arena_alloc(arena, base64->length + 1);
	*count = text_base64_decode(*base64, bytes, base64->length);
	if (*count <= 0 || *count > server->config->avatar_bytes)
		return false;
	digest_hash(SCRAM_SHA_1, slice_of(bytes, (size_t)*count), digest);
	text_hex_encode(slice_of(digest, 20), id);
	return true;
}

/* --- shown in presence --- */

enum picture
avatar_of(struct server *server, struct arena *arena, uint64_t account, struct slice *id)
{
	struct avatar avatar = { 0 };
	enum picture picture;

	open_nodes(&avatar, server, arena, account);
	picture = read_metadata(&avatar);
	txn_end(&avatar.pep.txn);
	*id = avatar.id;
	return picture;
}

/* --- shown in the card --- */

static bool
read_data(struct avatar *avatar)
{
	struct element *data;
	struct pep_node node;
	struct pep_item item;
	char id[ID_SIZE];
	long count;

	if (!pep_find_node(&avatar->pep, DATA, &node) || !may_see(avatar, &node) ||
	    !pep_find_item(&avatar->pep, &node, avatar->id, &item))
		return false;
	data = fragment_read(avatar->pep.arena, item.payload);
	return data != NULL && element_is(data, NS_AVATAR_DATA, "data") &&
	    take_bytes(avatar->pep.server, avatar->pep.arena, data, &avatar->base64, &count, id) &&
	    slice_equal(slice_from_text(id), avatar->id);
}

static void
remove_photos(struct element *card)
{
	struct element *photo;

	while ((photo = element_child(card, NS_VCARD, "PHOTO")) != NULL)
		element_remove(card, photo);
}

static void
add_photo(struct arena *arena, struct element *card, const struct avatar *avatar)
{
	struct element *photo = element_add(arena, card, NS_VCARD, "PHOTO");

	if (avatar->type.length > 0)
		element_add_text(arena, element_add(arena, photo, NS_VCARD, "TYPE"),
		    avatar->type);
	element_add_text(arena, element_add(arena, photo, NS_VCARD, "BINVAL"), avatar->base64);
}

struct element *
avatar_in_card(struct stanza *stanza, struct element *card)
{
	struct avatar avatar = { .owner = stanza->to.bare, .reader = stanza->from.bare };
	enum picture picture;

	if (!stanza->host->avatar_conversion)
		return card;
	open_nodes(&avatar, router_server(stanza->router), stanza->arena, stanza->account);
	picture = read_metadata(&avatar);
	if (picture == PICTURE_THERE && !read_data(&avatar))
		picture = PICTURE_UNKNOWN;
	txn_end(&avatar.pep.txn);
	if (picture == PICTURE_UNKNOWN || (picture == PICTURE_NONE && card == NULL))
		return card;
	if (card == NULL)
		card = element_new(stanza->arena, NS_VCARD, "vCard");
	remove_photos(card);
	if (picture == PICTURE_THERE)
		add_photo(stanza->arena, card, &avatar);
	return card;
}

/* --- taken from the card --- */

/* A card is shown to everybody, and so is a node that is made for its picture. */
static void
open_new_node(struct stanza *stanza, struct element *pubsub, struct slice node)
{
	struct element *options, *form;
	struct avatar avatar;
	struct pep_node found;
	bool exists;

	open_nodes(&avatar, router_server(stanza->router), stanza->arena, stanza->account);
	exists = pep_find_node(&avatar.pep, node, &found);
	txn_end(&avatar.pep.txn);
	if (exists)
		return;
	options = element_add(stanza->arena, pubsub, NS_PUBSUB, "publish-options");
	form = data_form_new(stanza->arena, "submit",
	    "http://jabber.org/protocol/pubsub#publish-options");
	data_form_add_value(stanza->arena,
	    data_form_add(stanza->arena, form, "pubsub#access_model", NULL, NULL), SLICE("open"));
	element_append(stanza->arena, options, form);
}

/* One <publish/>, as if the account had sent it; nobody waits for the answer. */
static int
publish(struct stanza *stanza, void *context)
{
	struct element *action = context;
	struct element *pubsub = element_new(stanza->arena, NS_PUBSUB, "pubsub");

	stanza->element = element_new(stanza->arena, NS_CLIENT, "iq");
	element_set(stanza->arena, stanza->element, "type", SLICE("set"));
	element_set(stanza->arena, stanza->element, "id", SLICE("avatar"));
	element_append(stanza->arena, pubsub, element_copy(stanza->arena, action));
	element_append(stanza->arena, stanza->element, pubsub);
	stanza->kind = KIND_IQ;
	stanza->type = TYPE_SET;
	stanza->id = SLICE("avatar");
	stanza->payload = pubsub;
	stanza->to = stanza->from;
	stanza->account = router_account(stanza->router, &stanza->from);
	if (stanza->account == 0)
		return STANZA_DONE;
	open_new_node(stanza, pubsub, element_attribute(action, "node"));
	return pep_on_publish(stanza, element_first(pubsub));
}

/* What stands inside the item is the caller's to fill. */
static struct element *
new_publish(struct arena *arena, struct slice node, struct slice id, struct element **item)
{
	struct element *action = element_new(arena, NS_PUBSUB, "publish");

	element_set(arena, action, "node", node);
	*item = element_add(arena, action, NS_PUBSUB, "item");
	if (id.length > 0)
		element_set(arena, *item, "id", id);
	return action;
}

static struct element *
new_data(struct arena *arena, const struct avatar *avatar)
{
	struct element *item;
	struct element *action = new_publish(arena, DATA, avatar->id, &item);

	element_add_text(arena, element_add(arena, item, NS_AVATAR_DATA, "data"),
	    avatar->base64);
	return action;
}

/* Without an id: that there is no picture any more. */
static struct element *
new_metadata(struct arena *arena, const struct avatar *avatar, long bytes)
{
	struct element *item, *metadata, *info;
	struct element *action = new_publish(arena, METADATA, avatar->id, &item);

	metadata = element_add(arena, item, NS_AVATAR_METADATA, "metadata");
	if (avatar->id.length == 0)
		return action;
	info = element_add(arena, metadata, NS_AVATAR_METADATA, "info");
	element_set(arena, info, "id", avatar->id);
	element_set(arena, info, "type", avatar->type);
	element_set(arena, info, "bytes", arena_printf(arena, "%ld", bytes));
	return action;
}

static const struct element *
photo_part(const struct element *card, const char *name)
{
	const struct element *photo =
	    card == NULL ? NULL : element_child(card, NS_VCARD, "PHOTO");

	return photo == NULL ? NULL : element_child(photo, NS_VCARD, name);
}

static void
publish_picture(struct server *server, struct arena *arena, const struct element *card,
    const struct avatar *now)
{
	const struct element *type = photo_part(card, "TYPE");
	struct avatar next = { .owner = now->owner };
	char id[ID_SIZE];
	long bytes = 0;

	if (take_bytes(server, arena, photo_part(card, "BINVAL"), &next.base64, &bytes, id)) {
		next.id = slice_from_text(id);
		next.type = type == NULL ? SLICE("image/png") : element_text(arena, type);
	}
	if (slice_equal(next.id, now->id))
		return;
	if (next.id.length > 0)
		router_act(server, next.owner, publish, new_data(arena, &next));
	router_act(server, next.owner, publish, new_metadata(arena, &next, bytes));
}

/* The card is read again: another one may have been committed meanwhile. */
static void
look_at_card(struct server *server, void *data)
{
	struct avatar now = { .owner = slice_from_text(data) };
	struct element *card;
	struct arena arena;
	uint64_t account;
	struct jid jid;

	jid_split(now.owner, &jid);
	account = router_account(server->router, &jid);
	if (account == 0)
		return;
	arena_init(&arena);
	now.reader = now.owner;
	open_nodes(&now, server, &arena, account);
	read_metadata(&now);
	txn_end(&now.pep.txn);
	card = account_data_element(&arena, server,
	    account_data_key(&arena, server, account, SPACE_VCARD, SLICE_EMPTY));
	publish_picture(server, &arena, card, &now);
	arena_clear(&arena);
}

void
avatar_publish_card(struct stanza *stanza)
{
	struct slice owner = arena_printf(stanza->arena, SLICE_FMT,
	    SLICE_ARG(stanza->from.bare));

	if (!stanza->host->avatar_conversion)
		return;
	router_after(stanza->router, look_at_card, owner.data, owner.length + 1);
}

bool
avatar_is_too_large(struct stanza *stanza, const struct element *card)
{
	const struct element *photo = photo_part(card, "BINVAL");
	struct server *server = router_server(stanza->router);
	size_t most = (size_t)server->config->avatar_bytes;

	return stanza->host->avatar_conversion && photo != NULL &&
	    without_space(stanza->arena, element_text(stanza->arena, photo)).length >
		TEXT_BASE64_LENGTH(most) &&
	    limit_met(server->shm, LIMIT_AVATAR);
}
