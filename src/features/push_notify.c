/* push_notify.c -- XEP-0357 7: what is published to push services, and what their answers mean. */
#include "features/push.h"

#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "features/content.h"
#include "features/offline.h"
#include "features/push_store.h"
#include "features/turn.h"
#include "shm/slots.h"
#include "stream/server.h"
#include "xml/fragment.h"
#include "xmpp/data_form.h"

#define SUMMARY	   "urn:xmpp:push:summary"
#define BODY_MAX   1024	/* bytes of a body that are shown */
#define ERRORS_MAX 8	/* that may pass, in a row; the next one disables */

/* --- what is published --- */

static void
add_field(struct arena *arena, struct element *form, const char *var, struct slice value)
{
	data_form_add_value(arena, data_form_add(arena, form, var, NULL, NULL), value);
}

/* Not in the middle of a character. */
static struct slice
start_of(struct slice body)
{
	struct slice rest = body;

	while (rest.length > 0 && body.length - rest.length < BODY_MAX - 4)
		text_utf8_next(&rest);
	return slice_of(body.data, body.length - rest.length);
}

/* What a message forbids to keep is shown to no third party. */
static void
add_message(struct arena *arena, struct element *form, const struct config_host *host,
    const struct stanza *message)
{
	struct element *body = element_child(message->element, NS_CLIENT, "body");

	if (content_of(message->element) & (CONTENT_NO_STORE | CONTENT_NO_PERMANENT_STORE))
		return;
	if (host->push_sender)
		add_field(arena, form, "last-message-sender", message->from.full);
	if (host->push_body && body != NULL)
		add_field(arena, form, "last-message-body", start_of(element_text(arena, body)));
}

static struct element *
make_summary(struct arena *arena, const struct config_host *host, const struct stanza *message,
    uint64_t count)
{
	struct element *form = data_form_new(arena, "submit", SUMMARY);

	add_field(arena, form, "message-count",
	    arena_printf(arena, "%llu", (unsigned long long)count));
	if (message != NULL)
		add_message(arena, form, host, message);
	return form;
}

static void
publish(struct push_services *services, const struct push_service *service,
    const struct config_host *host, struct element *summary)
{
	struct arena *arena = services->arena;
	struct element *iq = element_new(arena, NS_CLIENT, "iq");
	struct element *pubsub = element_add(arena, iq, NS_PUBSUB, "pubsub");
	struct element *child = element_add(arena, pubsub, NS_PUBSUB, "publish");
	struct element *options;

	element_set(arena, iq, "type", SLICE("set"));
	element_set(arena, iq, "id", push_id(services, service));
	element_set(arena, iq, "from", slice_from_text(host->name));
	element_set(arena, iq, "to", service->jid);
	if (service->node.length > 0)
		element_set(arena, child, "node", service->node);
	child = element_add(arena, child, NS_PUBSUB, "item");
	child = element_add(arena, child, NS_PUSH, "notification");
	element_append(arena, child, element_copy(arena, summary));
	options = service->options.length == 0 ? NULL : fragment_read(arena, service->options);
	if (options != NULL)
		element_append(arena, element_add(arena, pubsub, NS_PUBSUB, "publish-options"),
		    options);
	router_send_later(services->server->router, iq);
}

void
push_notify_account(struct server *server, uint64_t account, struct slice bare_jid,
    const struct stanza *message, uint64_t count)
{
	const struct config_host *host;
	struct push_services *services;
	struct element *summary;
	struct arena arena;
	struct jid jid;

	arena_init(&arena);
	services = push_read(server, &arena, account);
	jid_split(bare_jid, &jid);
	host = config_find_host(server->config, jid.domain);
	if (services->count > 0 && host != NULL) {
		summary = make_summary(&arena, host, message, count);
		for (int i = 0; i < services->count; i++)
			publish(services, &services->service[i], host, summary);
	}
	arena_clear(&arena);
}

/* --- when --- */

