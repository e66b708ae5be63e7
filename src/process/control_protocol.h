/* control_protocol.h -- what rookeryctl and the master say on runtime_dir/control. */
#pragma once

/*
 * A stream of frames, numbers in the machine's own order: both ends run on it. One request a connection at a time; its
 * answer is any number of CONTROL_LINE and one CONTROL_DONE. Only root and the server's own user are heard.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_SOCKET	    "control"
#define CONTROL_PAYLOAD_MAX 65536

struct control_header {
	uint32_t length;	/* of the payload behind it */
	uint16_t verb;		/* enum control_verb */
	int16_t	 result;	/* enum result, of CONTROL_DONE */
};
static_assert(sizeof(struct control_header) == 8, "control header");

enum control_verb {
	/*
	 * Requests; all but TRACE are answered within seconds. A server that stops answers nothing but STATUS and
	 * VERSION: RESULT_DENIED.
	 */
	CONTROL_STATUS = 1,	/* lines: "key=value key=value", one for the server, one a process */
	CONTROL_VERSION,	/* a line */
	CONTROL_STOP,		/* done at once; the end of the connection is the end of the server */
	CONTROL_RELOAD,		/* lines: mistakes (RESULT_INVALID), or what changed and what needs a restart */
	CONTROL_LOGS,		/* opens the log file again */
	CONTROL_CLOCK,		/* uint64_t: milliseconds to go forward, or CLOCK_*. RESULT_DENIED without --test-clock */
	CONTROL_ORDER,		/* struct control_order. done: uint32_t, how many sessions were still there */
	CONTROL_ACCOUNT,	/* struct control_account. done: the store's result, and the account's id as uint64_t */
	CONTROL_TRACE,		/* JIDs with newlines between them; then lines, until the connection ends */
	CONTROL_DRAIN,		/* uint32_t: a worker's number. done: uint32_t, the number of the one that serves in its place */
	CONTROL_UPGRADE,	/* lines: what came of it. done when the new binary serves, or why not: RESULT_LAYOUT, ... */
	/* answers */
	CONTROL_LINE = 64,	/* text without a newline */
	CONTROL_DONE,
};

#define CLOCK_STOPS UINT64_MAX
#define CLOCK_GOES  (UINT64_MAX - 1)

/* What sessions are to do: behind it as many struct slot_ref (shm/shm.h) as there is room for. */
struct control_order {
	uint32_t order;		/* enum slot_order: ORDER_KICK, ORDER_RESET or ORDER_NOT_AUTHORIZED */
	uint32_t reserved;
};

/* A change of one account: behind it the bare JID, then the record (credentials_pack()). */
struct control_account {
	uint32_t verb;		/* STORE_ACCOUNT_PUT or STORE_ACCOUNT_DELETE */
	uint32_t hashes;
	uint64_t version;
	uint32_t jid_length;
	uint32_t record_length;
};
static_assert(sizeof(struct control_account) == 24, "control account");
