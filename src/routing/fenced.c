/* fenced.c -- a client's stanza that a worker died of is refused, and what is handled is noted in case this one dies. */
#include "routing/fenced.h"

#include "base/log.h"
#include "routing/fingerprint.h"
#include "routing/router.h"
#include "session/session.h"
#include "shm/counters.h"
#include "shm/fence.h"
#include "stream/server.h"

bool
fenced_enter(struct stanza *stanza)
{
	struct shm *shm = router_server(stanza->router)->shm;
	uint64_t number = fingerprint(stanza->element, stanza->session->account);

	if (fence_is_closed(shm, number)) {
		log_warn(LOG_ROUTING, "a stanza that a worker died of is refused",
		    "sid=%s jid=" SLICE_FMT " stanza=%016llx", stanza->session->id,
		    SLICE_ARG(stanza->from.full), (unsigned long long)number);
		counter_add(shm, COUNTER_FENCED, 1);
		return false;
	}
	fence_enter(shm, number);
	return true;
}

void
fenced_leave(struct router *router)
{
	fence_leave(router_server(router)->shm);
}

int
fenced_refuse(struct stanza *stanza, void *context)
{
	stanza_classify(stanza);
	return STANZA_INTERNAL_SERVER_ERROR;
}
