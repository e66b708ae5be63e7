/* router_after.c -- what is to be done behind the stanza under way, in the order asked. */
#include "routing/router_private.h"

#include <string.h>

#include "base/memory.h"

void
router_after(struct router *router, after_fn *act, const void *data, size_t size)
{
	struct after *after = NEW(struct after);

	after->act = act;
	if (size > 0) {
		after->data = memory_new(size);
		memcpy(after->data, data, size);
	}
	*router->after_end = after;
	router->after_end = &after->next;
}

static struct after *
take_after(struct router *router)
{
	struct after *after = router->after;

	if (after == NULL)
		return NULL;
	router->after = after->next;
	if (router->after == NULL)
		router->after_end = &router->after;
	return after;
}

static void
forget_after(struct after *after)
{
	memory_free(after->data);
	memory_free(after);
}

/* Each may route stanzas of its own, and what those leave behind comes last. */
void
router_run_after(struct router *router)
{
	struct after *after;

	if (router->is_after)
		return;
	router->is_after = true;
	while ((after = take_after(router)) != NULL) {
		after->act(router->server, after->data);
		forget_after(after);
	}
	router->is_after = false;
}

void
router_drop_after(struct router *router)
{
	struct after *after;

	while ((after = take_after(router)) != NULL)
		forget_after(after);
}
