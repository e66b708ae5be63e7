/* users.c -- `users`: the accounts of a host, or of all. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "auth/credentials.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "ctl/answer.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/session_view.h"
#include "ctl/table.h"
#include "shm/store.h"

static const struct table_column columns[] = {
	{ "JID", TABLE_LEFT },
	{ "KEYS", TABLE_LEFT },
	{ "STATE", TABLE_LEFT },
	{ "SESSIONS", TABLE_RIGHT },
	{ 0 },
};

struct user {
	struct slice jid; /* in the arena of ctl */
	uint64_t id;
	uint32_t hashes;
	bool is_disabled;
	bool is_readable;
	uint64_t sessions;
};

struct users {
	struct ctl *ctl;
	struct user *all;
	size_t count;
	size_t capacity;
};

static bool
on_account(void *owner, const struct account *account)
{
	struct users *users = owner;
	struct credentials credentials;
	struct user *user;

	if (users->count == users->capacity) {
		users->capacity = users->capacity == 0 ? 64 : users->capacity * 2;
		users->all = memory_resize(users->all, users->capacity * sizeof(*user));
	}
	user = &users->all[users->count++];
	*user = (struct user){
		.jid = arena_copy(&users->ctl->arena, account->jid),
		.id = account->id,
		.hashes = account->hashes,
	};
	user->is_readable =
	    credentials_unpack(account->record, &credentials) == RESULT_OK;
	user->is_disabled = (credentials.flags & CREDENTIALS_DISABLED) != 0;
	memory_wipe(&credentials, sizeof(credentials));
	return true;
}

static int
compare(const void *left, const void *right)
{
	const struct user *a = left, *b = right;

	return slice_compare(a->jid, b->jid);
}

/* Authenticated ones that are not bound yet count as well. */
static void
count_sessions(struct users *users)
{
	struct session_views views;

	session_views_read(users->ctl, &views);
	for (size_t i = 0; i < views.count; i++)
		for (size_t j = 0; j < users->count; j++)
			users->all[j].sessions +=
			    views.all[i].account == users->all[j].id;
	session_views_free(&views);
}

static void
hashes_text(uint32_t hashes, char *out, size_t size)
{
	size_t length = 0;

	out[0] = '\0';
	for (int i = 0; i < SCRAM_HASH_COUNT; i++)
		if ((hashes & 1u << i) != 0 && length < size)
			length += (size_t)snprintf(out + length, size - length, "%s%s",
						   length > 0 ? "," : "",
						   scram_hash_name((enum scram_hash)i));
}

static const char *
state_of(const struct user *user)
{
	if (!user->is_readable)
		return "unreadable";
	return user->is_disabled ? "disabled" : "enabled";
}

static int
write_table(const struct users *users)
{
	struct table *table = table_new(columns);

	for (size_t i = 0; i < users->count; i++) {
		char hashes[128];

		hashes_text(users->all[i].hashes, hashes, sizeof(hashes));
		table_add(table, users->all[i].jid);
		table_add(table, slice_from_text(hashes));
		table_add(table, slice_from_text(state_of(&users->all[i])));
		table_printf(table, "%" PRIu64, users->all[i].sessions);
	}
	table_write(table, stdout);
	table_free(&table);
	return 0;
}

static json_t *
user_json(const struct user *user)
{
	json_t *hashes = json_array();

	for (int i = 0; i < SCRAM_HASH_COUNT; i++)
		if ((user->hashes & 1u << i) != 0)
			json_array_append_new(
			    hashes, json_string(scram_hash_name((enum scram_hash)i)));
	return json_pack("{so sI so sb sb sI}", "jid", answer_text(user->jid), "id",
			 (json_int_t)user->id, "hashes", hashes, "disabled",
			 (int)user->is_disabled, "readable", (int)user->is_readable,
			 "sessions", (json_int_t)user->sessions);
}

static int
write_json(const struct users *users)
{
	json_t *list = json_array();

	for (size_t i = 0; i < users->count; i++)
		json_array_append_new(list, user_json(&users->all[i]));
	return answer_write(json_pack("{so}", "users", list));
}

static int
read_store(struct users *users, const struct config_host *only)
{
	const struct config *config = users->ctl->config;
	struct store *store;
	struct txn *txn;
	int result = store_open(config->data_dir, STORE_CORE, false, &store);

	if (result == RESULT_NOT_FOUND)
		return 0;
	if (result != RESULT_OK)
		return ctl_fail(ctl_status(result), "cannot read the accounts in %s: %s",
				config->data_dir, result_text(result));
	txn = store_read(store);
	for (size_t i = 0; i < config->host_count; i++)
		if (only == NULL || only == &config->hosts[i])
			store_accounts(store, txn, slice_from_text(config->hosts[i].name),
				       on_account, users);
	result = txn_error(txn);
	txn_end(&txn);
	store_close(&store);
	return result == RESULT_OK
		   ? 0
		   : ctl_fail(ctl_status(result), "the accounts in %s: %s",
			      config->data_dir, result_text(result));
}

static int
find_host(struct ctl *ctl, const struct config_host **host)
{
	struct jid jid;
	int status;

	*host = NULL;
	if (ctl->arguments.operand == NULL)
		return 0;
	status = ctl_parse_jid(ctl, &jid);
	if (status != 0)
		return status;
	*host = jid_is_domain(&jid) ? config_find_host(ctl->config, jid.domain) : NULL;
	return *host != NULL ? 0
			     : ctl_fail(EX_NOHOST, "%s is no host of this server",
					ctl->arguments.operand);
}

int
users_run(struct ctl *ctl)
{
	struct users users = { .ctl = ctl };
	const struct config_host *host;
	int status;

	ctl_bound(CTL_SECONDS);
	status = ctl_open_config(ctl);
	if (status == 0)
		status = find_host(ctl, &host);
	if (status == 0)
		status = read_store(&users, host);
	if (status == 0 && ctl_is_running(ctl))
		status = ctl_attach(ctl);
	if (status == 0) {
		if (ctl->shm != NULL)
			count_sessions(&users);
		if (users.count > 0)
			qsort(users.all, users.count, sizeof(users.all[0]), compare);
		status = ctl->arguments.json ? write_json(&users) : write_table(&users);
	}
	memory_free(users.all);
	return status;
}
