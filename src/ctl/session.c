/* session.c -- `session FULL-JID`: the properties of one session by their names. */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/result.h"
#include "config/config.h"
#include "ctl/answer.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/print.h"
#include "ctl/resumption.h"
#include "ctl/session_view.h"
#include "features/roster_store.h"
#include "shm/registry.h"
#include "shm/store.h"
#include "stream/server.h"

/* What the roster of the account holds; false when the store cannot be read. */
struct roster_view {
	bool	 is_known;
	uint32_t items;
	uint64_t version;
};

static struct roster_view
roster_of(struct ctl *ctl, const struct session_view *view)
{
	struct server server = { 0 };
	struct roster_view found = { 0 };
	struct roster roster;
	struct txn *txn;

	if (store_open(ctl->config->data_dir, STORE_CORE, false, &server.core) != RESULT_OK)
		return found;
	txn = store_read(server.core);
	roster_read(&roster, &server, &ctl->arena, txn, view->account);
	txn_end(&txn);
	store_close(&server.core);
	return (struct roster_view){ !roster.is_corrupt, roster.items, roster.version };
}

static const struct session_view *
find(const struct session_views *views, const struct jid *jid)
{
	for (size_t i = 0; i < views->count; i++)
		if (session_view_is(&views->all[i], jid))
			return &views->all[i];
	return NULL;
}

/* The last non-directed presence, as it was sent to others; empty: none. */
static struct slice
presence_of(struct ctl *ctl, const struct session_view *view)
{
	struct txn *txn = registry_read(ctl->registry);
	struct slice presence = SLICE_EMPTY, copy = SLICE_EMPTY;

	if (registry_presence(ctl->registry, txn, view->account, view->resource_hash,
			      &presence))
		copy = arena_copy(&ctl->arena, presence);
	txn_end(&txn);
	return copy;
}

static void
property(const char *name, struct slice value)
{
	struct buffer safe;

	buffer_init(&safe);
	print_safe(&safe, value);
	printf("%-10s  " SLICE_FMT "\n", name, SLICE_ARG(buffer_slice(&safe)));
	buffer_clear(&safe);
}

static struct slice
conn_text(struct ctl *ctl, const struct session_view *view)
{
	if ((view->flags & SLOT_HIBERNATING) != 0)
		return arena_printf(&ctl->arena,
				    "none, worker %" PRIu32 " (process %" PRIu32 ")",
				    view->worker, view->pid);
	return arena_printf(
	    &ctl->arena,
	    (view->flags & SLOT_IPV6) != 0
		? "[%s]:%" PRIu32 ", worker %" PRIu32 " (process %" PRIu32 "), %s"
		: "%s:%" PRIu32 ", worker %" PRIu32 " (process %" PRIu32 "), %s",
	    view->address, view->port, view->worker, view->pid,
	    view->tls[0] != '\0' ? view->tls : "no TLS");
}

static struct slice
yes_or_no(bool value)
{
	return value ? SLICE("true") : SLICE("false");
}

static struct slice
roster_text(struct ctl *ctl, const struct session_view *view)
{
	struct roster_view roster = roster_of(ctl, view);

	if (!roster.is_known)
		return SLICE("cannot be read");
	return arena_printf(&ctl->arena, "%" PRIu32 " items, version %" PRIu64, roster.items,
			    roster.version);
}

static int
write_text(struct ctl *ctl, const struct session_view *view, struct slice presence)
{
	property("conn", conn_text(ctl, view));
	property("notopen", yes_or_no((view->flags & SLOT_NOTOPEN) != 0));
	property("type", slice_from_text(session_type_name(view->type)));
	property("username", view->jid.local);
	property("host", view->jid.domain);
	property("resource", view->jid.resource);
	property("full_jid", view->jid.full);
	property("priority", arena_printf(&ctl->arena, "%d", view->priority));
	property("presence", presence.length > 0 ? presence : SLICE("none"));
	property("interested", yes_or_no((view->flags & SLOT_INTERESTED) != 0));
	property("roster", roster_text(ctl, view));
	property("resumption", resumption_text(&ctl->arena, view));
	property("h", resumption_h_text(&ctl->arena, view));
	property("unacked", resumption_unacked_text(&ctl->arena, view));
	return 0;
}

static json_t *
conn_json(const struct session_view *view)
{
	if ((view->flags & SLOT_HIBERNATING) != 0)
		return json_null();
	return json_pack("{ss sI sI sI so}", "address", view->address, "port",
			 (json_int_t)view->port, "worker", (json_int_t)view->worker,
			 "pid", (json_int_t)view->pid, "tls",
			 answer_text(slice_from_text(view->tls)));
}

static json_t *
roster_json(struct ctl *ctl, const struct session_view *view)
{
	struct roster_view roster = roster_of(ctl, view);

	if (!roster.is_known)
		return json_null();
	return json_pack("{sI sI}", "items", (json_int_t)roster.items, "version",
			 (json_int_t)roster.version);
}

static int
write_json(struct ctl *ctl, const struct session_view *view, struct slice presence)
{
	return answer_write(json_pack(
	    "{so sb ss so so so so si so sb so so so so}", "conn", conn_json(view), "notopen",
	    (view->flags & SLOT_NOTOPEN) != 0, "type", session_type_name(view->type),
	    "username", answer_text(view->jid.local), "host",
	    answer_text(view->jid.domain), "resource", answer_text(view->jid.resource),
	    "full_jid", answer_text(view->jid.full), "priority", view->priority,
	    "presence", answer_text(presence), "interested",
	    (view->flags & SLOT_INTERESTED) != 0, "roster", roster_json(ctl, view),
	    "resumption", resumption_json(view), "h", resumption_h_json(view), "unacked",
	    resumption_unacked_json(view)));
}

int
session_run(struct ctl *ctl)
{
	struct session_views views;
	const struct session_view *view;
	struct jid jid;
	int status;

	ctl_bound(CTL_SECONDS);
	status = ctl_parse_jid(ctl, &jid);
	if (status == 0 && jid.resource.length == 0)
		status =
		    ctl_fail(EX_DATAERR, "\"%s\" has no resource: `sessions` lists them",
			     ctl->arguments.operand);
	if (status == 0)
		status = ctl_open_config(ctl);
	if (status == 0)
		status = ctl_attach(ctl);
	if (status != 0)
		return status;
	session_views_read(ctl, &views);
	view = find(&views, &jid);
	if (view == NULL)
		status = ctl_fail(EX_NOUSER, "no session of that name: " SLICE_FMT,
				  SLICE_ARG(jid.full));
	else if (ctl->arguments.json)
		status = write_json(ctl, view, presence_of(ctl, view));
	else
		status = write_text(ctl, view, presence_of(ctl, view));
	session_views_free(&views);
	return status;
}
