/* delay.h -- XEP-0203: when a stanza was sent that arrives late. */
#pragma once

#include "xml/element.h"

/*
 * Adds <delay/> from that address (as lasting as the arena). What claims to be a delay of the same address was not
 * made by it, and goes (XEP-0203, security considerations); those of others stay.
 */
void	delay_stamp(struct arena *arena, struct element *stanza, struct slice from,
	    uint64_t wall_us);

/* Removes delays that claim to be from that address. */
void	delay_strip(struct element *stanza, struct slice from);
