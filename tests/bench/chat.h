/* chat.h -- who talks to whom, and the proof that all came once and in order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/latency.h"
#include "tests/bench/peer.h"

#define CHAT_WINDOW_MAX 512

struct chat_options {
	const char *host;
	const char *user;		/* peers 2i and 2i+1 are a pair */
	const char *resource;		/* NULL: to the bare JID */
	unsigned    pairs;
	unsigned    window;		/* messages under way from one sender */
	unsigned    body;		/* bytes */
	uint64_t    messages;		/* of each sender; 0: no end */
	uint64_t    rate;		/* of all senders, a second; 0: as fast as windows allow */
	bool	    both_ways;
	bool	    is_archived;	/* no hint asks for the contrary (XEP-0334) */
};

struct chat_counts {
	uint64_t sent;
	uint64_t received;		/* all that came, once each */
	uint64_t lost;			/* after chat_drain(): sent and never received */
	uint64_t doubled;
	uint64_t reordered;
	uint64_t damaged;		/* another length or text than was sent, or to a wrong client */
	uint64_t refused;		/* answered with an error */
	uint64_t broken;		/* streams that ended */
	struct latency latency;		/* from writing to reading, waiting in this client included */
};

/* The counts of everything since chat_start(); latency since the last chat_forget_latency(). */
extern struct chat_counts chat_counts;

/*
 * For other traffic that is counted here: forgets all counts and lets senders send. goal: chat_run() ends when so many
 * were received; 0: no end.
 */
void	chat_expect(uint64_t goal);
bool	chat_is_sending(void);

/* Peers are logged in (or connected to a relay). Fills every window. */
void	chat_start(const struct chat_options *options, struct peer *peers);
void	chat_forget_latency(void);

/* Until then; with a goal (messages set), ends as soon as they all came. */
void	chat_run(uint64_t until_ns);
bool	chat_is_complete(void);

/* Sends no more, waits for what is under way until nothing comes for so long; then lost is known. */
void	chat_drain(uint64_t silence_ns);

/* True: sent was received, once and in order, whole. */
bool	chat_is_sound(void);
