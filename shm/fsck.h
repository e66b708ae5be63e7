/* fsck.h -- a checker that reads memory and stores, changes nothing, and names every rule that is broken. */
#pragma once

#include <stdarg.h>

#include "shm/registry.h"
#include "shm/shm.h"
#include "shm/store.h"

/* What to do about most rules. */
#define FSCK_RESTART "restart the server; what was delivered and not acknowledged by then may be lost"

enum fsck_rule {
#define FSCK_RULE(id, name, about, advice) FSCK_##id,
#include "shm/fsck_rules.def"
#undef FSCK_RULE
	FSCK_RULES
};

struct fsck_row {
	const char *name;	/* "outbox-block" */
	const char *about;	/* the rule, as a sentence */
	const char *advice;	/* what to do where it is broken */
};
extern const struct fsck_row fsck_rows[FSCK_RULES];

struct fsck_finding {
	enum fsck_rule rule;
	char	       where[112];
	char	       what[176];	/* bytes of peers may be in both */
};

/* What was looked at. */
struct fsck_seen {
	uint64_t segments, slots, entries, blocks, records, sessions, accounts, contacts, messages;
};

#define FSCK_FINDINGS_MAX 1000	/* kept; more are only counted */

/*
 * Memory that is in use changes while it is read. So a checker looks several times, each a pass, and what was found
 * in all of them counts: what is on its way is somewhere else the next time. One pass is exact where everything
 * stands still; what dead processes left for their replacements to finish is never a finding.
 */
struct fsck *fsck_new(bool is_in_use);
void	fsck_free(struct fsck **fsck);

void	fsck_pass(struct fsck *fsck);	/* begins one */
void	fsck_end(struct fsck *fsck);

/* In the order of the rules. `more`: findings beyond those that are kept. */
size_t	fsck_findings(const struct fsck *fsck, const struct fsck_finding **findings, size_t *more);
const struct fsck_seen *fsck_seen(const struct fsck *fsck);	/* in the last pass */

/* What no process mends, or dies of: a server that starts must not go on with it. The first such finding, or NULL. */
const struct fsck_finding *fsck_hopeless(const struct fsck *fsck);

/* For checks of upper layers. */
void	fsck_find(struct fsck *fsck, enum fsck_rule rule, const char *where, const char *what, ...)
	    __attribute__((format(printf, 4, 5)));
struct fsck_seen *fsck_count(struct fsck *fsck);

/* --- checks: between fsck_pass() and fsck_end(), each once --- */

/* The files alone. False: the memory cannot be mapped. */
bool	fsck_segments(struct fsck *fsck, const char *runtime_dir);

/* Processes, slots, outboxes, arenas, effects, dirty bits and rings. read-only mappings will do. */
void	fsck_memory(struct fsck *fsck, const struct shm *shm);

/* core NULL: accounts are not looked up. */
void	fsck_registry(struct fsck *fsck, struct registry *registry, struct store *core);

/* Calls back for each entry of a list that stands in the journal of msg still. */
void	fsck_journal(struct fsck *fsck, struct txn *msg,
	    bool (*each)(void *owner, int table, struct slice key, const struct store_entry *entry),
	    void *owner);

/*
 * Accounts, hosts, versions, and whether what is kept belongs to somebody; the bytes that features keep are theirs to
 * check. msg NULL: there is none yet.
 */
void	fsck_stores(struct fsck *fsck, struct store *core, struct store *msg);
