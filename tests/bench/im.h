/* im.h -- what clients do besides talking: presence, rosters, logins with contacts, messages kept. */
#pragma once

#include <stdbool.h>

#include "tests/bench/chat.h"
#include "tests/bench/login.h"
#include "tests/bench/usage.h"

enum im_task { IM_NONE, IM_PRESENCE, IM_ROSTER_GET, IM_ROSTER_SET, IM_LOGIN, IM_OFFLINE };

struct im_options {
	enum im_task task;
	const char  *name;		/* of the task */
	const char  *user;
	const char  *host;
	unsigned     users;
	unsigned     actors;		/* who send presence, ask, log in, or are written to */
	unsigned     contacts;		/* of each that are online */
	unsigned     entries;		/* of each roster; or messages for each of those who are away */
	unsigned     body;
	uint64_t     messages;		/* of each; 0: no end */
	uint64_t     rate;		/* of messages for those who are away, a second; 0: all at once */
	pid_t	     server;
};

/* All is counted in chat_counts: sent is what should come, received what came, once each. */

/* --- tasks that go on until they are told to stop; peers are logged in --- */

/*
 * Actors are the first peers, the rest see their presence: contact j of actor i is peer
 * actors + (i * contacts + j) modulo the rest. One presence of each actor is under way, and comes to its contacts and,
 * but for a relay that does the same, to itself (RFC 6121 4.4.2).
 */
void	im_presence_start(const struct im_options *options, struct peer *peers);
/* One request of each actor is under way. */
void	im_roster_start(const struct im_options *options, struct peer *peers);

/* --- tasks of some logins; false: a login failed --- */

struct im_figures {
	struct usage_set in;	/* messages kept */
	struct usage_set out;	/* logins with all that they bring */
	struct usage_set bare;	/* the same logins when there is nothing to bring */
	bool		 is_changed;	/* a process came or went */
};

/* Peers below contacts are online; the actors behind them log in, with roster and presence. */
bool	im_login_run(const struct im_options *options, struct login_options login,
	    struct peer *peers, struct im_figures *figures);
/* The first peers write, one to each of the actors behind them, who are away, and then log in. */
bool	im_offline_run(const struct im_options *options, struct login_options login,
	    struct peer *peers, struct im_figures *figures);

/* --- for these files --- */

#define IM_DIGITS 8
void	im_put_number(char out[IM_DIGITS + 1], unsigned number);
/* Of the eight hexadecimal digits at the front; UINT32_MAX: they are none. */
uint32_t im_number(struct slice text);
unsigned im_count_text(struct slice text, const char *needle);
/* The next number of a row that starts with 0: counts it as received, or what is wrong with it. */
bool	im_note(uint32_t *next, uint32_t number);

/* Turns until the server has done nothing for a while. */
void	im_wait_for_quiet(const struct im_options *options);
void	im_note_usage(const struct im_options *options, const struct usage_set *before,
	    struct usage_set *difference, struct im_figures *figures);
