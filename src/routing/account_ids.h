/* account_ids.h -- which account a bare JID names: asked by every stanza, remembered until an account changes. */
#pragma once

#include "base/slice.h"

struct server;

/* The router's. Of JIDs with one place only the last one is remembered. */
struct account_ids;
struct account_ids *account_ids_new(struct server *server);
void		    account_ids_free(struct account_ids **ids);

/* 0: it names none. Opens a read transaction of core where it has to. */
uint64_t account_ids_find(struct account_ids *ids, struct slice bare);
