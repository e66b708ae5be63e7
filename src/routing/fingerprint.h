/* fingerprint.h -- a number that names what a stanza says, so that it is known when it comes again. */
#pragma once

#include <stdint.h>

struct element;

/*
 * Of names, attributes and text up to some hundred bytes, and of the account that sent it; never 0. Not for tables that
 * peers may fill: it is quick, and whoever wants to makes two stanzas that have one number, of his own.
 */
uint64_t fingerprint(const struct element *stanza, uint64_t account);
