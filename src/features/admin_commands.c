/* admin_commands.c -- XEP-0133: the commands of service administration that concern accounts and their sessions. */
#include "features/adhoc.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "features/account_change.h"
#include "shm/registry.h"
#include "shm/slots.h"
#include "stream/server.h"

#define NODE(name)   ADMIN_FORM_TYPE "#" name
#define ACCOUNTS_MAX 16		/* in one command */
#define LISTED_MAX   1000	/* though the administrator asks for all */

/* --- forms --- */

static struct element *
new_form(struct arena *arena, const char *title)
{
	struct element *form = data_form_new(arena, "form", ADMIN_FORM_TYPE);

	element_add_text(arena, element_add(arena, form, NS_DATA_FORMS, "title"),
	    slice_from_text(title));
	return form;
}

static void
add_required(struct arena *arena, struct element *form, const char *var, const char *type,
    const char *label)
{
	element_add(arena, data_form_add(arena, form, var, type, label), NS_DATA_FORMS, "required");
}

static struct element *
result_form(struct arena *arena, const char *var, const char *label, struct element **field)
{
	struct element *form = data_form_new(arena, "result", ADMIN_FORM_TYPE);

	*field = data_form_add(arena, form, var, NULL, label);
	return form;
}

/* --- whom --- */

/* 0, or the condition: an account of another host is none of this administrator's. */
static int
read_jid(struct stanza *stanza, struct slice text, bool may_be_full, struct jid *jid)
{
	if (text.length == 0 || !jid_parse(stanza->arena, text, jid) || jid->local.length == 0 ||
	    (!may_be_full && !jid_is_bare(jid)))
		return STANZA_NOT_ACCEPTABLE;
	return slice_equal(jid->domain, stanza->to.domain) ? 0 : STANZA_NOT_ALLOWED;
}

static int
read_account(struct stanza *stanza, struct slice text, bool may_be_full, struct jid *jid,
    uint64_t *account)
{
	int condition = read_jid(stanza, text, may_be_full, jid);

	if (condition != 0)
		return condition;
	*account = router_account(stanza->router, jid);
	return *account == 0 ? STANZA_ITEM_NOT_FOUND : 0;
}

static int
condition_of(int result)
{
	switch (result) {
	case RESULT_EXISTS:
		return STANZA_CONFLICT;
	case RESULT_INVALID:
		return STANZA_NOT_ACCEPTABLE;
	case RESULT_NOT_FOUND:
		return STANZA_ITEM_NOT_FOUND;
	case RESULT_FULL:
	case RESULT_CONFLICT:
		return STANZA_RESOURCE_CONSTRAINT;
	default:
		return STANZA_INTERNAL_SERVER_ERROR;
	}
}

static void
note(const struct stanza *stanza, const struct adhoc_run *run, struct slice whom)
{
	log_info(LOG_AUTH, "admin command", "name=\"%s\" jid=" SLICE_FMT " by=" SLICE_FMT,
	    run->command->name, SLICE_ARG(whom), SLICE_ARG(stanza->from.bare));
}

static int
on_changed(struct stanza *stanza, int result, void *data)
{
	return result == RESULT_OK ? adhoc_complete(stanza, data, NULL) : condition_of(result);
}

/* --- add-user --- */

static struct element *
add_user_form(struct arena *arena)
{
	struct element *form = new_form(arena, "Adding a user");

	add_required(arena, form, "accountjid", "jid-single", "Address of the new account");
	add_required(arena, form, "password", "text-private", "Password");
	add_required(arena, form, "password-verify", "text-private", "The same again");
	return form;
}

static int
add_user(struct stanza *stanza, const struct adhoc_run *run, struct data_form *form)
{
	struct account_wish wish = { .password = data_form_value(form, "password") };
	struct jid jid;
	int condition = read_jid(stanza, data_form_value(form, "accountjid"), false, &jid);

	if (condition != 0)
		return condition;
	if (wish.password.length == 0 || jid.local.length > ACCOUNT_NAME_MAX ||
	    !slice_equal(wish.password, data_form_value(form, "password-verify")))
		return STANZA_NOT_ACCEPTABLE;
	if (router_account(stanza->router, &jid) != 0)
		return STANZA_CONFLICT;
	note(stanza, run, jid.bare);
	wish.bare_jid = jid.bare;
	return account_change(stanza, &wish, on_changed, run, sizeof(*run));
}

/* --- change-user-password --- */

static struct element *
change_password_form(struct arena *arena)
{
	struct element *form = new_form(arena, "Changing a password");

	add_required(arena, form, "accountjid", "jid-single", "Address of the account");
	add_required(arena, form, "password", "text-private", "New password");
	return form;
}

