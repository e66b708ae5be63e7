/* router_trace.h -- what `rookeryctl trace` shows of a stanza: each station, and what was said there. */
#pragma once

#include "routing/stage.h"
#include "shm/shm.h"

/* Decides whether it is traced, once its addresses are known, and tells of it if so. */
void	router_trace_begin(struct stanza *stanza);

/* No more than a look at stanza->is_traced where nobody watches. */
void	router_trace_verdict(const struct stanza *stanza, const char *station,
	    const char *feature, int verdict);
void	router_trace_target(const struct stanza *stanza, struct slot_ref target);
void	router_trace_end(const struct stanza *stanza, int gone);
