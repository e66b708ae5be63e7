/* archive_record.h -- what stands in the store for an archived message: in the log once, in an index of each end. */
#pragma once

#include "base/arena.h"
#include "shm/store.h"

/*
 * STORE_STANZA, key id: the message, with its ends. STORE_ARCHIVE, key account, peer, id: a list of all messages of an
 * account (peer 0), and one of those with each contact; the store numbers and sums them (struct store_entry).
 */
struct archive_end {
	uint64_t account;	/* 0: no archive has it at this end */
	uint64_t peer;		/* archive_peer() of the other's bare JID */
};

enum { ARCHIVE_SENDER, ARCHIVE_RECIPIENT, ARCHIVE_ENDS };

struct archive_record {
	struct archive_end end[ARCHIVE_ENDS];
	struct slice	   from;	/* full, as sent */
	struct slice	   to;
	struct slice	   stanza;	/* as bytes; its default namespace is declared */
};

#define ARCHIVE_KEY_SIZE 24

/* Keys, big endian. archive_list_size: the account and peer alone, what all keys of the list begin with. */
#define ARCHIVE_LIST_SIZE 16
void	archive_key(uint64_t account, uint64_t peer, uint64_t id, char out[ARCHIVE_KEY_SIZE]);
uint64_t archive_key_id(struct slice key);
void	archive_log_key(uint64_t id, char out[8]);

struct slice archive_pack(struct arena *arena, const struct archive_record *record);
/* Borrows from value. False: it is broken. */
bool	archive_unpack(struct slice value, struct archive_record *record);
bool	archive_read(struct store *store, struct txn *txn, uint64_t id,
	    struct archive_record *record);

/* An entry of a list. */
struct archive_item {
	uint64_t	   id;
	struct store_entry entry;
};

bool	archive_has(struct store *store, struct txn *txn, uint64_t account, uint64_t id,
	    struct archive_item *item);

/* Items of a list with ids from..to, upwards or downwards, until each returns false. */
void	archive_each(struct store *store, struct txn *txn, struct archive_end list,
	    uint64_t from, uint64_t to, bool downwards,
	    bool (*each)(void *owner, const struct archive_item *item), void *owner);
/* The first or last of them; false: there is none. */
bool	archive_edge(struct store *store, struct txn *txn, struct archive_end list,
	    uint64_t from, uint64_t to, bool last, struct archive_item *item);

/* --- changes of a request --- */

#define ARCHIVE_CHANGES_MAX 5	/* of one message */

struct archive_changes {
	struct store_change *change;
	int		     count;
	struct arena	    *arena;
};

/* The message, and its place in each end's lists. step: see STORE_ENTER. */
void	archive_put(struct archive_changes *changes, uint64_t id,
	    const struct archive_record *record, uint64_t step);
/* Takes one end out of its lists (peer 0: not known, out of the account's); and the message out of the log. */
void	archive_remove_end(struct archive_changes *changes, uint64_t id,
	    const struct archive_end *end);
void	archive_remove_stanza(struct archive_changes *changes, uint64_t id);
