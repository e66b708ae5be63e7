/* delivery.h -- what a stanza's way gathers: copies to sessions, written to shared memory as one effect. */
#pragma once

#include <stdbool.h>

#include "routing/stanza.h"
#include "shm/effect.h"

struct config;
struct server;

/* What an entry's flags (enum entry_flag) say of a stanza. */
typedef uint8_t delivery_flags_fn(const struct config *config, enum stanza_kind kind,
	    const struct element *element);

struct delivery {
	struct shm	     *shm;
	delivery_flags_fn    *flags_of;	/* NULL: none has flags */
	const struct server  *server;	/* whose configuration it is given */
	uint8_t		      flags;	/* of what `piece` holds */
	const struct element *written;	/* whose bytes `piece` holds */
	struct effect_piece   piece;
	uint32_t	      count;	/* targets so far */
	uint64_t	      octets;	/* that they are to get */
	int		      result;	/* RESULT_FULL once something did not fit */
};

/* flags_of and server stay as they were. */
void	delivery_begin(struct delivery *delivery, struct shm *shm, struct slot_ref origin,
	    uint64_t number);

void	delivery_add(struct delivery *delivery, enum stanza_kind kind,
	    const struct element *element, struct slot_ref target);

/*
 * Bytes that go to many, in which "to" alone differs: written once, however many they are. head ends where the
 * attribute begins.
 */
struct delivery_form {
	enum stanza_kind    kind;
	uint8_t		    flags;
	struct effect_piece head, tail;
};

struct delivery_form delivery_form(struct delivery *delivery, enum stanza_kind kind,
	    const struct element *element);
/* The same of bytes that were written without "to", as writer_write() does; presence: available. */
struct delivery_form delivery_form_of(struct delivery *delivery, enum stanza_kind kind,
	    struct slice written);
/* The attribute for one recipient, of however many sessions. */
struct effect_piece delivery_to(struct delivery *delivery, struct slice to);
void	delivery_add_form(struct delivery *delivery, const struct delivery_form *form,
	    struct effect_piece to, struct slot_ref target);

/* Of what was added last: see effect_tells(). */
void	delivery_tells(struct delivery *delivery, enum step_tells tells, uint64_t told);

/* All or nothing. RESULT_FULL: nothing happened; else the number of targets that had ended. */
int	delivery_run(struct delivery *delivery);
