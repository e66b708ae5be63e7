/* push.c -- XEP-0357: which push services an account has enabled. */
#include "features/push.h"

#include "config/config.h"
#include "features/push_store.h"
#include "features/turn.h"
#include "shm/limits.h"
#include "stream/server.h"
#include "xml/writer.h"
#include "xmpp/data_form.h"

#define PUBLISH_OPTIONS "http://jabber.org/protocol/pubsub#publish-options"

/* Which service; STANZA_PASS, or what is wrong with it. */
static int
read_service(struct stanza *stanza, struct push_service *service)
{
	struct slice jid = element_attribute(stanza->payload, "jid");
	struct jid prepared;

	*service = (struct push_service){ .node = element_attribute(stanza->payload, "node"),
		.options = SLICE_EMPTY };
	if (jid.length == 0)
		return STANZA_BAD_REQUEST;
	if (!jid_parse(stanza->arena, jid, &prepared))
		return STANZA_JID_MALFORMED;
	service->jid = prepared.full;
	return service->node.length > PUSH_NODE_MAX ? STANZA_NOT_ACCEPTABLE : STANZA_PASS;
}

/* --- enable --- */

static int
read_options(struct stanza *stanza, struct push_service *service)
{
	struct element *x = element_first(stanza->payload);
	struct data_form form;
	size_t size;
	char *bytes;

	if (x == NULL)
		return STANZA_PASS;
	if (element_count(stanza->payload) > 1 || !element_is(x, NS_DATA_FORMS, "x") ||
	    !data_form_read(stanza->arena, x, &form) || !slice_is(form.type, "submit") ||
	    !slice_is(form.form_type, PUBLISH_OPTIONS))
		return STANZA_BAD_REQUEST;
	size = writer_write(x, NS_CLIENT, NULL, 0);
	if (size > PUSH_OPTIONS_MAX)
		return STANZA_POLICY_VIOLATION;
	bytes = arena_alloc(stanza->arena, size);
	writer_write(x, NS_CLIENT, bytes, size);
	service->options = slice_of(bytes, size);
	return STANZA_PASS;
}

/* Of one service and node the last request counts. */
static int
compute_enable(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct server *server = router_server(stanza->router);
	struct push_services *services = push_read(server, stanza->arena, op->account);
	struct push_service wanted, *service;
	int verdict = read_service(stanza, &wanted);

	if (verdict == STANZA_PASS)
		verdict = read_options(stanza, &wanted);
	if (verdict != STANZA_PASS)
		return verdict;
	service = push_find(services, wanted.jid, wanted.node);
	if (service == NULL && services->count >= server->config->push_services &&
	    limit_met(server->shm, LIMIT_PUSH_SERVICES))
		return STANZA_RESOURCE_CONSTRAINT;
	if (service == NULL)
		service = &services->service[services->count++];
	*service = wanted;
	request->change[request->count++] = push_change(services);
	return STANZA_PASS;
}

static int
just_reply(struct stanza *stanza, struct turn_op *op)
{
	return router_reply(stanza, NULL);
}

static int
push_on_enable(struct stanza *stanza)
{
	struct turn_op op = { .kind = TURN_PUSH,
		.account = stanza->account,
		.compute = compute_enable,
		.done = just_reply };

	return turn_begin(stanza, &op);
}

/* --- disable --- */

/* All nodes of the service where none is named; what was not enabled is none of the requester's worries. */
static int
compute_disable(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct push_services *services = push_read(router_server(stanza->router), stanza->arena,
	    op->account);
	struct push_service wanted;
	int verdict = read_service(stanza, &wanted);
	int before = services->count;

	if (verdict != STANZA_PASS)
		return verdict;
	for (int i = before - 1; i >= 0; i--)
		if (slice_equal(services->service[i].jid, wanted.jid) &&
		    (wanted.node.data == NULL ||
			slice_equal(services->service[i].node, wanted.node)))
			push_remove(services, &services->service[i]);
	if (services->count < before)
		request->change[request->count++] = push_change(services);
	return STANZA_PASS;
}

static int
push_on_disable(struct stanza *stanza)
{
	struct turn_op op = { .kind = TURN_PUSH,
		.account = stanza->account,
		.compute = compute_disable,
		.done = just_reply };

	return turn_begin(stanza, &op);
}

/* Nobody owns these for another account: service-unavailable, as for one that does not exist. */
static const struct iq_row push_iqs[] = {
	{ NS_PUSH, "enable", IQ_SET, SCOPE_SELF, push_on_enable },
	{ NS_PUSH, "disable", IQ_SET, SCOPE_SELF, push_on_disable },
	{ 0 }
};

static const struct stage_row push_stages[] = {
	{ STAGE_DELIVERED, "push", push_on_delivered },
	{ STAGE_ANSWER, "push", push_on_answer },
	{ 0 }
};

static const char *const push_vars[] = { "urn:xmpp:push:0", NULL };

static const struct kept_row push_keeps[] = { { STORE_CORE, STORE_PUSH, 0, NULL }, { 0 } };

const struct feature push_feature = {
	.name = "push",
	.spec = "XEP-0357 0.4.1",
	.about = "Tells the push services an account has named that a message waits, so that they wake its clients.",
	.iqs = push_iqs,
	.stages = push_stages,
	.account_vars = push_vars,
	.keeps = push_keeps,
	.on_hibernating = push_on_hibernating,
};
