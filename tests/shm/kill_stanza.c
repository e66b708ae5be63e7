/* kill_stanza.c -- what stanza n of a session is. */
#include "kill_stanza.h"

#include <string.h>

#define MAGIC 0x524f4f4bu

uint64_t
stanza_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15ull ^ (b + 1) * 0xc2b2ae3d27d4eb4full;

	x = (x ^ x >> 31) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static uint32_t
size_of(uint64_t dice)
{
	if (dice % 600 == 0)
		return BODY_MOST;
	if (dice % 4 == 0)
		return 1 + (uint32_t)(dice >> 16) % 6000;
	return 1 + (uint32_t)(dice >> 16) % 600;
}

/* Mostly one target; an odd stride over a power of two names none twice. */
void
stanza_make(struct stanza *stanza, uint32_t session, uint32_t number)
{
	uint64_t dice = stanza_mix(session, number);
	uint32_t stride = (uint32_t)(dice >> 40) | 1;

	stanza->session = session;
	stanza->number = number;
	stanza->size = size_of(stanza_mix(number, session));
	stanza->targets = 1;
	stanza->mortals = 0;
	if (dice % 16 == 0)
		stanza->targets = 2 + (uint32_t)(dice >> 8) % (FAN_OUT_MOST - 1);
	for (uint32_t i = 0; i < stanza->targets; i++)
		stanza->target[i] = (uint8_t)((dice >> 20) + i * stride) % SESSIONS;
	if (dice % 8 == 1)
		stanza->mortals = 1 + (uint32_t)(dice >> 8) % 4;
	for (uint32_t i = 0; i < stanza->mortals; i++)
		stanza->mortal[i] = (uint8_t)((dice >> 30) + i * stride) % MORTALS;
}

static uint64_t
word_of(uint64_t seed, uint32_t at)
{
	return (seed + at) * 0x9e3779b97f4a7c15ull;
}

static uint64_t
seed_of(uint32_t session, uint32_t number)
{
	return (uint64_t)session << 48 ^ (uint64_t)number << 14;
}

void
stanza_write_body(const struct stanza *stanza, char *out)
{
	uint64_t seed = seed_of(stanza->session, stanza->number);

	for (uint32_t at = 0; at < stanza->size; at += 8) {
		uint64_t word = word_of(seed, at);
		uint32_t left = stanza->size - at;

		memcpy(out + at, &word, left < 8 ? left : 8);
	}
}

static bool
body_is_right(const struct stanza_head *head, const char *bytes)
{
	uint64_t seed = seed_of(head->session, head->number);

	for (uint32_t at = 0; at < head->size; at += 8) {
		uint64_t word = word_of(seed, at);
		uint32_t left = head->size - at;

		if (memcmp(bytes + at, &word, left < 8 ? left : 8) != 0)
			return false;
	}
	return true;
}

static uint32_t
check_of(const struct stanza_head *head)
{
	return (uint32_t)stanza_mix((uint64_t)head->session << 32 | head->number,
				    (uint64_t)head->target << 32 | head->size);
}

void
stanza_write_head(const struct stanza *stanza, uint32_t target, char *out)
{
	struct stanza_head head = { MAGIC,          target,       stanza->session,
				    stanza->number, stanza->size, 0 };

	head.check = check_of(&head);
	memcpy(out, &head, sizeof(head));
}

bool
stanza_check(const char *bytes, size_t length, uint32_t target, struct stanza_head *head)
{
	if (length < sizeof(*head))
		return false;
	memcpy(head, bytes, sizeof(*head));
	return head->magic == MAGIC && head->check == check_of(head) &&
	       head->target == target && head->session < SESSIONS &&
	       length == sizeof(*head) + head->size &&
	       body_is_right(head, bytes + sizeof(*head));
}
