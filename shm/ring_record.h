/* ring_record.h -- how a ring looks in memory, for its file and tests; README.md draws it. */
#pragma once

#include "shm/layout.h"

#define RING_UNIT 16u	/* records begin at multiples of it, so a head never spans the end */

/* Tail and head count bytes ever; each is changed by one store of its own end. */
struct ring_header {
	struct segment_header header;
	_Atomic uint64_t      tail __attribute__((aligned(64)));
	_Atomic uint64_t      head __attribute__((aligned(64)));
	_Atomic uint32_t      sleeping __attribute__((aligned(64)));	/* enum ring_sleep */
	_Atomic uint64_t      awaited __attribute__((aligned(64)));	/* number of the last record somebody waits for */
} __attribute__((aligned(4096)));
static_assert(sizeof(struct ring_header) == 4096, "ring header");

/* When a push writes the reader's eventfd: never, always, or for a record that somebody waits for. */
enum ring_sleep { RING_AWAKE, RING_SLEEPS, RING_GATHERS };

enum record_kind { RING_RECORD = 1, RING_PADDING };

/*
 * Before each record. One stands at the tail too, with the number of the record to come: what
 * both ends need to go on is there as soon as the tail is, whoever dies when.
 */
struct record_head {
	uint32_t length;	/* bytes that follow */
	uint32_t kind;
	uint64_t number;	/* 1 for the first of the ring; padding has that of the next record */
};
static_assert(sizeof(struct record_head) == RING_UNIT, "record head");
