/* registry.h -- who is online, and on which worker: LMDB on tmpfs, written by every worker. */
#pragma once

#include "shm/lmdb.h"
#include "shm/shm.h"

struct registry;

struct route {
	struct slot_ref session;
	int8_t		priority;
	uint32_t	flags;		/* enum slot_flag as of the last registry write */
	uint64_t	resource_hash;
};

/* Opens runtime_dir/registry; create: the first process of a server. */
int	registry_open(struct shm *shm, bool create, bool read_only, struct registry **registry);
void	registry_close(struct registry **registry);

struct txn *registry_read(struct registry *registry);	/* end with txn_end() */

/*
 * Copies at most max routes of an account (and at most 256), best priority first, then who bound
 * last, and returns how many it copied. Only sessions that have not ended. Nothing points into shared
 * memory afterwards.
 */
int	registry_find(struct registry *registry, struct txn *txn, uint64_t account,
	    struct route *found, int max);
bool	registry_find_resource(struct registry *registry, struct txn *txn, uint64_t account,
	    struct slice resource, struct route *found);

/* What a conflict may do, RFC 6120 7.7.2.2. */
enum bind_policy { BIND_KICK_OLD, BIND_KICK_NEW, BIND_RANDOM, BIND_INCREMENT };

struct bind_request {
	struct slot_ref	 session;
	uint64_t	 account;
	struct slice	 bare_jid;
	struct slice	 resource;	/* wanted; empty: one is made */
	enum bind_policy policy;
	uint32_t	 sessions_max;	/* of one account: 20 */
	uint64_t	 now_us;
};

struct bind_answer {
	char		resource[1024];
	size_t		resource_length;
	uint64_t	resource_hash;	/* names the resource within the account, as in a route */
	struct slot_ref	displaced;	/* slot UINT32_MAX: none. Its record is gone; ask it to close */
	struct slot_ref	outslept;	/* the same: one without connection, where there were too many of the account */
};

/*
 * Binds in one transaction. RESULT_CONFLICT: kick_new, and it is in use; RESULT_FULL: sessions_max, and none of them
 * hibernates, or the registry is four fifths full; RESULT_EXISTS: this session is bound already. Made resources are checked for
 * being free.
 */
int	registry_bind(struct registry *registry, const struct bind_request *request,
	    struct bind_answer *answer);

/*
 * Removes the record where it is still this session's; else RESULT_NOT_FOUND (a displaced one's is not). What its client
 * did not get stands in its slot still: it is leaving until that is given.
 */
int	registry_unbind(struct registry *registry, uint64_t account, struct slice resource,
	    struct slot_ref session);

/*
 * The last presence of the resource: bytes as sent to others, at most 8 KiB (RESULT_FULL above); empty: none, then
 * priority is 0 and the resource is not available. flags: enum slot_flag bits to keep with the route;
 * SLOT_AVAILABLE follows the presence.
 */
int	registry_set_presence(struct registry *registry, uint64_t account, struct slice resource,
	    struct slot_ref session, int8_t priority, uint32_t flags, struct slice presence);
/* Flags alone (interested, carbons, ...); what a route tells of a session without asking its worker. */
int	registry_set_flags(struct registry *registry, uint64_t account, struct slice resource,
	    struct slot_ref session, uint32_t flags);
/*
 * Sets one flag that at most one live session of an account has. RESULT_EXISTS: another one has it, or one that is
 * leaving has it in its slot. It goes with registry_set_flags() or with its session, however that ends.
 */
int	registry_claim(struct registry *registry, uint64_t account, struct slice resource,
	    struct slot_ref session, uint32_t flag);

/*
 * Whether a session of the account that nobody finds any more still has something in its slot (unbound, displaced, or
 * outslept), and flag there; flag 0: any. What is newer waits for what that one leaves.
 */
bool	registry_is_leaving(struct registry *registry, struct txn *txn, uint64_t account,
	    uint32_t flag);
/* Its slot was given: nobody believes its record any more, which goes with a later change. */
void	registry_left(struct registry *registry, uint64_t account, struct slot_ref session);

bool	registry_presence(struct registry *registry, struct txn *txn, uint64_t account,
	    uint64_t resource_hash, struct slice *presence);

/*
 * Directed presence (RFC 6121 4.6): whom a session must tell that it goes. Kept by bare JID, with the address as it was
 * used last. RESULT_FULL: max are kept already.
 */
int	registry_direct(struct registry *registry, struct slot_ref session, struct slice bare,
	    struct slice address, uint32_t max);
int	registry_undirect(struct registry *registry, struct slot_ref session, struct slice bare);
int	registry_undirect_all(struct registry *registry, struct slot_ref session);
void	registry_directed(struct registry *registry, struct txn *txn, struct slot_ref session,
	    bool (*each)(void *owner, struct slice bare, struct slice address), void *owner);

/* For rookeryctl: every session record. Slices are borrowed during the call. */
struct registry_session {
	struct slot_ref session;
	uint64_t	account;
	struct slice	bare_jid;
	struct slice	resource;
	int8_t		priority;
	uint32_t	flags;
	uint64_t	bound_us;
};
void	registry_each(struct registry *registry, struct txn *txn,
	    bool (*each)(void *owner, const struct registry_session *session), void *owner);
/* The record of one slot; false when it is not bound. */
bool	registry_session_of(struct registry *registry, struct txn *txn, struct slot_ref session,
	    struct registry_session *found);

/* Removes all records whose sessions have ended or belonged to an owner that will not return. Returns how many. */
int	registry_sweep(struct registry *registry);

/*
 * Reads all of it, after every process that wrote it has died: RESULT_CORRUPT where something cannot be believed. Damage
 * that LMDB does not look for may kill the caller.
 */
int	registry_check(struct registry *registry);

/* Where this process notes open transactions. */
void	registry_watch(struct registry *registry, struct process_page *page);
struct env *registry_env(struct registry *registry);
