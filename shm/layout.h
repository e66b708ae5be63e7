/* layout.h -- every byte that several processes share; README.md draws it. */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

/*
 * A process that does not know this number refuses the memory by name. It grows when a
 * field moves; a field that takes the space alignment leaves free does not need it.
 */
#define LAYOUT_VERSION 1
#define LAYOUT_MAGIC   "ROOKERY"

#define WORKERS_MAX	64	/* worker numbers 0..63 */
#define PROCESSES_MAX	72	/* workers, two stores, master, and room for more */
#define SLOTS_MAX	(1u << 24)
#define STORE_TABLES_MAX 16	/* of one store */

enum segment_kind {
	SEGMENT_INSTANCE = 1, SEGMENT_SLOTS, SEGMENT_ARENA, SEGMENT_EFFECT, SEGMENT_DIRTY,
	SEGMENT_RING, SEGMENT_LIMITS
};

/* Starts every segment. What does not match is refused before anything else is read. */
struct segment_header {
	char	 magic[8];
	uint32_t layout;	/* LAYOUT_VERSION */
	uint32_t kind;		/* enum segment_kind */
	uint32_t number;	/* of the worker or ring; 0 where there is one */
	uint32_t unit;		/* size of what it holds: slot, block, step... */
	uint64_t size;		/* bytes of the file, reserved and mapped */
	uint64_t instance;	/* the same in all segments of one server */
	uint8_t	 boot[16];	/* of the kernel: memory of another boot is stale */
	uint8_t	 reserved[72];
};
static_assert(sizeof(struct segment_header) == 128, "segment header");

/* --- instance: one page a process, and what all share --- */

enum process_kind { PROCESS_WORKER = 1, PROCESS_STORE, PROCESS_MASTER, PROCESS_RESOLVER };

#define FENCED_MAX 16

#define COUNTERS_MAX 96

/* The writer's lock of an environment, which a process waits for. */
enum write_lock { WRITE_LOCK_NONE, WRITE_LOCK_REGISTRY, WRITE_LOCK_STORE };

/* Written by its process alone, but for generation (the master) and sleeping (exchanged by wakers). */
struct process_page {
	_Atomic uint32_t kind;
	_Atomic uint32_t pid;
	_Atomic uint32_t generation;	/* raised by the master when a predecessor was reaped */
	_Atomic uint32_t sleeping;	/* 1: wants its eventfd written when work comes */
	_Atomic uint64_t started_ms;	/* CLOCK_MONOTONIC without the test offset, as all below */
	_Atomic uint64_t heartbeat_ms;
	_Atomic uint64_t lock_since_ms;	/* 0: holds none */
	_Atomic uint64_t read_since_ms;	/* 0: no read transaction open */
	_Atomic uint32_t freeing;	/* slot + 1 whose blocks are being given back */
	_Atomic uint32_t ready;		/* accepts connections, or serves its rings */
	_Atomic uint64_t dirty_any;	/* 1: dirty bitmap has bits */
	_Atomic uint64_t archive_low;	/* no archive id below it is still to be committed by this worker; 0: none at all */
	_Atomic uint32_t denied_call;	/* number of the system call that the sandbox denied, plus one */
	_Atomic uint64_t handling;	/* the stanza this worker is at: see fence.h */
	_Atomic uint32_t waits_for;	/* enum write_lock */
	_Atomic uint32_t broken;	/* the same: LMDB said that it is no lock, and the process ended */
	_Atomic uint64_t counters[COUNTERS_MAX] __attribute__((aligned(1024)));	/* counters.def */
} __attribute__((aligned(4096)));
static_assert(sizeof(struct process_page) == 4096, "process page");

struct instance {
	struct segment_header header;
	uint32_t	      workers;
	uint32_t	      max_sessions;
	uint64_t	      hash_key[2];	/* of registry keys */
	_Atomic uint64_t      clock_offset_ms;	/* moved by tests alone */
	_Atomic uint64_t      archive_next;	/* the greatest archive id given out */
	_Atomic uint64_t      sessions_about;	/* slots in use, but for those of workers that died as they counted: slot_count() knows */
	_Atomic uint64_t      fenced[FENCED_MAX];	/* stanzas that workers died of */
	_Atomic uint64_t      fenced_count;	/* ever; the master's */
	_Atomic uint64_t      config_serial;	/* raised by each reload that took effect */
	uint8_t		      login_secret[32];	/* false salts */
	_Atomic uint64_t      serving;		/* a bit for each worker number: its process is to accept */
	_Atomic uint64_t      draining;		/* its process is to go when its sessions have */
	_Atomic uint64_t      store_changes[2][STORE_TABLES_MAX];	/* of each store's tables: raised behind a commit, before its answers */
	uint8_t		      tickets[4096] __attribute__((aligned(4096)));	/* struct tls_ticket_page */
	uint8_t		      trace[4096];	/* who is traced */
	struct process_page   process[PROCESSES_MAX];
};
static_assert(sizeof(struct instance) % 4096 == 0, "instance");

/* --- slots --- */

