/* pep_last.h -- XEP-0163 4.3.4: who becomes available gets the last item of each node it wants to hear of. */
#pragma once

#include "session/session.h"

/*
 * Of the own account, and of contacts whose presence it sees. wanted as caps_find() has it, without those in before.
 * Not from inside a handler.
 */
void	pep_send_last(struct session *session, struct slice wanted, struct slice before);
