/* kill_stanza.h -- what stanza n of a session is: its targets and its bytes follow from (session, n) alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSIONS     64		/* live as long as the test; a power of two */
#define MORTALS	     16		/* end and begin again all the time */
#define FAN_OUT_MOST 40
#define BODY_MOST    (100u << 10)

struct stanza {
	uint32_t session;
	uint32_t number;
	uint32_t size;		/* of the body, which all targets share */
	uint32_t targets;
	uint8_t	 target[FAN_OUT_MOST];	/* sessions, each once */
	uint32_t mortals;
	uint8_t	 mortal[4];
};

/* Stands before the body, one for each target. */
struct stanza_head {
	uint32_t magic;
	uint32_t target;	/* session, or SESSIONS + mortal */
	uint32_t session;
	uint32_t number;
	uint32_t size;
	uint32_t check;		/* of the five above */
};

void	stanza_make(struct stanza *stanza, uint32_t session, uint32_t number);
void	stanza_write_body(const struct stanza *stanza, char *out);
void	stanza_write_head(const struct stanza *stanza, uint32_t target, char *out);

/* Head and body of an entry are what they must be; then head says which stanza it is. */
bool	stanza_check(const char *bytes, size_t length, uint32_t target,
	    struct stanza_head *head);

/* A number that looks random and depends on nothing but these. */
uint64_t stanza_mix(uint64_t a, uint64_t b);
