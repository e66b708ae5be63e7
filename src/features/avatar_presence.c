/* avatar_presence.c -- XEP-0398 4: presence tells the name of the account's picture (XEP-0153), and tells it again when it changes. */
#include "features/avatar.h"

#include "config/config.h"
#include "features/feature.h"
#include "features/presence.h"
#include "session/session.h"
#include "shm/registry.h"
#include "stream/server.h"
#include "xml/fragment.h"

/* In session->private: the empty photo in its presence is the server's word, not the client's. */
static char none_by_server;

static bool
is_on(const struct server *server, const struct jid *jid)
{
	const struct config_host *host = config_find_host(server->config, jid->domain);

	return host != NULL && host->avatar_conversion;
}

/* --- the stamp --- */

static struct element *
photo_of(const struct element *presence)
{
	struct element *update = element_child(presence, NS_VCARD_UPDATE, "x");

	return update == NULL ? NULL : element_child(update, NS_VCARD_UPDATE, "photo");
}

static void
stamp(struct arena *arena, struct element *presence, enum picture picture, struct slice id)
{
	struct element *update, *photo;

	while ((update = element_child(presence, NS_VCARD_UPDATE, "x")) != NULL)
		element_remove(presence, update);
	update = element_add(arena, presence, NS_VCARD_UPDATE, "x");
	photo = element_add(arena, update, NS_VCARD_UPDATE, "photo");
	if (picture == PICTURE_THERE)
		element_add_text(arena, photo, id);
}

static void
note(struct session *session, enum picture picture)
{
	session->private[PRIVATE_AVATAR] = picture == PICTURE_NONE ? &none_by_server : NULL;
}

/* Whose client says that it shows none is left alone. */
static int
avatar_on_submit(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct session *session = stanza->session;
	enum picture picture = PICTURE_UNKNOWN;
	struct element *photo;
	struct slice id;

	if (stanza->kind != KIND_PRESENCE || stanza->type != TYPE_AVAILABLE || session == NULL ||
	    !is_on(server, &session->jid))
		return STANZA_PASS;
	photo = photo_of(stanza->element);
	if (photo == NULL || photo->first != NULL)
		picture = avatar_of(server, stanza->arena, session->account, &id);
	if (picture != PICTURE_UNKNOWN)
		stamp(stanza->arena, stanza->element, picture, id);
	if (stanza->to.domain.length == 0)
		note(session, picture);
	return STANZA_PASS;
}

/* --- told again --- */

void
avatar_on_published(struct stanza *stanza, struct slice node)
{
	struct server *server = router_server(stanza->router);
	struct route routes[RECIPIENTS_MAX];
	struct txn *txn;
	int count;

	if (!slice_is(node, "urn:xmpp:avatar:metadata") || !is_on(server, &stanza->to))
		return;
	txn = registry_read(server->registry);
	count = registry_find(server->registry, txn, stanza->account, routes, RECIPIENTS_MAX);
	txn_end(&txn);
	for (int i = 0; i < count; i++)
		if (routes[i].flags & SLOT_AVAILABLE)
			session_look(server, routes[i].session);
}

/* The presence that is kept for later, without the age it was given. */
static struct element *
read_kept(struct session *session, struct arena *arena)
{
	struct registry *registry = session->server->registry;
	struct txn *txn = registry_read(registry);
	struct element *presence = NULL, *delay;
	struct slice bytes;
	struct route route;

	if (registry_find_resource(registry, txn, session->account, session->jid.resource,
		&route) &&
	    registry_presence(registry, txn, session->account, route.resource_hash, &bytes))
		presence = fragment_read(arena, bytes);
	txn_end(&txn);
	if (presence == NULL)
		return NULL;
	for (delay = element_first(presence); delay != NULL; delay = element_next(presence, delay))
		if (element_is(delay, NS_DELAY, "delay") &&
		    slice_equal(element_attribute(delay, "from"), session->jid.domain))
			break;
	if (delay != NULL)
		element_remove(presence, delay);
	return presence;
}

static bool
is_told(struct arena *arena, struct session *session, const struct element *presence,
    enum picture picture, struct slice id)
{
	const struct element *photo = photo_of(presence);

	if (photo == NULL)
		return false;
	if (photo->first == NULL)
		return picture == PICTURE_NONE ||
		    session->private[PRIVATE_AVATAR] != &none_by_server;
	return picture == PICTURE_THERE && slice_equal(element_text(arena, photo), id);
}

/* As if the client had sent its presence again. */
static int
tell_again(struct stanza *stanza, void *context)
{
	struct session *session = context;
	struct slice id;
	enum picture picture = avatar_of(session->server, stanza->arena, session->account, &id);
	struct element *presence = picture == PICTURE_UNKNOWN
	    ? NULL
	    : read_kept(session, stanza->arena);

	if (presence == NULL || is_told(stanza->arena, session, presence, picture, id))
		return STANZA_DONE;
	stamp(stanza->arena, presence, picture, id);
	note(session, picture);
	stanza->element = presence;
	stanza->session = session;
	return presence_again(stanza);
}

static void
avatar_on_look(struct session *session)
{
	if (session->available && !session->ending && is_on(session->server, &session->jid))
		router_act(session->server, session->jid.full, tell_again, session);
}

static const struct stage_row avatar_stages[] = {
	{ STAGE_SUBMIT, "avatar", avatar_on_submit },
	{ 0 }
};

static bool
avatar_is_on(const struct config_host *host)
{
	return host->avatar_conversion;
}

static const char *const avatar_vars[] = { "urn:xmpp:pep-vcard-conversion:0", NULL };

const struct feature avatar_feature = {
	.name = "avatar",
	.spec = "XEP-0398 1.0.0, XEP-0153 1.1.1",
	.about = "Shows the picture that an account publishes in its card and presence, and publishes the card's.",
	.stages = avatar_stages,
	.account_vars = avatar_vars,
	.is_on = avatar_is_on,
	.on_look = avatar_on_look,
};
