/* sasl_fuzz.c -- SASL exchanges and account records, of any bytes there may be. */
#include <stdint.h>
#include <string.h>

#include "auth/sasl_internal.h"
#include "base/ensure.h"

/*
 * The first byte of an input chooses: bits 0 to 2 a mechanism, or (7) a record of
 * credentials; bit 3 an exchange that is freed while its work is under way. What follows
 * are messages, one a line; an empty line is a step without data.
 */
static const enum sasl_mechanism mechanisms[] = {
	SASL_PLAIN,
	SASL_SCRAM_SHA_1,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_512,
	SASL_SCRAM_SHA_1_PLUS,
	SASL_SCRAM_SHA_256_PLUS,
	SASL_SCRAM_SHA_512_PLUS,
};

static struct credentials account;
static bool drops_work;
static void (*kept_done)(void *job);
static void *kept_job;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One iteration, so that passwords cost nothing; "nobody" is the only stranger. */
static void
make_account(void)
{
	if (account.account_id != 0)
		return;
	account.account_id = 77;
	for (int i = 0; i < SCRAM_HASH_COUNT; i++)
		credentials_make_keys(&account.scram[i], i, SLICE("r0m30myr0m30"),
				      SLICE("salt of 16 bytes"), 1);
}

static bool
find_account(void *owner, struct slice username, struct slice host,
	     struct credentials *found)
{
	ensure(username.length > 0 && slice_is(host, "capulet.example"));
	if (slice_is(username, "nobody") && owner != NULL)
		return false;
	*found = account;
	return true;
}

static void
take_work(void *owner, void (*run)(void *job), void (*done)(void *job), void *job)
{
	run(job);
	if (!drops_work) {
		done(job);
		return;
	}
	kept_done = done;
	kept_job = job;
}

static void
on_later(void *owner, enum sasl_step step)
{
	ensure(!"an exchange that is gone has no outcome");
}

static void
check_step(const struct sasl *sasl, enum sasl_step step, bool is_over)
{
	struct slice output = sasl_output(sasl);

	ensure(!is_over || step == SASL_STEP_FAILURE);
	ensure((step == SASL_STEP_FAILURE) == (sasl_failure(sasl) != SASL_OK));
	ensure((step == SASL_STEP_SUCCESS) == (sasl_account_id(sasl) == 77));
	if (step == SASL_STEP_SUCCESS)
		ensure(sasl_username(sasl).length > 0);
	if (step == SASL_STEP_FAILURE || step == SASL_STEP_LATER)
		ensure(output.length == 0);
	else if (output.length > 0)
		ensure(slice_starts_with(output, SLICE("r=")) ||
		       slice_starts_with(output, SLICE("v=")));
}

static void
run_exchange(enum sasl_mechanism mechanism, struct slice lines)
{
	static const uint8_t secret[32];
	static const struct sasl_accounts accounts = { find_account, take_work, secret };
	struct sasl_situation situation = {
		.host = SLICE("capulet.example"),
		.offered = 0xff,
		.secure = true,
		.exporter = "exporter",
		.exporter_length = 8,
		.end_point = "end point",
		.end_point_length = 9,
	};
	struct sasl *sasl;
	bool is_over = false;

	/* 'y' is only right where no -PLUS was offered. */
	if (lines.length > 0 && lines.data[0] == 'y')
		situation.offered = mechanism;
	sasl = sasl_new(mechanism, &situation, &accounts,
			mechanism == SASL_PLAIN ? NULL : &account, on_later);
	strcpy(sasl->server_nonce, "0123456789abcdef01234567");
	while (lines.data != NULL) {
		size_t end = slice_find(lines, '\n');
		struct slice line = slice_of(lines.data, end);
		enum sasl_step step = sasl_step(sasl, line.length > 0, line);

		check_step(sasl, step, is_over);
		is_over = step != SASL_STEP_CHALLENGE;
		if (end == lines.length)
			break;
		lines = slice_after(lines, end + 1);
	}
	sasl_free(&sasl);
	if (kept_job != NULL)
		kept_done(kept_job);
	kept_job = NULL;
}

static void
run_record(struct slice record)
{
	struct credentials credentials;
	uint8_t out[CREDENTIALS_RECORD_MAX];

	if (credentials_unpack(record, &credentials) < 0)
		return;
	ensure(slice_equal(slice_of(out, credentials_pack(&credentials, out)), record));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest;

	if (size == 0)
		return 0;
	make_account();
	rest = slice_of(data + 1, size - 1);
	drops_work = (data[0] & 8) != 0;
	if ((data[0] & 7) == 7)
		run_record(rest);
	else
		run_exchange(mechanisms[data[0] & 7], rest);
	return 0;
}
