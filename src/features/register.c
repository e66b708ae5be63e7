/* register.c -- XEP-0077: a new password for the own account, its removal, and accounts made before the login. */
#include "features/feature.h"

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "features/account_change.h"
#include "features/register_new.h"
#include "stream/server.h"
#include "xmpp/jid_prepare.h"

/* Accounts are of one host: another of ours knows nothing of this one. */
static bool
is_own_host(const struct stanza *stanza)
{
	return stanza->session != NULL && slice_equal(stanza->to.domain, stanza->from.domain);
}

static int
register_on_get(struct stanza *stanza)
{
	struct arena *arena = stanza->arena;
	struct element *query;

	if (!is_own_host(stanza))
		return STANZA_SERVICE_UNAVAILABLE;
	query = element_new(arena, NS_REGISTER, "query");
	element_add(arena, query, NS_REGISTER, "registered");
	element_add_text(arena, element_add(arena, query, NS_REGISTER, "instructions"),
	    SLICE("You are registered. A new password takes effect at once."));
	element_add_text(arena, element_add(arena, query, NS_REGISTER, "username"),
	    stanza->from.local);
	element_add(arena, query, NS_REGISTER, "password");
	return router_reply(stanza, query);
}

/* What became of the account's change. */
static int
answer(struct stanza *stanza, int result)
{
	switch (result) {
	case RESULT_OK:
		return router_reply(stanza, NULL);
	case RESULT_INVALID:
		return STANZA_NOT_ACCEPTABLE;
	case RESULT_NOT_FOUND:
		return STANZA_REGISTRATION_REQUIRED;
	case RESULT_FULL:
		return STANZA_RESOURCE_CONSTRAINT;
	default:
		return STANZA_INTERNAL_SERVER_ERROR;
	}
}

/* --- removal --- */

static int
on_removed(struct stanza *stanza, int result, void *data)
{
	if (result == RESULT_OK)
		log_info(LOG_AUTH, "account removed", "jid=" SLICE_FMT " by=itself",
		    SLICE_ARG(stanza->from.bare));
	return answer(stanza, result);
}

static int
remove_own(struct stanza *stanza)
{
	if (element_count(stanza->payload) != 1)
		return STANZA_BAD_REQUEST;
	if (!is_own_host(stanza))
		return STANZA_REGISTRATION_REQUIRED;
	return account_delete(stanza, stanza->from.bare, stanza->session->account, on_removed, NULL,
	    0);
}

/* --- password --- */

static int
on_changed(struct stanza *stanza, int result, void *data)
{
	if (result == RESULT_OK)
		log_info(LOG_AUTH, "password changed", "jid=" SLICE_FMT " by=itself",
		    SLICE_ARG(stanza->from.bare));
	return answer(stanza, result);
}

static struct slice
text_of(struct stanza *stanza, const char *name)
{
	struct element *child = element_child(stanza->payload, NS_REGISTER, name);

	return child == NULL ? SLICE_EMPTY : element_text(stanza->arena, child);
}

static bool
is_safe(const struct stanza *stanza)
{
	return !stanza->host->require_tls ||
	    (atomic_load(&stanza->session->slot->flags) & SLOT_SECURE) != 0;
}

static int
change_own(struct stanza *stanza)
{
	struct slice username = text_of(stanza, "username"), prepared;
	struct account_wish wish = { .bare_jid = stanza->from.bare,
		.password = text_of(stanza, "password") };

	if (!is_own_host(stanza))
		return STANZA_NOT_ALLOWED;
	if (username.length == 0 || wish.password.length == 0)
		return STANZA_BAD_REQUEST;
	if (!jid_prepare_local(stanza->arena, username, &prepared) ||
	    !slice_equal(prepared, stanza->from.local))
		return STANZA_FORBIDDEN;
	if (!is_safe(stanza))
		return STANZA_NOT_AUTHORIZED;
	wish.account = stanza->session->account;
	return account_change(stanza, &wish, on_changed, NULL, 0);
}

static int
register_on_set(struct stanza *stanza)
{
	if (element_child(stanza->payload, NS_REGISTER, "remove") != NULL)
		return remove_own(stanza);
	return change_own(stanza);
}

/* CVE-2009-1595: nobody asks for, changes or removes the account of another. */
static int
register_on_stranger(struct stanza *stanza)
{
	return STANZA_FORBIDDEN;
}

static const struct iq_row register_iqs[] = {
	{ NS_REGISTER, "query", IQ_GET, SCOPE_HOST | SCOPE_SELF, register_on_get },
	{ NS_REGISTER, "query", IQ_SET, SCOPE_HOST | SCOPE_SELF, register_on_set },
	{ NS_REGISTER, "query", IQ_GET | IQ_SET, SCOPE_ACCOUNT, register_on_stranger },
	{ 0 }
};

static const char *const register_vars[] = { "jabber:iq:register", NULL };

static void
register_on_start(struct server *server)
{
	server->registration = &register_new;
}

const struct feature register_feature = {
	.name = "register",
	.spec = "XEP-0077 2.4",
	.about = "Changes passwords and removes accounts for their owners; makes new accounts where the host allows it.",
	.iqs = register_iqs,
	.host_vars = register_vars,
	.on_start = register_on_start,
};
