/* store.h -- the durable data: read by everybody, written by one process for each environment. */
#pragma once

#include "shm/lmdb.h"
#include "shm/ring.h"

enum store_kind { STORE_CORE, STORE_MSG, STORE_COUNT };

/*
 * Opens data_dir/core or data_dir/msg. A writer (the store process, or rookeryctl while no server
 * runs) holds the lock of the data directory: RESULT_DENIED when another one has it.
 */
struct store;
/* RESULT_NOT_FOUND: no writer has made it yet. RESULT_LAYOUT: of another version; nothing was changed. */
int	store_open(const char *data_dir, enum store_kind kind, bool writer, struct store **store);
/* Bytes of address space for each environment opened from now on in this process; 0: 1 TiB. */
void	store_set_map_size(uint64_t bytes);
void	store_close(struct store **store);
struct txn *store_read(struct store *store);
struct env *store_env(struct store *store);

/* --- accounts, in core --- */

struct account {
	uint64_t     id;		/* from 1, never used again */
	uint64_t     version;		/* grows with each change */
	struct slice jid;		/* bare, prepared */
	struct slice record;		/* the owner's bytes: credentials_pack() */
	uint32_t     hashes;		/* bit h: record has keys of hash h; for store_host_hashes() */
};

/* Borrowed until the transaction ends. */
bool	store_account(struct store *store, struct txn *txn, struct slice jid, struct account *found);
/* Only the id, for routing; 0: none. */
uint64_t store_account_id(struct store *store, struct txn *txn, struct slice jid);
void	store_accounts(struct store *store, struct txn *txn, struct slice host,
	    bool (*each)(void *owner, const struct account *account), void *owner);

/* Hashes that every account of the host has; all bits when it has no account. *accounts: how many. */
uint32_t store_host_hashes(struct store *store, struct txn *txn, struct slice host, uint64_t *accounts);

/*
 * A deletion takes the account alone, and leaves a record that outlives every process: whoever has removed the rest removes
 * it, last, as any other record (STORE_DELETED, key: the id, big endian). *found is borrowed until the transaction ends;
 * false: there is none with that id or a later one.
 */
struct store_deleted {
	uint64_t     id;
	uint64_t     when_us;
	struct slice jid;		/* bare; another account may have it now */
};
bool	store_deleted(struct store *store, struct txn *txn, uint64_t from, struct store_deleted *found);

/* A secret of 32 bytes made with the data directory: false salts. */
void	store_secret(struct store *store, struct txn *txn, uint8_t out[32]);

/* --- places of features: keys and values are theirs --- */

enum store_place {
	STORE_ROSTER = 5, STORE_BLOCKLIST, STORE_PEP, STORE_ROOM, STORE_PUSH,	/* in core */
	STORE_DATA,		/* small things of an account: key account, space, name */
	STORE_DELETED,		/* accounts that have left something behind: store_deleted() */
	STORE_STANZA = 2, STORE_ARCHIVE, STORE_OFFLINE, STORE_PREFERENCES,	/* in msg */
};

/*
 * A number that has changed by the time an answer tells of a change of the place (of accounts: STORE_ACCOUNTS). What
 * was read after it was taken still stands while it is the same.
 */
#define STORE_ACCOUNTS 2
uint64_t store_changes(const struct shm *shm, enum store_kind kind, int place);

/* *value is borrowed until the transaction ends; *version grows with each change and is never used again. */
bool	store_get(struct store *store, struct txn *txn, enum store_place place, struct slice key,
	    struct slice *value, uint64_t *version);
/* In key order, those that start with prefix. */
void	store_each(struct store *store, struct txn *txn, enum store_place place, struct slice prefix,
	    bool (*each)(void *owner, struct slice key, struct slice value, uint64_t version),
	    void *owner);

/*
 * From a key on, upwards or downwards (then `from` empty: from the last); keys that start with prefix.
 */
void	store_each_from(struct store *store, struct txn *txn, enum store_place place,
	    struct slice prefix, struct slice from, bool downwards,
	    bool (*each)(void *owner, struct slice key, struct slice value, uint64_t version),
	    void *owner);

/*
 * What STORE_ENTER gives an entry of a list: a list is all keys that are the same but for their last 8 bytes, the entry's
 * place (big endian). While nothing is taken out of its middle, differences of numbers count entries, and those of totals bytes.
 */
struct store_entry {
	uint64_t number;	/* of the entry before it, and one */
	uint64_t total;		/* of the entry before it, and its own bytes */
};

/* Entries with places from..to, upwards or downwards, until each returns false. In msg; lists are read by this alone. */
void	store_each_entry(struct store *store, struct txn *txn, enum store_place place,
	    struct slice list, uint64_t from, uint64_t to, bool downwards,
	    bool (*each)(void *owner, uint64_t place, const struct store_entry *entry),
	    void *owner);

/*
 * A queue in a place: entries under its name and a number that only grows, so store_each() finds the name's own
 * record (of the store, passed over by its length) and then the entries, oldest first.
 */
#define STORE_QUEUE_NAME_MAX 64

struct store_queue {
	uint64_t entries;
	uint64_t octets;	/* of their values */
};

void	store_queue(struct store *store, struct txn *txn, enum store_place place, struct slice name,
	    struct store_queue *queue);
