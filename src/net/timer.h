/* timer.h -- timers that stop, move and carry a parameter; they follow base/clock.h, which tests move. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timers;

/* Embedded in what it belongs to; zeroed is "not armed". No allocation, O(log n). */
struct timer {
	uint64_t  due_ms;		/* clock_ms() at which it fires */
	uint32_t  position;		/* in the heap, plus one; 0: not armed */
	void	(*on_fire)(struct timer *timer, void *parameter);
	void	 *parameter;
};

/* One heap a loop, one libuv timer behind it. A timer may arm or stop any timer while it fires. */
struct timers *timers_new(struct loop *loop);
void	       timers_free(struct timers **timers);

/* Arms or moves. delay 0: the next turn of the loop. A timer never fires twice in one turn. */
void	       timer_start(struct timers *timers, struct timer *timer, uint64_t delay_ms,
		   void (*on_fire)(struct timer *timer, void *parameter), void *parameter);
void	       timer_move(struct timers *timers, struct timer *timer, uint64_t delay_ms);
void	       timer_stop(struct timers *timers, struct timer *timer);

static inline bool
timer_is_armed(const struct timer *timer)
{
	return timer->position != 0;
}

/*
 * Where tests move the clock from another process: looks at it at least every so many
 * milliseconds while a timer is armed. 0, as at first: wakes for due timers alone.
 */
void	       timers_watch_clock(struct timers *timers, uint64_t every_ms);

/* Fires what is due by clock_ms() now; called by the loop, and by tests that moved the clock. */
void	       timers_run(struct timers *timers);
uint32_t       timers_count(const struct timers *timers);
