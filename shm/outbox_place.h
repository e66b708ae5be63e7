/* outbox_place.h -- places in an outbox taken apart, for who writes them and who checks them. */
#pragma once

#include "shm/layout.h"

#define OUTBOX_DATA   ((uint32_t)sizeof(((struct block *)0)->bytes))	/* of a block */
#define OUTBOX_HEADER ((uint32_t)sizeof(struct entry))

struct spot {
	uint32_t block;		/* number plus one; 0: none */
	uint32_t offset;	/* in its bytes */
};

static inline struct spot
spot_of(uint64_t place)
{
	return (struct spot){ (uint32_t)(place >> 32), (uint32_t)place };
}

static inline uint64_t
place_of(struct spot spot)
{
	return (uint64_t)spot.block << 32 | spot.offset;
}

/* Payloads end where the next header may begin. */
static inline uint32_t
outbox_padded(uint32_t length)
{
	return (length + 7) & ~7u;
}
