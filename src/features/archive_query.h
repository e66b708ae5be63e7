/* archive_query.h -- a query of an archive: what was asked, and the page that answers it. */
#pragma once

#include "features/archive.h"
#include "features/rsm.h"

#define ARCHIVE_IDS_MAX 1000	/* in one query */

/* Ids are those of memory; 0 where the client named none. Borrows from the element. */
struct archive_query {
	bool	     has_queryid;
	struct slice queryid;
	struct jid   with;		/* domain empty: everybody */
	uint64_t     start, end;	/* inclusive: a time is an id */
	uint64_t     after, before;	/* exclusive, as all below */
	uint64_t    *ids;		/* in order, each once */
	int	     id_count;
	bool	     has_ids;
	struct rsm   rsm;
	uint64_t     page_after, page_before;	/* of rsm */
	bool	     is_flipped;
};

/* <query/> to a query: STANZA_PASS, or the condition of XEP-0313 or XEP-0059. */
int	archive_form_read(struct arena *arena, const struct archive_keys *keys,
	    uint64_t account, const struct element *payload, struct archive_query *query);

/* The form with all fields that a query may have. */
struct element *archive_form_offer(struct arena *arena);

/* Which messages answer, in the order of time. */
struct archive_page {
	uint64_t id[ARCHIVE_PAGE_MAX];
	int	 count, most;
	bool	 is_complete;		/* nothing more in that direction */
	bool	 is_begun;
	uint64_t index, total;		/* RSM_UNKNOWN where it would take too long */
	uint64_t low, high;		/* what is still to be looked at */
};

/*
 * Looks at a bounded number of messages: STANZA_LATER, to be called again; STANZA_PASS when the page stands; or a condition
 * (item-not-found). horizon: the greatest id that may be shown.
 */
int	archive_page_find(struct archive *archive, uint64_t account,
	    const struct archive_query *query, uint64_t horizon, struct archive_page *page);
