/* store_request.h -- what goes through the rings between a process and a store; README.md draws it. */
#pragma once

#include "shm/ring.h"
#include "shm/store.h"

struct buffer;

/* A request is this, then for each change its head, key and value, each rounded up to 8 bytes. */
struct request_head {
	struct store_context context;
	uint32_t	     count;
	uint32_t	     reserved;
};

struct change_head {
	uint32_t verb;
	uint32_t hashes;
	int32_t	 table;
	uint32_t key_length;
	uint64_t version;
	uint64_t value_length;
};

/* The answer to request n is the n-th record of its ring, so nothing is ever answered twice there. */
struct answer_record {
	struct store_context context;
	uint64_t	     request;
	int32_t		     result;
	uint32_t	     reserved;
	uint64_t	     account;
};

/* What a request came to, as long as its answer may be lost. */
struct outcome {
	int32_t	 result;
	uint32_t reserved;
	uint64_t account;
};

/* Value of a record in "applied": outcomes of requests first to last follow. */
struct applied_record {
	uint64_t first;
	uint64_t last;
};

struct applied_key {
	uint64_t instance;	/* big endian, as ring */
	uint32_t ring;
} __attribute__((packed));

enum ring_way { RING_REQUESTS, RING_ANSWERS };

#define REQUEST_RING_BYTES (1u << 20)
#define ANSWER_RING_BYTES  (128u << 10)

/* Workers and the master have rings; stores have none. */
bool	store_is_client(const struct shm *shm, uint32_t process);
uint32_t store_ring_number(uint32_t process, enum store_kind kind, enum ring_way way);

/* Eventfds, -1 where none is set. */
int	store_process_fd(uint32_t process);
int	store_store_fd(enum store_kind kind);

/* The whole record; false where there can be no such request. */
bool	store_request_write(struct buffer *record, const struct store_context *context,
	    const struct store_change *changes, int count);

/* The key of its first change as a number, below UINT64_MAX, where that is a stanza for the log; else 0. */
uint64_t store_request_place(struct slice record);

/* Reads a request, at most STORE_CHANGES_MAX changes that point into it. RESULT_CORRUPT: a length that cannot be. */
int	store_request_read(struct slice record, struct request_head *head,
	    struct store_change *changes);
