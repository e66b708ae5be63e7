/* resumption.h -- stream management of one session (XEP-0198), as `session` shows it. */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "ctl/session_view.h"

/* "off", "none", or how long it waits for its client, and until when. */
struct slice resumption_text(struct arena *arena, const struct session_view *view);
json_t *resumption_json(const struct session_view *view);

/* What its client has not acknowledged, or not got. */
struct slice resumption_unacked_text(struct arena *arena, const struct session_view *view);
json_t *resumption_unacked_json(const struct session_view *view);

/* What its client is told of its own stanzas. */
struct slice resumption_h_text(struct arena *arena, const struct session_view *view);
json_t *resumption_h_json(const struct session_view *view);
