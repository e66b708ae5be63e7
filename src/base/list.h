/* list.h -- the intrusive lists and trees of <bsd/sys/queue.h> and <bsd/sys/tree.h>. */
#pragma once

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

/* TAILQ_FOREACH_SAFE is there with libbsd; nothing else is added. */
