/* sasl_internal.h -- an exchange from inside: for mechanisms, and tests that fix it. */
#pragma once

#include "auth/credentials.h"
#include "auth/sasl.h"
#include "base/buffer.h"

#define SCRAM_NONCE_SIZE 24	/* characters of 6 bits */

enum sasl_stage {
	SASL_STAGE_START,
	SASL_STAGE_ASKED,	/* an empty challenge asked for the initial response */
	SASL_STAGE_CHALLENGED,	/* SCRAM: the server's first message is out */
	SASL_STAGE_WORKING,	/* PLAIN: a job is under way */
	SASL_STAGE_DONE,
	SASL_STAGE_FAILED
};

struct sasl_row {
	enum sasl_mechanism mechanism;
	const char *name;
	enum sasl_step (*step)(struct sasl *sasl, struct slice data);
	enum scram_hash hash;
	bool has_binding;	/* a -PLUS */
};

struct plain_job;

struct sasl {
	const struct sasl_row *row;	/* NULL: the mechanism was not offered */
	enum sasl_stage stage;
	enum sasl_failure failure;
	const char *detail;
	struct sasl_situation situation; /* its host is ours */
	struct sasl_accounts accounts;
	void *owner;
	void (*on_later)(void *owner, enum sasl_step step);
	struct buffer output;

	char *username;			/* NULL until the client named a fit one */
	bool is_known;			/* false: account is a false one */
	struct credentials account;
	struct credentials *upgraded;

	char server_nonce[64];		/* empty: drawn when needed */
	bool tells_offer;		/* XEP-0474; unknown to the vectors of RFC 5802 */
	struct buffer nonce;		/* the client's and ours */
	struct buffer binding;		/* what c= must hold */
	struct buffer transcript;	/* AuthMessage of RFC 5802 3, so far */

	struct plain_job *job;
	bool is_handing_out;		/* inside accounts.work() */
};

/* Both set the stage; detail is a literal. Nothing may be said after either. */
enum sasl_step sasl_fail(struct sasl *sasl, enum sasl_failure failure,
		const char *detail);
enum sasl_step sasl_succeed(struct sasl *sasl);

enum sasl_step sasl_scram_step(struct sasl *sasl, struct slice data);
enum sasl_step sasl_plain_step(struct sasl *sasl, struct slice data);

/* The outcome of the job under way is dropped. */
void	sasl_plain_abandon(struct sasl *sasl);

/* Prepares the client's name (UsernameCaseMapped) and keeps it; false: forbidden. */
bool	sasl_account_name(struct sasl *sasl, struct slice text);

/* Whether an authorization identity is the client's own bare JID (RFC 6120 6.3.8). */
bool	sasl_account_is_own(const struct sasl *sasl, struct slice authzid);

/*
 * Fills account from the store. An unknown name, or one without keys of the hash, gets a
 * false account that nothing proves, the same each time, made with the same work.
 */
void	sasl_account_find(struct sasl *sasl, enum scram_hash hash);
void	sasl_account_find_any(struct sasl *sasl);

/* Keys from a password that is prepared. */
void	credentials_make_keys(struct scram_keys *keys, enum scram_hash hash,
	    struct slice prepared, struct slice salt, uint32_t iterations);