#define WAKES (CONTENT_BODY | CONTENT_ENCRYPTED | CONTENT_CALL | CONTENT_INVITE)

bool
push_is_due(const struct stanza *message)
{
	unsigned content = content_of(message->element);

	return message->kind == KIND_MESSAGE && message->type <= TYPE_GROUPCHAT &&
	    (content & WAKES) && !(content & CONTENT_NO_STORE) &&
	    !slice_equal(message->from.bare, message->to.bare);
}

void
push_notify_kept(const struct stanza *message)
{
	struct server *server = router_server(message->router);

	if (push_is_due(message))
		push_notify_account(server, message->account, message->to.bare, message,
		    offline_count(server, message->account));
}

static bool
is_asleep(struct server *server, const struct route *route)
{
	const struct slot *slot = slot_find(server->shm, route->session);

	return slot != NULL &&
	    (atomic_load(&slot->flags) & (SLOT_INACTIVE | SLOT_HIBERNATING)) != 0;
}

/* Copies (XEP-0280) count as well: the sleeping client shows them. What nobody got is kept: push_notify_kept(). */
static bool
goes_to_sleeper(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	const struct recipients *recipients = stanza->recipients;
	bool is_copied = (content_of(stanza->element) & (CONTENT_PRIVATE | CONTENT_NO_COPY)) == 0;
	bool was_given = false, sleeps = false;

	for (int i = 0; i < recipients->count; i++) {
		const struct route *route = &recipients->route[i];

		was_given |= recipients->got[i];
		sleeps |= (recipients->got[i] || (is_copied && (route->flags & SLOT_CARBONS))) &&
		    is_asleep(server, route);
	}
	return was_given && sleeps;
}

int
push_on_delivered(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);

	if (push_is_due(stanza) && goes_to_sleeper(stanza))
		push_notify_account(server, stanza->account, stanza->to.bare, stanza,
		    offline_count(server, stanza->account) + 1);
	return STANZA_PASS;
}

/* --- what came of it --- */

/* XEP-0357 7.1: an error disables, but those that ask for patience only when there are too many of them. */
static bool
is_final(const struct stanza *answer, const struct push_service *service)
{
	struct element *error = element_child(answer->element, NS_CLIENT, "error");

	return error == NULL || !slice_is(element_attribute(error, "type"), "wait") ||
	    service->errors >= ERRORS_MAX;
}

/* Of the service that is asked alone. */
static struct push_service *
service_of(struct stanza *answer, struct push_services *services)
{
	struct push_service *service = push_find_id(services, answer->id);

	return service != NULL && slice_equal(service->jid, answer->from.full) ? service : NULL;
}

static int
compute_answer(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct push_services *services = push_read(router_server(stanza->router), stanza->arena,
	    op->account);
	struct push_service *service = service_of(stanza, services);

	if (service == NULL)
		return STANZA_DONE;
	if (stanza->type == TYPE_RESULT)
		service->errors = 0;
	else if (!is_final(stanza, service))
		service->errors++;
	else
		push_remove(services, service);
	request->change[request->count++] = push_change(services);
	return STANZA_PASS;
}

static int
answer_is_noted(struct stanza *stanza, struct turn_op *op)
{
	log_info(LOG_FEATURE, "push service answered", "account=%llu service=" SLICE_FMT " type=%s",
	    (unsigned long long)op->account, SLICE_ARG(stanza->from.full),
	    stanza_type_name(stanza->type));
	return STANZA_DONE;
}

int
push_on_answer(struct stanza *stanza)
{
	struct turn_op op = { .kind = TURN_PUSH,
		.compute = compute_answer,
		.done = answer_is_noted };
	struct push_service *service;

	if (!push_id_account(stanza->id, &op.account))
		return STANZA_PASS;
	service = service_of(stanza,
	    push_read(router_server(stanza->router), stanza->arena, op.account));
	if (service == NULL || (stanza->type == TYPE_RESULT && service->errors == 0))
		return STANZA_DONE;
	return turn_begin(stanza, &op);
}
