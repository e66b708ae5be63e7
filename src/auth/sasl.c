/* sasl.c -- the server's side of SASL: the mechanisms, and the life of an exchange. */
#include "auth/sasl.h"

#include "auth/sasl_internal.h"
#include "base/ensure.h"
#include "base/memory.h"

#define SCRAM_ROW(bit, text, scram_hash, plus)                               \
	{                                                                    \
		.mechanism = (bit), .name = (text), .step = sasl_scram_step, \
		.hash = (scram_hash), .has_binding = (plus)                  \
	}

/* EXTERNAL is not spoken yet: without a row it has no name and cannot be asked for. */
static const struct sasl_row rows[] = {
	SCRAM_ROW(SASL_SCRAM_SHA_512_PLUS, "SCRAM-SHA-512-PLUS", SCRAM_SHA_512, true),
	SCRAM_ROW(SASL_SCRAM_SHA_256_PLUS, "SCRAM-SHA-256-PLUS", SCRAM_SHA_256, true),
	SCRAM_ROW(SASL_SCRAM_SHA_1_PLUS, "SCRAM-SHA-1-PLUS", SCRAM_SHA_1, true),
	SCRAM_ROW(SASL_SCRAM_SHA_512, "SCRAM-SHA-512", SCRAM_SHA_512, false),
	SCRAM_ROW(SASL_SCRAM_SHA_256, "SCRAM-SHA-256", SCRAM_SHA_256, false),
	SCRAM_ROW(SASL_SCRAM_SHA_1, "SCRAM-SHA-1", SCRAM_SHA_1, false),
	{ .mechanism = SASL_PLAIN, .name = "PLAIN", .step = sasl_plain_step },
};

static const char *const failure_names[SASL_FAILURE_COUNT] = {
	[SASL_OK] = "ok",
	[SASL_ABORTED] = "aborted",
	[SASL_ACCOUNT_DISABLED] = "account-disabled",
	[SASL_CREDENTIALS_EXPIRED] = "credentials-expired",
	[SASL_ENCRYPTION_REQUIRED] = "encryption-required",
	[SASL_INCORRECT_ENCODING] = "incorrect-encoding",
	[SASL_INVALID_AUTHZID] = "invalid-authzid",
	[SASL_INVALID_MECHANISM] = "invalid-mechanism",
	[SASL_MALFORMED_REQUEST] = "malformed-request",
	[SASL_MECHANISM_TOO_WEAK] = "mechanism-too-weak",
	[SASL_NOT_AUTHORIZED] = "not-authorized",
	[SASL_TEMPORARY_AUTH_FAILURE] = "temporary-auth-failure",
};

static const struct sasl_row *
find_row(enum sasl_mechanism mechanism)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].mechanism == mechanism)
			return &rows[i];
	}
	return NULL;
}

/* RFC 6120 6.5.4: in the clear, PLAIN fails for want of TLS. */
static enum sasl_step
fail_not_offered(struct sasl *sasl)
{
	if (sasl->row != NULL && sasl->row->mechanism == SASL_PLAIN &&
	    !sasl->situation.secure)
		return sasl_fail(sasl, SASL_ENCRYPTION_REQUIRED, "PLAIN without TLS");
	return sasl_fail(sasl, SASL_INVALID_MECHANISM, "not offered");
}

enum sasl_step
sasl_fail(struct sasl *sasl, enum sasl_failure failure, const char *detail)
{
	sasl_plain_abandon(sasl);
	sasl->stage = SASL_STAGE_FAILED;
	sasl->failure = failure;
	sasl->detail = detail;
	buffer_empty(&sasl->output);
	return SASL_STEP_FAILURE;
}

enum sasl_step
sasl_succeed(struct sasl *sasl)
{
	sasl->stage = SASL_STAGE_DONE;
	return SASL_STEP_SUCCESS;
}

const char *
sasl_failure_name(enum sasl_failure failure)
{
	ensure((unsigned)failure < SASL_FAILURE_COUNT);
	return failure_names[failure];
}

