/* sasl.h -- the server's side of SASL (RFC 4422) as RFC 6120 6 uses it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/credentials.h"
#include "base/arena.h"
#include "base/slice.h"

/* RFC 6120 6.5, in the order of the RFC. */
enum sasl_failure {
	SASL_OK = 0,
	SASL_ABORTED,
	SASL_ACCOUNT_DISABLED,
	SASL_CREDENTIALS_EXPIRED,
	SASL_ENCRYPTION_REQUIRED,
	SASL_INCORRECT_ENCODING,
	SASL_INVALID_AUTHZID,
	SASL_INVALID_MECHANISM,
	SASL_MALFORMED_REQUEST,
	SASL_MECHANISM_TOO_WEAK,
	SASL_NOT_AUTHORIZED,
	SASL_TEMPORARY_AUTH_FAILURE,
	SASL_FAILURE_COUNT
};

const char *sasl_failure_name(enum sasl_failure failure);	/* "not-authorized" */

/* Bits, strongest first in the order they are offered. */
enum sasl_mechanism {
	SASL_SCRAM_SHA_512_PLUS = 1 << 0,
	SASL_SCRAM_SHA_256_PLUS = 1 << 1,
	SASL_SCRAM_SHA_1_PLUS	= 1 << 2,
	SASL_SCRAM_SHA_512	= 1 << 3,
	SASL_SCRAM_SHA_256	= 1 << 4,
	SASL_SCRAM_SHA_1	= 1 << 5,
	SASL_PLAIN		= 1 << 6,
	SASL_EXTERNAL		= 1 << 7,
};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism);	/* NULL: none of ours */
unsigned    sasl_mechanism_find(struct slice name);	/* 0: none of ours */
bool	    sasl_mechanism_binds(enum sasl_mechanism mechanism);	/* a channel: -PLUS */

/* What the stream knows when the exchange starts; everything is copied. */
struct sasl_situation {
	struct slice host;		/* prepared domain */
	unsigned     offered;		/* enum sasl_mechanism bits told to the client */
	bool	     secure;		/* under TLS */
	uint8_t	     exporter[64];	/* channel binding data, for -PLUS alone */
	size_t	     exporter_length;	/* 0: not in XEP-0440's list */
	uint8_t	     end_point[64];
	size_t	     end_point_length;
};

enum sasl_step { SASL_STEP_CHALLENGE, SASL_STEP_SUCCESS, SASL_STEP_FAILURE, SASL_STEP_LATER };

struct sasl;

/*
 * Accounts are looked up through this callback, so that no store is known here. Fills *found and
 * returns true; for an unknown account returns false (a stable false salt is made from secret).
 */
struct sasl_accounts {
	bool (*find)(void *owner, struct slice username, struct slice host,
	    struct credentials *found);
	/*
	 * Slow work (PBKDF2) is handed out. run may go to a thread; once it has returned, done is called
	 * on the thread of sasl_step(), at once or later, exactly once, also after sasl_free().
	 */
	void (*work)(void *owner, void (*run)(void *job), void (*done)(void *job), void *job);
	const uint8_t *secret;		/* 32 bytes, the same on every worker and after a restart */
	uint32_t iterations;		/* that unknown accounts show: those of new ones; 0: SCRAM_ITERATIONS */
};

/*
 * mechanism is one bit; what was not offered fails at its first step. *accounts is copied, its secret
 * must outlive the exchange. on_later is called when a step that answered LATER has its outcome, and
 * may free the sasl.
 */
struct sasl *sasl_new(enum sasl_mechanism mechanism, const struct sasl_situation *situation,
		const struct sasl_accounts *accounts, void *owner,
		void (*on_later)(void *owner, enum sasl_step step));
/* May be called while work is under way: the result is then dropped. */
void	     sasl_free(struct sasl **sasl);

#define SASL_INPUT_MAX 4096		/* bytes a step takes; more are malformed */

/*
 * Bytes are decoded already (base64 is the stream's). has_data false: no initial response ("" is one).
 * A step after the end, or while LATER is open, fails and drops what was reached.
 * After CHALLENGE and SUCCESS sasl_output() is what goes to the client (decoded).
 */
enum sasl_step sasl_step(struct sasl *sasl, bool has_data, struct slice data);
struct slice   sasl_output(const struct sasl *sasl);
enum sasl_failure sasl_failure(const struct sasl *sasl);
const char    *sasl_failure_detail(const struct sasl *sasl);	/* for the log; never for the peer */

/*
 * The prepared localpart; before SUCCESS it is only a claim, to count failures by ("" if there is
 * none). The account that logged in; 0 before SUCCESS.
 */
struct slice   sasl_username(const struct sasl *sasl);
uint64_t       sasl_account_id(const struct sasl *sasl);

/* After a PLAIN success: keys the account misses, made from the password just proved; false: none. */
bool	       sasl_upgraded(const struct sasl *sasl, struct credentials *upgraded);
