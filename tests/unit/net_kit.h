/* net_kit.h -- for tests: a loop taken turn by turn, and owners that remember. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "net/connection.h"
#include "net/loop.h"
#include "net/timer.h"

extern struct loop *kit_loop;
extern struct timers *kit_timers;
extern struct connections *kit_connections;

/* cmocka fixtures of one test. */
int	kit_setup(void **state);
int	kit_teardown(void **state);

/* One iteration that does not sleep. */
void	kit_turn(void);
void	kit_turns(int count);

enum moment { ON_BYTES, ON_OUTPUT, ON_WRITTEN, ON_SECURED, ON_END, ON_CLOSED, MOMENTS };

/* An owner of a connection: keeps what comes, gives what is in out. */
struct side {
	struct connection *connection; /* NULL once closed */
	int peer;		       /* the other end of the socket pair */
	struct buffer in;
	struct buffer out;
	size_t take; /* at most so many bytes a callback */
	bool echo;
	int calls[MOMENTS];
	int result;
	void (*during)(struct side *side, enum moment moment);
};

/* A connection on one end of a socket pair. */
void	side_open(struct side *side);
void	side_clear(struct side *side); /* closes, checks that on_closed came once */
void	side_say(struct side *side, const char *text);
void	side_expect(struct side *side, const char *text); /* that in holds it; empties in */

/* The peer's end. Never blocks. */
void	peer_say(struct side *side, const char *text);
size_t	peer_read(struct side *side, char *out, size_t size);
void	peer_expect(struct side *side, const char *text);
bool	peer_is_at_end(struct side *side);
void	peer_close(struct side *side);
