/* order.c -- what a running server is asked to do with some of its sessions; `kick`. */
#include "ctl/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "ctl/account.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "process/control_client.h"

#define ANSWER_MS 10000
#define REFS_MOST 4096 /* a request */

static int
send_refs(int fd, enum slot_order order, const struct slot_ref *refs, size_t count,
	  uint64_t *done)
{
	struct control_order head = { .order = order };
	struct buffer request, reply;
	uint32_t present = 0;
	int result;

	buffer_init(&request);
	buffer_init(&reply);
	buffer_append(&request, slice_of(&head, sizeof(head)));
	buffer_append(&request, slice_of(refs, count * sizeof(refs[0])));
	result =
	    control_ask(fd, CONTROL_ORDER, buffer_slice(&request), NULL, NULL, &reply);
	if (result == RESULT_OK && buffer_length(&reply) >= sizeof(present))
		memcpy(&present, buffer_slice(&reply).data, sizeof(present));
	*done += present;
	buffer_clear(&request);
	buffer_clear(&reply);
	return result;
}

static int
send_all(const struct ctl *ctl, enum slot_order order, struct slice refs, uint64_t *done)
{
	const struct slot_ref *all = (const void *)refs.data;
	size_t count = refs.length / sizeof(*all);
	int fd, result;

	if (count == 0)
		return 0;
	result = control_open(ctl->config->runtime_dir, ANSWER_MS, &fd);
	for (size_t i = 0; i < count && result == RESULT_OK; i += REFS_MOST)
		result = send_refs(fd, order, all + i,
				   count - i < REFS_MOST ? count - i : REFS_MOST, done);
	control_close(&fd);
	return result == RESULT_OK
		   ? 0
		   : ctl_fail(ctl_status(result), "the sessions were not closed: %s",
			      result_text(result));
}

int
order_sessions(struct ctl *ctl, uint64_t account, const struct jid *jid,
	       enum slot_order order, uint64_t *count)
{
	struct session_views views;
	struct buffer refs;
	int status;

	*count = 0;
	buffer_init(&refs);
	session_views_read(ctl, &views);
	for (size_t i = 0; i < views.count; i++) {
		const struct session_view *view = &views.all[i];

		if ((account != 0 && view->account == account) ||
		    (jid != NULL && session_view_is(view, jid)))
			buffer_append(&refs, slice_of(&view->ref, sizeof(view->ref)));
	}
	session_views_free(&views);
	status = send_all(ctl, order, buffer_slice(&refs), count);
	buffer_clear(&refs);
	return status;
}

/* --- kick --- */

/* A full JID names one session; a bare one all of the account, those that are not bound
 * yet too. */
static int
find_account(struct ctl *ctl, const struct jid *jid, uint64_t *id)
{
	struct account_view account;
	int status;

	*id = 0;
	if (jid->resource.length > 0)
		return 0;
	status = account_read(ctl, jid->bare, &account);
	if (status == 0 && account.exists)
		*id = account.id;
	memory_wipe(&account, sizeof(account));
	return status;
}

int
kick_run(struct ctl *ctl)
{
	uint64_t account, count;
	struct jid jid;
	int status;

	ctl_bound(CTL_SECONDS);
	status = ctl_parse_jid(ctl, &jid);
	if (status == 0 && jid.local.length == 0)
		status = ctl_fail(EX_DATAERR, "%s is no account and no session",
				  ctl->arguments.operand);
	if (status == 0)
		status = ctl_open_config(ctl);
	if (status == 0)
		status = ctl_attach(ctl);
	if (status == 0)
		status = find_account(ctl, &jid, &account);
	if (status == 0)
		status = order_sessions(ctl, account, &jid, ORDER_KICK, &count);
	if (status != 0)
		return status;
	if (count == 0)
		return ctl_fail(EX_NOUSER, SLICE_FMT " has no session",
				SLICE_ARG(jid.full));
	printf("%" PRIu64 " %s closed\n", count, count == 1 ? "session" : "sessions");
	return 0;
}
