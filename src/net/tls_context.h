/* tls_context.h -- certificates of the hosts, ticket keys, and the choice by server name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Ticket keys are shared by all workers: the master writes them, three generations. */
#define TLS_TICKET_KEYS 3

struct tls_ticket_key {
	uint8_t	 name[16];
	uint8_t	 cipher_key[32];	/* AES-256-CBC */
	uint8_t	 mac_key[32];		/* HMAC-SHA-256 */
	uint64_t made_ms;		/* wall clock, milliseconds */
};

/* In shared memory: sequence is odd while the master writes; key[0] is the one that encrypts. */
struct tls_ticket_page {
	_Atomic uint32_t      sequence;
	uint32_t	      count;
	struct tls_ticket_key key[TLS_TICKET_KEYS];
};

/* Three generations make 12 h. */
#define TLS_TICKET_ROTATE_MS (4ull * 3600 * 1000)

/* Draws a new first key and drops the last; for the master. */
void	tls_ticket_rotate(struct tls_ticket_page *page, uint64_t now_ms);

/*
 * Whether it is time to: a key is old, missing or half written, or the calendar has gone back by more than an hour,
 * for what is of another time is worth nothing to clients.
 */
bool	tls_ticket_is_due(const struct tls_ticket_page *page, uint64_t now_ms);

struct tls_context;

/*
 * Once, before the first context of a process that serves so many hosts: private keys are then kept apart, in memory that
 * is not swapped, not dumped, and between pages that cannot be touched.
 */
void	tls_keys_protect(size_t hosts);

/* profile: "intermediate" (TLS 1.2 and 1.3) or "modern" (1.3 alone). tickets may be NULL: none. */
struct tls_context *tls_context_new(const char *profile, const struct tls_ticket_page *tickets);
void	tls_context_free(struct tls_context **context);

/*
 * A host's certificate chain and key as PEM. The first one added serves clients without SNI.
 * On failure a negative result and in why (size bytes) what is wrong, for people.
 */
int	tls_context_add(struct tls_context *context, struct slice host, struct slice chain_pem,
	    struct slice key_pem, char *why, size_t size);

/* What --check says: loads as above, and whether the names in the certificate cover host; days left. */
int	tls_certificate_check(struct slice host, struct slice chain_pem, struct slice key_pem,
	    long *days_left, char *why, size_t size);
