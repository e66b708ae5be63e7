/* adhoc.c -- XEP-0050: ad-hoc commands of a host, for those who administer it. */
#include "features/adhoc.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "config/config.h"
#include "features/feature.h"
#include "stream/server.h"

#define NODE_LIST     "http://jabber.org/protocol/commands"
#define RUNS_MAX      64	/* forms that wait to be filled in, in one worker */
#define RUNS_SESSION  4		/* and of one session */
#define RUN_MS	      (UINT64_C(10) * 60 * 1000)

/* Whoever was given a form comes back by the same connection, so to the same worker. */
struct waiting_run {
	struct adhoc_run run;		/* command NULL: free */
	struct slot_ref	 origin;
	uint64_t	 deadline_ms;
};

struct adhoc {
	struct waiting_run runs[RUNS_MAX];
};

/* --- who may --- */

/*
 * CVE-2020-8086: the whole bare JID counts, as the server stamped it, and for this host alone; a resource makes
 * nobody an administrator, nor does the same name at another host.
 */
static bool
is_admin(const struct stanza *stanza)
{
	const struct option_list *admins = &stanza->host->admins;
	struct jid admin;

	if (stanza->session == NULL)
		return false;
	for (size_t i = 0; i < admins->count; i++)
		if (jid_parse(stanza->arena, slice_from_text(admins->item[i]), &admin) &&
		    jid_is_bare(&admin) && slice_equal(admin.bare, stanza->from.bare))
			return true;
	return false;
}

static const struct adhoc_command *
find_command(struct slice node)
{
	for (const struct adhoc_command *command = admin_commands; command->node != NULL; command++)
		if (slice_is(node, command->node))
			return command;
	return NULL;
}

/* --- answers --- */

static struct element *
make_answer(struct stanza *stanza, const struct adhoc_run *run, const char *status)
{
	struct arena *arena = stanza->arena;
	struct element *command = element_new(arena, NS_COMMANDS, "command");

	element_set(arena, command, "node", slice_from_text(run->command->node));
	element_set(arena, command, "sessionid", arena_copy(arena, slice_from_text(run->id)));
	element_set(arena, command, "status", slice_from_text(status));
	return command;
}

int
adhoc_complete(struct stanza *stanza, const struct adhoc_run *run, struct element *form)
{
	struct element *command = make_answer(stanza, run, "completed");

	if (form != NULL)
		element_append(stanza->arena, command, form);
	return router_reply(stanza, command);
}

/* XEP-0050 4.4: a condition of its own beside that of the stanza. */
static int
refuse(struct stanza *stanza, enum stanza_condition condition, const char *own)
{
	struct element *reply = stanza_error_reply(stanza->arena, stanza->element, condition,
	    NULL);

	element_add(stanza->arena, element_child(reply, NS_CLIENT, "error"), NS_COMMANDS, own);
	router_deliver(stanza, reply, stanza->origin);
	return STANZA_DONE;
}

/* --- what waits for a form --- */

static bool
is_of(const struct waiting_run *waiting, struct slot_ref origin)
{
	return waiting->origin.slot == origin.slot && waiting->origin.epoch == origin.epoch;
}

static bool
is_over(struct server *server, const struct waiting_run *waiting)
{
	return waiting->run.command == NULL || clock_ms() >= waiting->deadline_ms ||
	    session_find(server, waiting->origin) == NULL;
}

/* NULL: there are too many. */
static struct waiting_run *
find_room(struct server *server, struct slot_ref origin)
{
	struct waiting_run *room = NULL;
	int count = 0;

	for (size_t i = 0; i < RUNS_MAX; i++) {
		struct waiting_run *waiting = &server->adhoc->runs[i];

		if (is_over(server, waiting))
			room = waiting;
		else
			count += is_of(waiting, origin);
	}
	return count < RUNS_SESSION ? room : NULL;
}

static struct waiting_run *
find_waiting(const struct stanza *stanza, const struct adhoc_command *command, struct slice id)
{
	struct adhoc *adhoc = router_server(stanza->router)->adhoc;

	for (size_t i = 0; i < RUNS_MAX; i++) {
		struct waiting_run *waiting = &adhoc->runs[i];

		if (waiting->run.command == command && slice_is(id, waiting->run.id) &&
		    is_of(waiting, stanza->origin))
			return waiting;
	}
	return NULL;
}

/* --- the stages of a command --- */

static int
begin(struct stanza *stanza, const struct adhoc_command *command)
{
	struct arena *arena = stanza->arena;
	struct adhoc_run run = { .command = command };
	struct waiting_run *waiting;
	struct element *answer, *actions;

	random_token(run.id, ADHOC_ID_LENGTH);
	if (command->make_form == NULL)
		return command->run(stanza, &run, NULL);
	waiting = find_room(router_server(stanza->router), stanza->origin);
	if (waiting == NULL)
		return STANZA_RESOURCE_CONSTRAINT;
	*waiting = (struct waiting_run){ run, stanza->origin, clock_ms() + RUN_MS };
	answer = make_answer(stanza, &run, "executing");
	actions = element_add(arena, answer, NS_COMMANDS, "actions");
	element_set(arena, actions, "execute", SLICE("complete"));
	element_add(arena, actions, NS_COMMANDS, "complete");
	element_append(arena, answer, command->make_form(arena));
	return router_reply(stanza, answer);
}

static int
cancel(struct stanza *stanza, struct waiting_run *waiting)
{
	struct adhoc_run run = waiting->run;

	waiting->run.command = NULL;
	return router_reply(stanza, make_answer(stanza, &run, "canceled"));
}

