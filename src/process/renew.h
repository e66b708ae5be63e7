/* renew.h -- new workers take the place of old ones while clients are served. */
#pragma once

#include <stdint.h>

struct control_client;
struct master;
struct process;
struct slice;

/* How long a worker that drains may take, for all it is told to. */
uint64_t renew_linger_ms(const struct master *master);

/* A new worker starts beside the one in that seat, which drains when the new one is ready. See seats_renew(). */
int	renew_worker(struct master *master, uint32_t seat);

/* From supervision: a newcomer is ready, or has ended before it was. */
void	renew_on_ready(struct master *master, struct process *newcomer);
void	renew_on_failure(struct master *master, const struct process *newcomer);

/* rookeryctl drain: uint32_t, the number of a worker. Answered when the new one serves: uint32_t, its number. */
void	renew_on_drain(struct control_client *client, struct slice payload);
