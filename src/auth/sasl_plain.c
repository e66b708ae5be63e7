/* sasl_plain.c -- PLAIN (RFC 4616): the password itself, proved by work handed out. */
#include "auth/sasl_internal.h"

#include "base/memory.h"
#include "base/text.h"

/* Owns copies of all it touches, because the exchange may be freed while it runs. */
struct plain_job {
	struct sasl *sasl; /* NULL: given up; run() must not look at it */
	struct credentials account;
	bool may_upgrade;
	char *password;
	size_t length;
	bool is_proved;
	bool is_upgraded;
};

static bool
is_utf8(struct slice text)
{
	while (text.length > 0) {
		if (text_utf8_next(&text) < 0)
			return false;
	}
	return true;
}

static void
free_job(struct plain_job *job)
{
	memory_wipe(job->password, job->length);
	memory_free(job->password);
	memory_wipe(job, sizeof(*job));
	memory_free(job);
}

/* New keys are made no weaker than those the account has. */
static bool
add_missing(struct credentials *account, struct slice password)
{
	unsigned missing = 0;
	uint32_t iterations = SCRAM_ITERATIONS;

	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (account->scram[i].iterations == 0)
			missing |= 1u << i;
		else if (account->scram[i].iterations > iterations)
			iterations = account->scram[i].iterations;
	}
	return missing != 0 && credentials_derive(account, missing, password, iterations);
}

/* On any thread. */
static void
run_job(void *data)
{
	struct plain_job *job = data;
	struct slice password = slice_of(job->password, job->length);

	job->is_proved = credentials_prove(&job->account, password);
	if (job->is_proved && job->may_upgrade)
		job->is_upgraded = add_missing(&job->account, password);
	memory_wipe(job->password, job->length);
}

static enum sasl_step
conclude(struct sasl *sasl, const struct plain_job *job)
{
	if (!sasl->is_known)
		return sasl_fail(sasl, SASL_NOT_AUTHORIZED, "no such account");
	if (!job->is_proved)
		return sasl_fail(sasl, SASL_NOT_AUTHORIZED, "wrong password");
	if (sasl->account.flags & CREDENTIALS_DISABLED)
		return sasl_fail(sasl, SASL_ACCOUNT_DISABLED, "disabled");
	if (job->is_upgraded) {
		sasl->upgraded = NEW(struct credentials);
		*sasl->upgraded = job->account;
	}
	return sasl_succeed(sasl);
}

/* On the thread of the exchange. */
static void
on_job_done(void *data)
{
	struct plain_job *job = data;
	struct sasl *sasl = job->sasl;
	enum sasl_step step;

	if (sasl == NULL) {
		free_job(job);
		return;
	}
	sasl->job = NULL;
	step = conclude(sasl, job);
	free_job(job);
	if (!sasl->is_handing_out)
		sasl->on_later(sasl->owner, step);
}

static enum sasl_step
hand_out(struct sasl *sasl, struct slice password)
{
	struct plain_job *job = NEW(struct plain_job);

	job->sasl = sasl;
	job->account = sasl->account;
	job->may_upgrade =
	    sasl->is_known && (sasl->account.flags & CREDENTIALS_DISABLED) == 0;
	job->password = memory_copy_text(password);
	job->length = password.length;
	sasl->job = job;
	sasl->stage = SASL_STAGE_WORKING;
	sasl->is_handing_out = true;
	sasl->accounts.work(sasl->owner, run_job, on_job_done, job);
	sasl->is_handing_out = false;
	if (sasl->stage == SASL_STAGE_WORKING)
		return SASL_STEP_LATER;
	return sasl->stage == SASL_STAGE_DONE ? SASL_STEP_SUCCESS : SASL_STEP_FAILURE;
}

void
sasl_plain_abandon(struct sasl *sasl)
{
	if (sasl->job != NULL)
		sasl->job->sasl = NULL;
	sasl->job = NULL;
}

enum sasl_step
sasl_plain_step(struct sasl *sasl, struct slice data)
{
	struct slice authzid, name, password;
	size_t first = slice_find(data, '\0');
	size_t second;

	if (first == data.length || !is_utf8(data))
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "not PLAIN");
	authzid = slice_of(data.data, first);
	name = slice_after(data, first + 1);
	second = slice_find(name, '\0');
	if (second == name.length)
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "not PLAIN");
	password = slice_after(name, second + 1);
	name.length = second;
	if (name.length == 0 || password.length == 0 ||
	    slice_find(password, '\0') != password.length)
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "not PLAIN");

	if (!sasl_account_name(sasl, name))
		return sasl_fail(sasl, SASL_NOT_AUTHORIZED, "forbidden name");
	if (authzid.length > 0 && !sasl_account_is_own(sasl, authzid))
		return sasl_fail(sasl, SASL_INVALID_AUTHZID, "of somebody else");
	sasl_account_find_any(sasl);
	return hand_out(sasl, password);
}