static int
complete(struct stanza *stanza, struct waiting_run *waiting)
{
	struct element *x = element_child(stanza->payload, NS_DATA_FORMS, "x");
	struct adhoc_run run = waiting->run;
	struct data_form form;
	int verdict;

	if (x == NULL || !data_form_read(stanza->arena, x, &form) ||
	    !slice_is(form.type, "submit") ||
	    (form.form_type.length > 0 && !slice_is(form.form_type, ADMIN_FORM_TYPE)))
		return refuse(stanza, STANZA_BAD_REQUEST, "bad-payload");
	verdict = run.command->run(stanza, &run, &form);
	if (verdict == STANZA_DONE || verdict == STANZA_LATER)
		waiting->run.command = NULL;
	return verdict;
}

static int
go_on(struct stanza *stanza, const struct adhoc_command *command, struct slice id,
    struct slice action)
{
	struct waiting_run *waiting = find_waiting(stanza, command, id);

	if (waiting == NULL)
		return refuse(stanza, STANZA_BAD_REQUEST, "bad-sessionid");
	if (clock_ms() >= waiting->deadline_ms)
		return refuse(stanza, STANZA_NOT_ALLOWED, "session-expired");
	if (slice_is(action, "cancel"))
		return cancel(stanza, waiting);
	if (slice_is(action, "next") || slice_is(action, "prev"))
		return refuse(stanza, STANZA_BAD_REQUEST, "bad-action");
	return complete(stanza, waiting);
}

static bool
is_action(struct slice action)
{
	static const char *const actions[] = { "", "execute", "complete", "cancel", "next", "prev" };

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (slice_is(action, actions[i]))
			return true;
	return false;
}

static int
adhoc_on_command(struct stanza *stanza)
{
	const struct adhoc_command *command = find_command(
	    element_attribute(stanza->payload, "node"));
	struct slice id = element_attribute(stanza->payload, "sessionid");
	struct slice action = element_attribute(stanza->payload, "action");

	if (!is_admin(stanza))
		return STANZA_FORBIDDEN;
	if (command == NULL)
		return STANZA_ITEM_NOT_FOUND;
	if (!is_action(action))
		return refuse(stanza, STANZA_BAD_REQUEST, "malformed-action");
	if (id.data != NULL)
		return go_on(stanza, command, id, action);
	if (action.length > 0 && !slice_is(action, "execute"))
		return refuse(stanza, STANZA_BAD_REQUEST, "bad-action");
	return begin(stanza, command);
}

/* --- disco --- */

static void
add_identity(struct arena *arena, struct element *query, const char *type, const char *name)
{
	struct element *identity = element_add(arena, query, NS_DISCO_INFO, "identity");

	element_set(arena, identity, "category", SLICE("automation"));
	element_set(arena, identity, "type", slice_from_text(type));
	element_set(arena, identity, "name", slice_from_text(name));
}

static void
add_feature(struct arena *arena, struct element *query, const char *var)
{
	element_set(arena, element_add(arena, query, NS_DISCO_INFO, "feature"), "var",
	    slice_from_text(var));
}

static int
tell_command(struct stanza *stanza, const struct adhoc_command *command, struct element *query)
{
	if (!is_admin(stanza))
		return STANZA_FORBIDDEN;
	if (query->ns == NS_DISCO_INFO) {
		add_identity(stanza->arena, query, "command-node", command->name);
		add_feature(stanza->arena, query, NODE_LIST);
		add_feature(stanza->arena, query, "jabber:x:data");
	}
	return router_reply(stanza, query);
}

/* Others than administrators find an empty list. */
static int
tell_list(struct stanza *stanza, struct element *query)
{
	struct arena *arena = stanza->arena;
	const struct adhoc_command *command;

	if (query->ns == NS_DISCO_INFO) {
		add_identity(arena, query, "command-list", "Commands");
		return router_reply(stanza, query);
	}
	for (command = admin_commands; command->node != NULL && is_admin(stanza); command++) {
		struct element *item = element_add(arena, query, NS_DISCO_ITEMS, "item");

		element_set(arena, item, "jid", stanza->to.domain);
		element_set(arena, item, "node", slice_from_text(command->node));
		element_set(arena, item, "name", slice_from_text(command->name));
	}
	return router_reply(stanza, query);
}

static int
adhoc_on_node(struct stanza *stanza)
{
	struct slice node = element_attribute(stanza->payload, "node");
	const struct adhoc_command *command = find_command(node);
	struct element *query;

	if (!jid_is_domain(&stanza->to) || (command == NULL && !slice_is(node, NODE_LIST)))
		return STANZA_PASS;
	query = element_new(stanza->arena, stanza->payload->ns, "query");
	element_set(stanza->arena, query, "node", node);
	return command != NULL ? tell_command(stanza, command, query) : tell_list(stanza, query);
}

/* --- the feature --- */

static void
adhoc_on_start(struct server *server)
{
	server->adhoc = NEW(struct adhoc);
}

static void
adhoc_on_stop(struct server *server)
{
	memory_free(server->adhoc);
	server->adhoc = NULL;
}

static const struct iq_row adhoc_iqs[] = {
	{ NS_COMMANDS, "command", IQ_SET, SCOPE_HOST, adhoc_on_command },
	{ 0 }
};

static const char *const adhoc_vars[] = { NODE_LIST, NULL };

const struct feature adhoc_feature = {
	.name = "adhoc",
	.spec = "XEP-0050 1.3.0, XEP-0133 1.3.0",
	.about = "Commands with which the administrators of a host look after its accounts.",
	.iqs = adhoc_iqs,
	.host_vars = adhoc_vars,
	.on_start = adhoc_on_start,
	.on_stop = adhoc_on_stop,
	.on_node = adhoc_on_node,
};
