/* fenced.h -- a client's stanza that a worker died of is refused, and what is handled is noted in case this one dies. */
#pragma once

#include "routing/stanza.h"

/* Before anything is put into it: what came is what the client would send again. False: it is to be refused. */
bool	fenced_enter(struct stanza *stanza);
void	fenced_leave(struct router *router);

/* For router_continue(): its kind and sender alone are looked at. */
int	fenced_refuse(struct stanza *stanza, void *context);