enum slot_type {
	SLOT_FREE, SLOT_C2S_UNAUTHED, SLOT_C2S_UNBOUND, SLOT_C2S, SLOT_C2S_DESTROYED,
	SLOT_S2SIN, SLOT_S2SOUT, SLOT_COMPONENT
};

enum slot_flag {
	SLOT_SECURE = 1 << 0,		/* under TLS */
	SLOT_NOTOPEN = 1 << 1,		/* no stream header yet */
	SLOT_AVAILABLE = 1 << 2,	/* has sent presence */
	SLOT_INTERESTED = 1 << 3,	/* has asked for the roster */
	SLOT_HIBERNATING = 1 << 4,
	SLOT_RESUMABLE = 1 << 5,
	SLOT_CARBONS = 1 << 6,
	SLOT_INACTIVE = 1 << 7,		/* client state indication */
	SLOT_IPV6 = 1 << 8,
	SLOT_DIRECT_TLS = 1 << 9,
	SLOT_BLOCKLIST = 1 << 11,	/* has asked for the list of whom its account blocks */
	SLOT_TAKES_OFFLINE = 1 << 10,	/* the messages kept for its account go to it alone */
	SLOT_MANAGED = 1 << 12,		/* stream management: entries stay until the client acknowledges them */
};

/* What another process asks of the owner; the owner clears it. */
enum slot_order {
	ORDER_NONE, ORDER_LOOK, ORDER_GIVE_AWAY, ORDER_CONFLICT, ORDER_RESET, ORDER_NOT_AUTHORIZED,
	ORDER_KICK, ORDER_SHUTDOWN
};

/*
 * A place in an outbox: block + 1 in the upper half, offset in the lower; 0 is no place. Of the
 * pairs, [out_next & 1] and [out_acked & 1] count: one store of out_next or out_acked
 * makes a change, so whoever dies before it has changed nothing.
 */
typedef _Atomic uint64_t place_word;

struct slot {
	/* written under the lock */
	_Atomic uint32_t lock;		/* 0, or holder: worker + 1, generation << 8 */
	_Atomic uint32_t owner;		/* worker + 1; 0: free */
	_Atomic uint32_t epoch;		/* odd while in use; with the index it names one session for ever */
	_Atomic uint32_t order;		/* enum slot_order */
	_Atomic uint64_t out_next;	/* entries ever appended */
	_Atomic uint64_t out_acked;	/* entries given back << 1 | parity of head */
	place_word	 tail[2];
	place_word	 head[2];
	_Atomic uint64_t last[2];	/* which step appended last: see effect.h */
	_Atomic uint64_t bytes_in;	/* payload appended, and given back */
	_Atomic uint64_t bytes_acked;
	/* written by the owner alone */
	_Atomic uint64_t h_in;		/* stanzas whose effects all stand */
	_Atomic uint64_t h_safe;	/* stanzas that may be acknowledged */
	_Atomic uint64_t account;
	_Atomic uint64_t resource_hash;
	_Atomic uint32_t type;		/* enum slot_type */
	_Atomic uint32_t flags;		/* enum slot_flag */
	_Atomic int32_t	 priority;
	_Atomic uint32_t port;
	uint8_t		 address[16];
	_Atomic uint64_t since_us;	/* wall clock of the accept */
	_Atomic uint64_t bound_us;
	_Atomic uint64_t deadline_ms;
	_Atomic uint64_t last_input_ms;
	_Atomic uint64_t stanzas_in;
	_Atomic uint64_t stanzas_out;
	_Atomic uint64_t octets_in;
	_Atomic uint64_t octets_out;
	_Atomic uint64_t cpu_us;
	char		 stream_id[24];
	char		 resume_id[32];
	char		 tls[32];	/* "TLSv1.3 TLS_AES_256_GCM_SHA384", cut */
	char		 mechanism[24];
	_Atomic uint64_t told;		/* under the lock: 1 + the roster version it was last told; 0: not asked */
	_Atomic uint64_t passed[2];	/* entries passed over among those given back: [out_acked & 1] counts */
	_Atomic uint64_t passes;	/* entries ever passed over, and perhaps one more */
	/* stream management (XEP-0198), by the owner: what its counters begin behind */
	_Atomic uint64_t sm_in;		/* stanzas before <enable/> */
	_Atomic uint64_t sm_out;	/* entries before <enabled/> */
	_Atomic uint64_t sm_passed;	/* of those, the ones passed over */
	_Atomic uint64_t offline_given;	/* number in the account's queue of the last kept message given back */
	_Atomic uint32_t resume_ms;	/* how long it waits for its client */
	_Atomic uint32_t taker;		/* worker + 1 that wants it: with ORDER_GIVE_AWAY */
} __attribute__((aligned(512)));
static_assert(sizeof(struct slot) == 512, "slot");

/* --- limits: who has had how much, counted for all workers --- */

#define LIMITS_MAX     96	/* limits.def */
#define LIMITS_BUCKETS 7
#define LIMITS_ALL_MAX 4
#define LIMITS_SET     8	/* places where one may stand */