uint64_t store_queue_number(struct slice key);	/* of an entry's key: its last 8 bytes, big endian */

/* --- requests: what a client of the store asks it to commit; all or nothing --- */

#define STORE_ANY_VERSION UINT64_MAX

enum store_verb {
	STORE_ACCOUNT_PUT = 1,	/* jid, record, hashes; version 0: must not exist (RESULT_EXISTS); else must match (RESULT_CONFLICT) */
	STORE_ACCOUNT_DELETE,	/* jid; RESULT_NOT_FOUND. A version but 0 must match */
	STORE_SET,		/* table (enum store_place), key, version (0: must not exist), value; an empty value deletes */
	STORE_QUEUE_ADD,	/* table, key: its name, value; hashes: entries there may be, version: bytes of values (RESULT_FULL) */
	STORE_QUEUE_DROP,	/* table, key: of an entry: it goes, and all before it; that none is there is no failure */
	/*
	 * In msg. table, key, hashes: bytes that count in its list; no value. version: 0, or so many bytes: the request's result is
	 * 1, not RESULT_OK, when the list's total has passed a multiple of it.
	 */
	STORE_ENTER,
};

/* The changes of one request name different records: RESULT_INVALID where they do not. */
#define STORE_CHANGES_MAX 256

struct store_change {
	enum store_verb verb;
	uint32_t     hashes;
	int	     table;
	uint64_t     version;
	struct slice key;		/* or jid */
	struct slice value;		/* or record */
};

/* Carried through the store and back, so that an answer finds its way though the asker died. */
struct store_context {
	struct slot_ref session;
	uint64_t	stanza;
	uint32_t	feature;
	uint32_t	tag;
};

struct store_answer {
	struct store_context context;
	uint64_t	     request;	/* what store_ask() returned */
	int		     result;
	uint64_t	     account;	/* id, after an account's change */
};

/* A process's pair of rings to one store. Process numbers as in shm.h. */
struct store_client;
int	store_rings_create(struct shm *shm);		/* the master, once */

/* How many requests stand in all rings. RESULT_NOT_FOUND, RESULT_LAYOUT: some ring cannot be used, and is named. */
int	store_rings_waiting(struct shm *shm, uint32_t *waiting);
int	store_client_open(struct shm *shm, uint32_t process, enum store_kind kind,
	    struct store_client **client);
void	store_client_close(struct store_client **client);

/*
 * In two steps, for a number that may be another living process's until later: its rings are mapped; whoever has them is gone,
 * and they are ours.
 */
int	store_client_attach(struct shm *shm, uint32_t process, enum store_kind kind,
	    struct store_client **client);
void	store_client_take_over(struct store_client *client);
/* A number above 0, or RESULT_FULL; RESULT_INVALID: larger than half a ring. */
int64_t	store_ask(struct store_client *client, const struct store_context *context,
	    const struct store_change *changes, int count);
/*
 * The same of what nobody waits for: it may be committed some milliseconds later, with more. store_hurry() when
 * somebody does wait after all.
 */
int64_t	store_ask_later(struct store_client *client, const struct store_context *context,
	    const struct store_change *changes, int count);
void	store_hurry(struct store_client *client);
/* Requests ever asked by this process number, and those of them whose answers were taken. */
uint64_t store_asked(const struct store_client *client);
uint64_t store_answered(const struct store_client *client);
bool	store_can_ask(const struct store_client *client, size_t bytes);
/*
 * The same as a step of the effect that is drafted (effect.h): RESULT_OK, and effect_asked() tells its number once the
 * effect has run. RESULT_FULL, RESULT_INVALID: nothing was drafted.
 */
int	store_draft(struct store_client *client, const struct store_context *context,
	    const struct store_change *changes, int count, bool later);
/*
 * Answers that have come, in the order of requests; returns how many. Each comes once, whoever dies, but one: that
 * which a process was handling when it was killed comes to its replacement too.
 */
int	store_answers(struct store_client *client, void (*each)(void *owner, const struct store_answer *answer),
	    void *owner);
/*
 * The eventfd to watch; both clients of a process have the same. Readable: wake_drain_fd(), then store_answers() of
 * each. store_client_sleep() before sleeping: false when answers wait.
 */
int	store_client_fd(struct store_client *client);
bool	store_client_sleep(struct store_client *client);

/* Applies at once, in this process: rookeryctl while no server runs, and tests. */
int	store_apply(struct store *store, const struct store_change *changes, int count, uint64_t *account);

/* --- the store process's loop: one transaction and one sync for all that wait --- */

struct store_server;
int	store_server_open(struct shm *shm, struct store *store, enum store_kind kind,
	    struct store_server **server);
void	store_server_close(struct store_server **server);
/* Serves all that wait, returns how many requests; a failed commit ends the process after logging (EIO). */
int	store_server_turn(struct store_server *server);
/*
 * Waits for requests or for a byte on extra_fd (-1: none), at most timeout_ms; and then some milliseconds for more,
 * while nobody waits for those there are.
 */
void	store_server_wait(struct store_server *server, int extra_fd, int timeout_ms);

/*
 * Eventfds the master makes before forks: for each process its answers (PROCESSES_MAX of them, -1 for none), for
 * each store its requests (STORE_COUNT). Copied.
 */
void	store_set_wake_fds(const int *process_fds, const int *store_fds);
