/* seats.h -- each worker has two numbers in turn, so that a new one can begin while the old one drains. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct process;
struct supervisor;

/*
 * Of W workers worker i is in seat i or in seat W + i: a seat is a worker number of the shared memory. Its listening
 * sockets are the same in both. The seat whose process accepts for it is the serving one: who dies there is replaced
 * there. In the other one nobody is, or
 *
 *   a newcomer	starts, to take over from the serving one when it is ready;
 *   a leaver	drains: accepts nothing more, and goes when none of its sessions has a connection;
 *   an orphan	is left: slots, an effect, requests of a process that is gone, until the serving one has adopted them.
 *
 * So no number is ever of two living processes, nor of workers of two binaries.
 */
enum seat_role { SEAT_EMPTY, SEAT_SERVING, SEAT_NEWCOMER, SEAT_LEAVER, SEAT_ORPHAN };

/* How many workers the configuration wants on this machine. */
uint32_t seats_workers(const struct config *config);

uint32_t seats_twin(const struct supervisor *supervisor, uint32_t seat);

/* At start the first set serves; of a memory that was taken over the second is orphaned. */
void	seats_init(struct supervisor *supervisor, bool is_taken);

/*
 * Starts a newcomer for a worker. RESULT_EXISTS: there is one, or a leaver, or an orphan; RESULT_NOT_FOUND: nobody serves in
 * that seat.
 */
int	seats_renew(struct supervisor *supervisor, uint32_t seat);

/* The newcomer serves from now on, and who served drains. linger_ms: when it is killed if it has not gone. */
void	seats_switch(struct supervisor *supervisor, struct process *newcomer, uint64_t linger_ms);

/* A newcomer that is not wanted any more goes, or never comes. */
void	seats_give_up(struct supervisor *supervisor, struct process *process);

/* After supervise_take() of all of them. */
void	seats_resume(struct supervisor *supervisor);

/* From supervision: a process of a worker's seat is ready; has ended, whether or not another one takes its seat; has adopted. */
void	seats_on_ready(struct supervisor *supervisor, struct process *process);
void	seats_on_end(struct supervisor *supervisor, struct process *process);
void	seats_on_adopted(struct supervisor *supervisor, const struct process *process);

/* What is due: leavers that do not go. */
void	seats_turn(struct supervisor *supervisor, uint64_t now_ms);
uint64_t seats_due(const struct supervisor *supervisor);	/* UINT64_MAX: nothing */

/* How many seats have a role. */
uint32_t seats_count(const struct supervisor *supervisor, enum seat_role role);

const char *seats_role_text(enum seat_role role);