static int
change_password(struct stanza *stanza, const struct adhoc_run *run, struct data_form *form)
{
	struct account_wish wish = { .password = data_form_value(form, "password") };
	struct jid jid;
	int condition = read_account(stanza, data_form_value(form, "accountjid"), false, &jid,
	    &wish.account);

	if (condition != 0)
		return condition;
	if (wish.password.length == 0)
		return STANZA_NOT_ACCEPTABLE;
	note(stanza, run, jid.bare);
	wish.bare_jid = jid.bare;
	return account_change(stanza, &wish, on_changed, run, sizeof(*run));
}

/* --- delete-user --- */

static struct element *
delete_user_form(struct arena *arena)
{
	struct element *form = new_form(arena, "Deleting users");

	add_required(arena, form, "accountjids", "jid-multi", "Addresses of the accounts");
	return form;
}

/* One after the other; all were there when it began. */
struct deletion {
	struct adhoc_run run;
	size_t		 length;	/* of jids that are still to go, a NUL behind each */
	char		 jids[];
};

static int on_deleted(struct stanza *stanza, int result, void *data);

static int
delete_next(struct stanza *stanza, struct deletion *deletion)
{
	struct slice text = slice_from_text(deletion->jids);
	uint64_t account;
	struct jid jid;

	jid_split(text, &jid);
	account = router_account(stanza->router, &jid);
	if (account == 0)
		return STANZA_ITEM_NOT_FOUND;
	note(stanza, &deletion->run, text);
	return account_delete(stanza, text, account, on_deleted, deletion,
	    sizeof(*deletion) + deletion->length);
}

static int
on_deleted(struct stanza *stanza, int result, void *data)
{
	struct deletion *deletion = data;
	size_t gone = strlen(deletion->jids) + 1;

	if (result != RESULT_OK)
		return condition_of(result);
	deletion->length -= gone;
	memmove(deletion->jids, deletion->jids + gone, deletion->length);
	return deletion->length == 0 ? adhoc_complete(stanza, &deletion->run, NULL)
				     : delete_next(stanza, deletion);
}

static const struct data_field *
find_accounts(struct data_form *form)
{
	const struct data_field *field = data_form_find(form, "accountjids");

	return field == NULL || field->count == 0 || field->count > ACCOUNTS_MAX ? NULL : field;
}

static int
delete_user(struct stanza *stanza, const struct adhoc_run *run, struct data_form *form)
{
	const struct data_field *field = find_accounts(form);
	struct deletion *deletion;
	uint64_t account;
	struct jid jid;

	if (field == NULL)
		return STANZA_NOT_ACCEPTABLE;
	deletion = arena_zeroed(stanza->arena,
	    sizeof(*deletion) + (size_t)field->count * (JID_MAX + 1));
	deletion->run = *run;
	for (int i = 0; i < field->count; i++) {
		int condition = read_account(stanza, field->values[i], false, &jid, &account);

		if (condition != 0)
			return condition;
		memcpy(deletion->jids + deletion->length, jid.bare.data, jid.bare.length);
		deletion->length += jid.bare.length + 1;
	}
	return delete_next(stanza, deletion);
}

/* --- end-user-session --- */

static struct element *
end_session_form(struct arena *arena)
{
	struct element *form = new_form(arena, "Ending sessions");

	add_required(arena, form, "accountjids", "jid-multi",
	    "Addresses: of accounts, for all their sessions, or with a resource");
	return form;
}

static int
end_one(struct stanza *stanza, const struct jid *jid, uint64_t account)
{
	struct server *server = router_server(stanza->router);
	struct slot_ref nobody = { UINT32_MAX, 0 };
	struct route route;
	struct txn *txn;
	bool is_there;

	if (jid_is_bare(jid))
		return account_end_sessions(server, account, ORDER_KICK, nobody);
	txn = registry_read(server->registry);
	is_there = registry_find_resource(server->registry, txn, account, jid->resource, &route);
	txn_end(&txn);
	return is_there && slot_ask(server->shm, route.session, ORDER_KICK) == RESULT_OK;
}

static int
end_session(struct stanza *stanza, const struct adhoc_run *run, struct data_form *form)
{
	const struct data_field *field = find_accounts(form);
	struct jid jids[ACCOUNTS_MAX];
	uint64_t accounts[ACCOUNTS_MAX];
	int ended = 0;

	if (field == NULL)
		return STANZA_NOT_ACCEPTABLE;
	for (int i = 0; i < field->count; i++) {
		int condition = read_account(stanza, field->values[i], true, &jids[i], &accounts[i]);

		if (condition != 0)
			return condition;
	}
	for (int i = 0; i < field->count; i++) {
		note(stanza, run, jids[i].full);
		ended += end_one(stanza, &jids[i], accounts[i]);
	}
	return ended > 0 ? adhoc_complete(stanza, run, NULL) : STANZA_ITEM_NOT_FOUND;
}

