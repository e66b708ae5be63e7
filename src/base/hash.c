/* hash.c -- SipHash-2-4 with 64 and 128 bits, after Aumasson and Bernstein. */
#include "base/hash.h"

#include <endian.h>
#include <pthread.h>

#include "base/random.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotate(uint64_t word, int bits)
{
	return (word << bits) | (word >> (64 - bits));
}

static inline void
sip_rounds(struct sip *s, int count)
{
	while (count-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_rounds(s, 2);
	s->v0 ^= word;
}

static inline struct sip
sip_start(const struct hash_key *key)
{
	return (struct sip){
		key->k[0] ^ UINT64_C(0x736f6d6570736575),
		key->k[1] ^ UINT64_C(0x646f72616e646f6d),
		key->k[0] ^ UINT64_C(0x6c7967656e657261),
		key->k[1] ^ UINT64_C(0x7465646279746573),
	};
}

/* Whole words, then the last bytes with the length above them. */
static inline void
sip_bytes(struct sip *s, struct slice bytes)
{
	uint64_t word, last = (uint64_t)bytes.length << 56;
	size_t i;

	for (i = 0; i + 8 <= bytes.length; i += 8) {
		memcpy(&word, bytes.data + i, 8);
		sip_word(s, le64toh(word));
	}
	for (int shift = 0; i < bytes.length; i++, shift += 8)
		last |= (uint64_t)(unsigned char)bytes.data[i] << shift;
	sip_word(s, last);
}

static inline uint64_t
sip_end(struct sip *s)
{
	sip_rounds(s, 4);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t
hash64(const struct hash_key *key, struct slice bytes)
{
	struct sip s = sip_start(key);

	sip_bytes(&s, bytes);
	s.v2 ^= 0xff;
	return sip_end(&s);
}

struct hash128
hash128(const struct hash_key *key, struct slice bytes)
{
	struct sip s = sip_start(key);
	struct hash128 hash;

	s.v1 ^= 0xee;
	sip_bytes(&s, bytes);
	s.v2 ^= 0xee;
	hash.h[0] = sip_end(&s);
	s.v1 ^= 0xdd;
	hash.h[1] = sip_end(&s);
	return hash;
}

static struct hash_key process_key;

static void
draw_process_key(void)
{
	random_bytes(&process_key, sizeof(process_key));
}

const struct hash_key *
hash_process_key(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, draw_process_key);
	return &process_key;
}
