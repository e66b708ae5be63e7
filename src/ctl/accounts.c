/* accounts.c -- `adduser`, `passwd` and `deluser`: keys are made here, passwords stay. */
#include <sysexits.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "ctl/account.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/password.h"

#define ALL_HASHES ((1u << SCRAM_HASH_COUNT) - 1)
#define LOCAL_MOST 64 /* bytes of the localpart of a new account */
#define TRIES      5

static int
exists(struct slice jid)
{
	return ctl_fail(EX_DATAERR, SLICE_FMT " exists already", SLICE_ARG(jid));
}

static int
unknown(struct slice jid)
{
	return ctl_fail(EX_NOUSER, "there is no account " SLICE_FMT, SLICE_ARG(jid));
}

static int
failed(const struct ctl *ctl, struct slice jid, int result)
{
	if (result == RESULT_EXISTS)
		return exists(jid);
	if (result == RESULT_NOT_FOUND)
		return unknown(jid);
	if (result == RESULT_DENIED)
		return ctl_fail(EX_TEMPFAIL,
				"%s: another process writes the accounts, and no server "
				"answers in %s",
				ctl->config->data_dir, ctl->config->runtime_dir);
	return ctl_fail(ctl_status(result), SLICE_FMT " is as it was: %s", SLICE_ARG(jid),
			result_text(result));
}

static int
read_keys(struct ctl *ctl, struct slice jid, struct credentials *credentials)
{
	struct slice name = arena_printf(&ctl->arena, SLICE_FMT, SLICE_ARG(jid));
	struct buffer password;
	const char *why;
	bool is_allowed;

	ctl_bound(0); /* people may think for as long as they like */
	why = password_read(STDIN_FILENO, STDERR_FILENO, name.data, &password);
	ctl_bound(CTL_SECONDS);
	if (why != NULL)
		return ctl_fail(EX_DATAERR, "%s", why);
	is_allowed = credentials_derive(credentials, ALL_HASHES, buffer_slice(&password),
					(uint32_t)ctl->config->scram_iterations);
	password_clear(&password);
	return is_allowed
		   ? 0
		   : ctl_fail(EX_DATAERR, "the password has characters that no client "
					  "could send (RFC 8265)");
}

static int
begin(struct ctl *ctl, struct jid *jid, struct account_view *account)
{
	int status;

	ctl_bound(CTL_SECONDS);
	status = ctl_open_config(ctl);
	if (status == 0)
		status = account_parse(ctl, jid);
	return status == 0 ? account_read(ctl, jid->bare, account) : status;
}

int
adduser_run(struct ctl *ctl)
{
	struct account_view account;
	struct jid jid;
	int status = begin(ctl, &jid, &account);
	int result;

	if (status != 0)
		return status;
	if (jid.local.length > LOCAL_MOST)
		return ctl_fail(EX_DATAERR, "the name before the @ may have %d bytes",
				LOCAL_MOST);
	if (account.exists)
		return exists(jid.bare);
	status = read_keys(ctl, jid.bare, &account.credentials);
	if (status != 0)
		return status;
	result = account_change(ctl, jid.bare, 0, 0, &account.credentials, ORDER_NONE);
	memory_wipe(&account, sizeof(account));
	return result == RESULT_OK ? 0 : failed(ctl, jid.bare, result);
}

/* What was changed meanwhile (disabled, or a login that added keys) stays; only the keys
 * are new. */
static int
put_keys(struct ctl *ctl, struct slice jid, const struct credentials *keys)
{
	int result = RESULT_CONFLICT;

	for (int i = 0; i < TRIES && result == RESULT_CONFLICT; i++) {
		struct account_view account;
		int status = account_read(ctl, jid, &account);

		if (status != 0)
			return status;
		if (!account.exists)
			return unknown(jid);
		memcpy(account.credentials.scram, keys->scram, sizeof(keys->scram));
		result = account_change(ctl, jid, account.version, account.id,
					&account.credentials, ORDER_RESET);
		memory_wipe(&account, sizeof(account));
	}
	return result == RESULT_OK ? 0 : failed(ctl, jid, result);
}

int
passwd_run(struct ctl *ctl)
{
	struct account_view account;
	struct credentials keys = { 0 };
	struct jid jid;
	int status = begin(ctl, &jid, &account);

	memory_wipe(&account.credentials, sizeof(account.credentials));
	if (status != 0)
		return status;
	if (!account.exists)
		return unknown(jid.bare);
	status = read_keys(ctl, jid.bare, &keys);
	if (status == 0)
		status = put_keys(ctl, jid.bare, &keys);
	memory_wipe(&keys, sizeof(keys));
	return status;
}

int
deluser_run(struct ctl *ctl)
{
	struct account_view account;
	struct jid jid;
	int status = begin(ctl, &jid, &account);
	int result;

	memory_wipe(&account.credentials, sizeof(account.credentials));
	if (status != 0)
		return status;
	if (!account.exists)
		return unknown(jid.bare);
	result = account_change(ctl, jid.bare, 0, account.id, NULL, ORDER_NOT_AUTHORIZED);
	return result == RESULT_OK ? 0 : failed(ctl, jid.bare, result);
}
