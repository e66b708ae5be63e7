/* store_server_private.h -- a store process: the rings of its clients, and what a turn does for each. */
#pragma once

#include "shm/store_record.h"
#include "shm/store_request.h"

#define NO_PLACE UINT64_MAX

/* One client, and what this turn does for it. */
struct channel {
	uint32_t	number;		/* of the ring of requests: its name in "applied" */
	struct ring    *requests;
	struct ring    *answers;
	uint32_t	taken;		/* requests of this turn, from the ring's front */
	uint32_t	room;		/* answers there is room for */
	uint64_t	first;		/* number of the first one taken */
	uint64_t	applied;	/* the last number committed with an outcome before this turn */
	struct outcome *outcomes;	/* one for each taken */
	uint32_t	capacity;
	uint32_t	next;		/* the next one to apply */
	uint64_t	place;		/* in the log, of the next one to take, then to apply; 0: anywhere; NO_PLACE: there is none */
	size_t		length;		/* of the next one to take */
};

struct store_server {
	struct shm	  *shm;
	struct store	  *store;
	enum store_kind	   kind;
	struct channel	   channels[PROCESSES_MAX];
	int		   count;
	int		   next;	/* channel that comes first of those of one place: each is it in turn */
	struct store_change changes[STORE_CHANGES_MAX];
};

/* --- store_applied.c --- */

/* Outcomes of requests that a predecessor committed and may not have answered. */
void	store_applied_read(struct store_server *server, struct channel *channel, struct txn *txn);
void	store_applied_write(struct store_server *server, struct channel *channel, struct txn *txn);

/* The rings of another instance are gone for ever, and with them all that could be asked again. */
int	store_applied_forget_others(struct store_server *server);

/* --- store_turn.c --- */

/* Answers are pushed after the commit, when there is no way back: so their room is counted first. */
uint32_t store_answers_room(const struct channel *channel);

/* Those that remember what they read of these tables read it again. */
void	store_tell_changes(struct store_server *server, uint32_t tables);
