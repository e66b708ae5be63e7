/* archive_order.h -- one counter gives out ids to all workers; how far their messages are committed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;

/*
 * Ids of this worker whose store request has not been answered, oldest first. The lowest of them stands in the
 * worker's page, and stood there before the id was taken: so whoever reads the counter, then all pages, then opens
 * a transaction, misses nothing below the lowest of them.
 */
struct archive_order {
	struct server *server;
	uint64_t      *open;		/* a circle */
	size_t	       capacity;
	size_t	       first;
	size_t	       count;
	bool	       is_settled;	/* what the predecessor had asked for is answered, or it never asked */
};

/* last: the greatest id in the log. */
void	archive_order_init(struct archive_order *order, struct server *server, uint64_t last);
void	archive_order_clear(struct archive_order *order);

/*
 * A dead worker's requests are still in the ring. Requests are answered in their order: with the answer to the
 * first of ours all of them are done, and its page speaks for us alone.
 */
void	archive_order_settle(struct archive_order *order);

/* The next id, greater than all before it, of any worker. */
uint64_t archive_order_take(struct archive_order *order);
/* The id just taken was not asked for after all. */
void	archive_order_drop(struct archive_order *order);
/* The store has answered, or was not asked because there was no memory for it. */
void	archive_order_done(struct archive_order *order, uint64_t id);

/* The greatest id given out; and up to which all that will ever be committed is, before the next transaction opens. */
uint64_t archive_order_newest(const struct archive_order *order);
uint64_t archive_order_horizon(const struct archive_order *order);