/* Behind the header page: places, then for each place a count a worker. */
struct limits_header {
	struct segment_header header;
	_Atomic uint64_t      bites[LIMITS_MAX];
	_Atomic uint64_t      peak[LIMITS_MAX];
	_Atomic uint64_t      logins;	/* the bucket of all */
	_Atomic uint32_t      all[LIMITS_ALL_MAX][WORKERS_MAX];	/* a worker's own part */
} __attribute__((aligned(4096)));
static_assert(sizeof(struct limits_header) == 4096, "limits header");

/* 64 bytes: one who is counted. A place whose buckets have leaked and who has no count is free for another. */
struct limits_place {
	_Atomic uint64_t key;	/* 0: free; below 256: worker + 1 gives it to another */
	_Atomic uint64_t bucket[LIMITS_BUCKETS];	/* empty at that moment: microseconds of clock_ms() */
};
static_assert(sizeof(struct limits_place) == 64, "limits place");

/* --- arenas --- */

#define BLOCK_SIZE   2048
#define BLOCK_EXTENT 512	/* blocks that are allocated from the system, and given back, at once: 1 MiB */
#define BLOCKS_MAX   (1u << 24)	/* of one arena */

struct block {
	_Atomic uint32_t next;	/* block + 1 in the same numbering as places; 0: last */
	uint32_t	 reserved;
	uint8_t		 bytes[BLOCK_SIZE - 8];
};
static_assert(sizeof(struct block) == BLOCK_SIZE, "block");

/* Behind the header: count words, each 0 (free) or slot + 1, page-aligned; then count blocks. */
struct arena_header {
	struct segment_header header;
	_Atomic uint32_t      count;	/* blocks reserved: the size of the owner table */
	_Atomic uint32_t      committed;	/* blocks that memory stands behind */
} __attribute__((aligned(4096)));
static_assert(sizeof(struct arena_header) == 4096, "arena header");

/* What an append says of its entry, and the owner later. */
enum entry_flag {
	ENTRY_STORED = 1 << 0,	/* stands in a store until it is given back: nobody else need keep it */
	ENTRY_CAN_WAIT = 1 << 1,	/* an inactive client need not get it at once */
	ENTRY_REPLACES = 1 << 2,	/* a presence: earlier ones of its sender need not come before it */
	ENTRY_PASSED_OVER = 1 << 3,	/* the owner's: it is not sent, and counts as no stanza */
};

/* --- outbox entries: 32 bytes, then the payload, both in units of 8; a header never spans blocks --- */

struct entry {
	uint32_t length;	/* payload bytes */
	uint8_t	 kind;		/* enum entry_kind */
	uint8_t	 flags;
	uint16_t reserved;
	uint64_t number;	/* 1 for the first of the session */
	uint64_t stamp_us;	/* wall clock of the append; with ENTRY_STORED its number in the store's queue */
	uint64_t origin;	/* the step that made it */
};
static_assert(sizeof(struct entry) == 32, "entry");

/* --- effects --- */

#define EFFECT_STEPS_MAX   16384
#define EFFECT_STAGING_MAX (2u << 20)
#define EFFECT_PIECES	   3

enum step_kind { STEP_APPEND = 1, STEP_ASK };

/*
 * A step that asks a store: slot is the store, entry_flags 1 where nobody waits for it, piece[0] the whole record, told the
 * number it has in the ring.
 */

/*
 * What an append means for `told` of its slot. STEP_TELLS_NEXT appends only where told is one less. With
 * STEP_TELLS_STORED it is the entry that is told its number in a store's queue.
 */
enum step_tells { STEP_TELLS_NOTHING, STEP_TELLS_NEXT, STEP_TELLS_ALL, STEP_TELLS_STORED };

struct effect_piece {
	uint32_t offset;	/* in the staging memory */
	uint32_t length;
};

struct effect_step {
	_Atomic uint64_t    done;	/* serial of the effect when the step is done */
	uint32_t	    slot;
	uint32_t	    epoch;
	uint8_t		    kind;	/* enum step_kind */
	uint8_t		    entry_kind;
	uint8_t		    entry_flags;
	uint8_t		    gone;	/* the target had ended */
	uint32_t	    length;	/* of all pieces */
	struct effect_piece piece[EFFECT_PIECES];
	uint32_t	    tells;	/* enum step_tells */
	uint32_t	    reserved;
	uint64_t	    told;	/* what the slot has been told with it */
};
static_assert(sizeof(struct effect_step) == 64, "effect step");

struct effect_header {
	struct segment_header header;
	_Atomic uint64_t      state;	/* serial << 1 | standing */
	_Atomic uint32_t      steps;
	uint32_t	      origin_slot;
	uint32_t	      origin_epoch;
	uint32_t	      finishes;	/* 1: h_in becomes stanza when the effect is done */
	uint64_t	      stanza;	/* number of the stanza in its session */
	_Atomic uint32_t      steps_committed;	/* memory stands behind so many steps */
	_Atomic uint32_t      staging_committed;	/* and so many bytes of staging */
} __attribute__((aligned(4096)));
static_assert(sizeof(struct effect_header) == 4096, "effect header");
