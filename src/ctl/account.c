/* account.c -- reading and changing accounts, whether the server runs or not. */
#include "ctl/account.h"

#include <poll.h>
#include <sysexits.h>

#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/order.h"
#include "process/control_client.h"
#include "process/heartbeat.h"
#include "shm/store.h"

#define ANSWER_MS 15000
#define LOCK_MS	  5000 /* a server that starts or stops holds the lock unheard */
#define RETRY_MS  50

int
account_parse(struct ctl *ctl, struct jid *jid)
{
	int status = ctl_parse_jid(ctl, jid);

	if (status != 0)
		return status;
	if (jid->local.length == 0 || jid->resource.length > 0)
		return ctl_fail(EX_DATAERR, "\"%s\" is not of the form name@host",
				ctl->arguments.operand);
	if (config_find_host(ctl->config, jid->domain) == NULL)
		return ctl_fail(EX_NOHOST, SLICE_FMT " is no host of this server",
				SLICE_ARG(jid->domain));
	return 0;
}

static int
read_from(struct store *store, struct slice bare_jid, struct account_view *account)
{
	struct txn *txn = store_read(store);
	struct account found;
	int result = RESULT_OK;

	if (store_account(store, txn, bare_jid, &found)) {
		account->exists = true;
		account->id = found.id;
		account->version = found.version;
		result = credentials_unpack(found.record, &account->credentials);
	} else if (txn_error(txn) != RESULT_OK) {
		result = txn_error(txn);
	}
	txn_end(&txn);
	return result;
}

int
account_read(struct ctl *ctl, struct slice bare_jid, struct account_view *account)
{
	struct store *store;
	int result;

	memset(account, 0, sizeof(*account));
	result = store_open(ctl->config->data_dir, STORE_CORE, false, &store);
	if (result == RESULT_NOT_FOUND)
		return 0;
	if (result == RESULT_OK) {
		result = read_from(store, bare_jid, account);
		store_close(&store);
	}
	if (result == RESULT_OK)
		return 0;
	return ctl_fail(ctl_status(result), "cannot read the accounts in %s: %s",
			ctl->config->data_dir, result_text(result));
}

/* --- changing --- */

/* RESULT_NOT_FOUND: no server listens. */
static int
ask_server(const struct ctl *ctl, const struct store_change *change, bool *was_asked)
{
	struct control_account head = { .verb = change->verb,
					.hashes = change->hashes,
					.version = change->version,
					.jid_length = (uint32_t)change->key.length,
					.record_length = (uint32_t)change->value.length };
	struct buffer request;
	int fd, result;

	result = control_open(ctl->config->runtime_dir, ANSWER_MS, &fd);
	if (result != RESULT_OK)
		return result;
	*was_asked = true;
	buffer_init(&request);
	buffer_reserve(&request,
		       sizeof(head) + change->key.length + change->value.length);
	buffer_append(&request, slice_of(&head, sizeof(head)));
	buffer_append(&request, change->key);
	buffer_append(&request, change->value);
	result =
	    control_ask(fd, CONTROL_ACCOUNT, buffer_slice(&request), NULL, NULL, NULL);
	memory_wipe(request.data, request.capacity);
	buffer_clear(&request);
	control_close(&fd);
	return result;
}

/* RESULT_DENIED: another process has the lock. */
static int
change_here(const struct ctl *ctl, const struct store_change *change)
{
	struct store *store;
	int result = store_open(ctl->config->data_dir, STORE_CORE, true, &store);

	if (result != RESULT_OK)
		return result;
	result = store_apply(store, change, 1, NULL);
	store_close(&store);
	return result;
}

/* The lock decides who writes: taken, it means that there is a server to ask. */
static int
change(const struct ctl *ctl, const struct store_change *wanted, bool *was_asked)
{
	uint64_t end = heartbeat_now_ms() + LOCK_MS;
	int result;

	for (;;) {
		*was_asked = false;
		result = ask_server(ctl, wanted, was_asked);
		if (result == RESULT_NOT_FOUND && !*was_asked)
			result = change_here(ctl, wanted);
		/* Denied by the lock, or by a server that stops. */
		if (result != RESULT_DENIED || heartbeat_now_ms() >= end)
			return result;
		poll(NULL, 0, RETRY_MS);
	}
}

static int
end_sessions(struct ctl *ctl, uint64_t id, enum slot_order order)
{
	uint64_t count;
	int status = ctl->shm == NULL ? ctl_attach(ctl) : 0;

	if (status == 0)
		status = order_sessions(ctl, id, NULL, order, &count);
	return status == 0 ? RESULT_OK : RESULT_FAILED;
}

int
account_change(struct ctl *ctl, struct slice bare_jid, uint64_t version, uint64_t id,
	       const struct credentials *credentials, enum slot_order order)
{
	struct store_change wanted = { .verb = STORE_ACCOUNT_DELETE,
				       .version = version,
				       .key = bare_jid };
	uint8_t record[CREDENTIALS_RECORD_MAX];
	bool was_asked = false;
	int result;

	if (credentials != NULL) {
		wanted.verb = STORE_ACCOUNT_PUT;
		wanted.value = slice_of(record, credentials_pack(credentials, record));
		for (int i = 0; i < SCRAM_HASH_COUNT; i++)
			if (credentials->scram[i].iterations != 0)
				wanted.hashes |= 1u << i;
	}
	result = change(ctl, &wanted, &was_asked);
	memory_wipe(record, sizeof(record));
	if (result == RESULT_OK && was_asked && order != ORDER_NONE)
		result = end_sessions(ctl, id, order);
	return result;
}