const char *
sasl_mechanism_name(enum sasl_mechanism mechanism)
{
	const struct sasl_row *row = find_row(mechanism);

	return row == NULL ? NULL : row->name;
}

unsigned
sasl_mechanism_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_is(name, rows[i].name))
			return rows[i].mechanism;
	}
	return 0;
}

bool
sasl_mechanism_binds(enum sasl_mechanism mechanism)
{
	const struct sasl_row *row = find_row(mechanism);

	return row != NULL && row->has_binding;
}

struct sasl *
sasl_new(enum sasl_mechanism mechanism, const struct sasl_situation *situation,
	 const struct sasl_accounts *accounts, void *owner,
	 void (*on_later)(void *owner, enum sasl_step step))
{
	struct sasl *sasl = NEW(struct sasl);

	ensure(situation->exporter_length <= sizeof(situation->exporter));
	ensure(situation->end_point_length <= sizeof(situation->end_point));
	sasl->row = find_row(mechanism);
	sasl->situation = *situation;
	sasl->situation.host =
	    slice_of(memory_copy_text(situation->host), situation->host.length);
	sasl->accounts = *accounts;
	sasl->owner = owner;
	sasl->on_later = on_later;
	sasl->tells_offer = true;
	buffer_init(&sasl->output);
	buffer_init(&sasl->nonce);
	buffer_init(&sasl->binding);
	buffer_init(&sasl->transcript);
	return sasl;
}

void
sasl_free(struct sasl **sasl_address)
{
	struct sasl *sasl = *sasl_address;

	if (sasl == NULL)
		return;
	*sasl_address = NULL;
	sasl_plain_abandon(sasl);
	if (sasl->upgraded != NULL)
		memory_wipe(sasl->upgraded, sizeof(*sasl->upgraded));
	memory_free(sasl->upgraded);
	memory_free(sasl->username);
	memory_free((char *)sasl->situation.host.data);
	buffer_clear(&sasl->output);
	buffer_clear(&sasl->nonce);
	buffer_clear(&sasl->binding);
	buffer_clear(&sasl->transcript);
	memory_wipe(sasl, sizeof(*sasl));
	memory_free(sasl);
}

enum sasl_step
sasl_step(struct sasl *sasl, bool has_data, struct slice data)
{
	const struct sasl_row *row = sasl->row;

	buffer_empty(&sasl->output);
	if (sasl->stage >= SASL_STAGE_WORKING)
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "a step too many");
	if (row == NULL || (sasl->situation.offered & row->mechanism) == 0)
		return fail_not_offered(sasl);
	if (has_data && data.length > SASL_INPUT_MAX)
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "too long");
	if (!has_data && sasl->stage == SASL_STAGE_START) {
		sasl->stage = SASL_STAGE_ASKED;
		return SASL_STEP_CHALLENGE;
	}
	if (!has_data || data.length == 0)
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "nothing said");
	return row->step(sasl, data);
}

struct slice
sasl_output(const struct sasl *sasl)
{
	return buffer_slice(&sasl->output);
}

enum sasl_failure
sasl_failure(const struct sasl *sasl)
{
	return sasl->failure;
}

const char *
sasl_failure_detail(const struct sasl *sasl)
{
	return sasl->detail == NULL ? "" : sasl->detail;
}

struct slice
sasl_username(const struct sasl *sasl)
{
	return sasl->username == NULL ? SLICE_EMPTY : slice_from_text(sasl->username);
}

uint64_t
sasl_account_id(const struct sasl *sasl)
{
	return sasl->stage == SASL_STAGE_DONE ? sasl->account.account_id : 0;
}

bool
sasl_upgraded(const struct sasl *sasl, struct credentials *upgraded)
{
	if (sasl->stage != SASL_STAGE_DONE || sasl->upgraded == NULL)
		return false;
	*upgraded = *sasl->upgraded;
	return true;
}
