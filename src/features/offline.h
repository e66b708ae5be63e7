/* offline.h -- what the files of offline messages share: keeping (offline.c), giving (offline_give.c) and dropping (offline_drop.c). */
#pragma once

#include "features/feature.h"
#include "shm/store.h"

/*
 * The account alone names the queue of its messages; with the sender's hash, one that counts what a stranger has in it
 * since it was last empty.
 */
struct offline_key {
	uint64_t account;	/* big endian */
	uint8_t	 sender[16];
};

/* Asks a resource that may have them, wherever it is, to look. */
void	offline_tell_willing(struct server *server, uint64_t account);

/* One step of giving: claims, appends a batch, has it dropped, or goes on. */
void	offline_give(struct session *session);

/* It goes on at another worker, with what its slot and outbox tell. */
void	offline_forget(struct session *session);

/* It has ended: what its client got is dropped, then another one goes on. False: the store has not answered yet. */
bool	offline_let_go(struct session *session);

/* How many messages are kept for an account. */
uint64_t offline_count(struct server *server, uint64_t account);
