/* registry_record.h -- keys and records of the registry, for its files and tests; README.md draws them. */
#pragma once

#include "shm/registry.h"

enum registry_table {
	REGISTRY_SESSION, REGISTRY_PRESENCE, REGISTRY_SLOT, REGISTRY_SMID, REGISTRY_DPRES,
	REGISTRY_ROUTE, REGISTRY_ROOM,	/* places for features to come */
	REGISTRY_LEAVING,
	REGISTRY_TABLES
};

#define REGISTRY_LAYOUT	      1
#define REGISTRY_PROBES	      4		/* places for resources of one account with one hash */
#define REGISTRY_FULL	      0.8
#define REGISTRY_PRESENCE_MAX 8192
#define REGISTRY_JID_MAX      2047	/* bare */
#define REGISTRY_RESOURCE_MAX 1023

/* Of session and presence records: account, then the resource's place. Both big endian: an account is one range. */
struct session_key {
	uint8_t bytes[16];
};

struct session_record {
	uint32_t slot;
	uint32_t epoch;
	uint64_t bound_us;
	uint32_t flags;
	int8_t	 priority;
	uint8_t	 reserved;
	uint16_t jid_length;		/* then the bare JID, then the resource */
	uint16_t resource_length;
	uint8_t	 padding[6];
};

struct slot_record {
	uint32_t	   epoch;
	struct session_key session;
};

/* An account's are one range, big endian; the value is the epoch. */
struct leaving_key {
	uint64_t account;
	uint32_t slot;
} __attribute__((packed));

#define LEFT_MAX 64

struct registry {
	struct shm *shm;
	struct env *env;
	uint64_t	left_account[LEFT_MAX];	/* whose records go with this process's next change */
	struct slot_ref left[LEFT_MAX];
	int		left_count;
	uint64_t (*hash)(const struct shm *shm, struct slice resource);	/* tests make it collide */
};

struct session_key session_key(uint64_t account, uint64_t place);

static inline struct slice
session_key_slice(const struct session_key *key)
{
	return slice_of(key->bytes, sizeof(key->bytes));
}

uint64_t session_key_account(struct slice key);
uint64_t session_key_place(struct slice key);

/* What a stored session says; false (and a log line) where its lengths are not those of the record. */
bool	session_record_read(struct slice key, struct slice value, struct registry_session *session);

/*
 * The place of a resource, and its record; false: it has none, and *place is one that is free, or
 * UINT64_MAX when no place is.
 */
bool	registry_place(struct registry *registry, struct txn *txn, uint64_t account,
	    struct slice resource, uint64_t *place, struct registry_session *found);

bool	registry_is_live(const struct registry *registry, struct slot_ref session);

/* In the transaction: writes a session; removes session, presence and the slot's record. */
void	registry_write(struct txn *txn, const struct session_key *key,
	    const struct registry_session *session);
void	registry_remove(struct txn *txn, const struct session_key *key, struct slot_ref session);
/* The same of one whose slot may live on: until it is given, registry_is_leaving() says so. */
void	registry_leave(struct registry *registry, struct txn *txn, const struct session_key *key,
	    struct slot_ref session);
void	registry_forget_left(struct registry *registry, struct txn *txn);
int	registry_forget_all_left(struct registry *registry);

struct leaving_key leaving_key(uint64_t account, uint32_t slot);
/* The slot may have been taken anew, by one that leaves as well: that is another. */
bool	leaving_is_noted(struct txn *txn, uint64_t account, struct slot_ref session);
bool	leaving_record_read(struct slice key, struct slice value, uint64_t *account,
	    struct slot_ref *session);
