/* archive.h -- XEP-0313: what the files of the archive share in one worker. */
#pragma once

#include "features/archive_id.h"
#include "features/archive_order.h"
#include "features/archive_record.h"
#include "net/timer.h"
#include "routing/router.h"

struct archive_query_job;

/* The message kept last. It may be routed again (its targets had ended), and its sender's clients get copies: it has its id. */
struct archive_last {
	struct slot_ref origin;
	uint64_t	number;
	uint64_t	account;	/* of the recipient */
	uint64_t	sender;		/* account whose archive has it, too; 0: none */
	uint64_t	id;
};

/* When the next query of a session is due; one that has ended leaves its slot's to the next. */
struct archive_pace {
	uint32_t epoch;
	uint64_t due_us;
};

struct archive {
	struct server		 *server;
	struct archive_keys	  keys;
	struct archive_order	  order;
	struct memo		 *keeps_all;	/* accounts without preferences */
	struct archive_last	  last;
	bool			  is_refused;	/* by the store, when it was asked last */
	struct timer		  sweep;	/* of worker 0 alone */
	uint64_t		  expired;	/* removed since it was told last */
	struct timer		  settle;	/* until a dead predecessor's requests are answered */
	struct archive_query_job *jobs;
	struct archive_pace	 *paces;	/* by slot */
};

#define ARCHIVE_PAGE_MAX 100	/* whatever a client asks for */

/* --- which messages, archive_rules.c --- */

/* XEP-0313 5.1.1 and the hints of XEP-0334: worth keeping, whoever it is for. */
bool	archive_is_worthy(const struct stanza *stanza);

/* --- ids in stanzas, archive_stanza_id.c --- */

/* Removes every <stanza-id/> by that address, wherever it stands (XEP-0359 3.2). */
void	archive_strip_ids(struct arena *arena, struct element *element, struct slice by);
bool	archive_has_id(const struct element *stanza, struct slice by);
void	archive_add_id(struct arena *arena, struct element *stanza, struct slice by, struct slice id);

/*
 * Of a message that has gone its way, in a copy for its sender's clients: the id that its recipient's archive gave goes,
 * that of their own comes (XEP-0313 3.5).
 */
void	archive_name_for_sender(struct stanza *stanza, struct element *copy);

/* --- preferences, archive_preferences.c --- */

/* Whether the account keeps messages with that address (XEP-0441 2.3). */
bool	archive_wants(struct archive *archive, uint64_t account, const struct jid *peer);
int	archive_on_preferences_get(struct stanza *stanza);
int	archive_on_preferences_set(struct stanza *stanza);

/* --- queries, archive_query.c --- */

int	archive_on_query(struct stanza *stanza);
int	archive_on_form(struct stanza *stanza);
int	archive_on_metadata(struct stanza *stanza);
/* The worker ends. */
void	archive_drop_queries(struct archive *archive);

/* --- expiry and quota, archive_sweep.c --- */

/* Ids below it have expired: nobody is shown them, though they may stand in the store for a while. */
uint64_t archive_expired(const struct archive *archive);
/* Arms the timer of expiry, where this worker sweeps. */
void	archive_sweep_start(struct archive *archive);
/* The account is gone: its oldest messages, and those of them that are in nobody else's archive (struct kept_row). */
int	archive_gather(struct server *server, struct arena *arena, uint64_t account,
	    struct store_change *change);
/* From a handler: removes the oldest messages of an account that has more than archive_bytes. */
int	archive_trim(struct stanza *stanza, uint64_t account);