/* --- numbers and lists --- */

static int
tell_number(struct stanza *stanza, const struct adhoc_run *run, const char *var,
    const char *label, uint64_t number)
{
	struct element *field;
	struct element *form = result_form(stanza->arena, var, label, &field);

	data_form_add_value(stanza->arena, field,
	    arena_printf(stanza->arena, "%llu", (unsigned long long)number));
	return adhoc_complete(stanza, run, form);
}

static int
count_registered(struct stanza *stanza, const struct adhoc_run *run, struct data_form *form)
{
	struct store *core = router_server(stanza->router)->core;
	struct txn *txn = store_read(core);
	uint64_t accounts = 0;

	store_host_hashes(core, txn, stanza->to.domain, &accounts);
	txn_end(&txn);
	return tell_number(stanza, run, "registeredusersnum", "The number of registered users",
	    accounts);
}

struct online {
	struct arena   *arena;
	struct slice	host;
	struct element *field;		/* NULL: they are only counted */
	uint64_t	last;		/* the sessions of an account come together */
	uint64_t	count;
	uint64_t	most;
};

static bool
see_session(void *owner, const struct registry_session *session)
{
	struct online *online = owner;
	struct jid jid;

	jid_split(session->bare_jid, &jid);
	if (session->account == online->last || !slice_equal(jid.domain, online->host))
		return true;
	online->last = session->account;
	online->count++;
	if (online->field != NULL)
		data_form_add_value(online->arena, online->field,
		    arena_copy(online->arena, session->bare_jid));
	return online->count < online->most;
}

static void
see_sessions(struct stanza *stanza, struct online *online)
{
	struct registry *registry = router_server(stanza->router)->registry;
	struct txn *txn = registry_read(registry);

	online->arena = stanza->arena;
	online->host = stanza->to.domain;
	registry_each(registry, txn, see_session, online);
	txn_end(&txn);
}

static int
count_online(struct stanza *stanza, const struct adhoc_run *run, struct data_form *form)
{
	struct online online = { .most = UINT64_MAX };

	see_sessions(stanza, &online);
	return tell_number(stanza, run, "onlineusersnum", "The number of online users",
	    online.count);
}

static const char *const sizes[] = { "25", "50", "75", "100", "150", "200", "none" };

static struct element *
list_online_form(struct arena *arena)
{
	struct element *form = new_form(arena, "Listing online users");
	struct element *field = data_form_add(arena, form, "max_items", "list-single",
	    "How many at most");

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct element *option = element_add(arena, field, NS_DATA_FORMS, "option");

		element_set(arena, option, "label", slice_from_text(sizes[i]));
		element_add_text(arena, element_add(arena, option, NS_DATA_FORMS, "value"),
		    slice_from_text(sizes[i]));
	}
	return form;
}

/* 0 for what is none of the choices; without one all are meant. */
static uint64_t
read_size(struct slice text)
{
	if (text.length == 0 || slice_is(text, "none"))
		return LISTED_MAX;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (slice_is(text, sizes[i]))
			return strtoull(sizes[i], NULL, 10);
	return 0;
}

static int
list_online(struct stanza *stanza, const struct adhoc_run *run, struct data_form *form)
{
	struct online online = { .most = read_size(data_form_value(form, "max_items")) };
	struct element *result;

	if (online.most == 0)
		return STANZA_NOT_ACCEPTABLE;
	result = result_form(stanza->arena, "onlineuserjids", "The list of all online users",
	    &online.field);
	see_sessions(stanza, &online);
	return adhoc_complete(stanza, run, result);
}

const struct adhoc_command admin_commands[] = {
	{ NODE("add-user"), "Add a user", add_user_form, add_user },
	{ NODE("delete-user"), "Delete users", delete_user_form, delete_user },
	{ NODE("end-user-session"), "End sessions of users", end_session_form, end_session },
	{ NODE("change-user-password"), "Change a user's password", change_password_form,
	    change_password },
	{ NODE("get-registered-users-num"), "Number of registered users", NULL, count_registered },
	{ NODE("get-online-users-num"), "Number of online users", NULL, count_online },
	{ NODE("get-online-users-list"), "List of online users", list_online_form, list_online },
	{ 0 }
};
