/* fragment.h -- an element read back from the bytes it was kept as. */
#pragma once

#include "base/arena.h"
#include "xml/element.h"

/*
 * bytes are one element as writer_write() wrote it for a stream of NS_CLIENT. NULL: they are not. The limits of what a
 * peer may send were looked at when it was sent.
 */
struct element *fragment_read(struct arena *arena, struct slice bytes);
