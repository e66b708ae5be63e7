/* heartbeat.h -- the page a process keeps about itself, and the clock it is written in. */
#pragma once

#include <stdint.h>

#include "shm/layout.h"

#define HEARTBEAT_EVERY_MS 500

/* CLOCK_MONOTONIC without the offset of tests: supervision never follows a moved clock. */
uint64_t heartbeat_now_ms(void);

/* This process is the one of the page from now on. */
void	 heartbeat_start(struct process_page *page, enum process_kind kind);
void	 heartbeat_beat(struct process_page *page);
