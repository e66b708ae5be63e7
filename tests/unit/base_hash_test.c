/* base_hash_test.c -- SipHash-2-4 against the vectors of its authors. */
#include "tests/unit/unit.h"

#include "base/hash.h"

/* The bytes 00 to 0f. */
static const struct hash_key key = {
	{ UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) }
};

/* The first length bytes of 00 01 02 ... */
static struct slice
counting(size_t length)
{
	static char bytes[64];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	return slice_of(bytes, length);
}

static void
hash64_gives_the_reference_vectors(void **state)
{
	static const struct {
		size_t length;
		uint64_t hash;
	} vectors[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 2, UINT64_C(0x0d6c8009d9a94f5a) },
		{ 3, UINT64_C(0x85676696d7fb7e2d) },
		{ 4, UINT64_C(0xcf2794e0277187b7) },
		{ 5, UINT64_C(0x18765564cd99a68d) },
		{ 6, UINT64_C(0xcbc9466e58fee3ce) },
		{ 7, UINT64_C(0xab0200f58b01d137) },
		{ 8, UINT64_C(0x93f5f5799a932462) },
		{ 9, UINT64_C(0x9e0082df0ba9e4b0) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
		{ 63, UINT64_C(0x958a324ceb064572) },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_true(hash64(&key, counting(vectors[i].length)) == vectors[i].hash);
}

static void
hash128_gives_the_reference_vectors(void **state)
{
	struct hash128 none = hash128(&key, counting(0));
	struct hash128 one = hash128(&key, counting(1));
	struct hash128 nine = hash128(&key, counting(9));
	struct hash128 all = hash128(&key, counting(63));

	assert_true(none.h[0] == UINT64_C(0xe6a825ba047f81a3));
	assert_true(none.h[1] == UINT64_C(0x930255c71472f66d));
	assert_true(one.h[0] == UINT64_C(0x44af996bd8c187da));
	assert_true(one.h[1] == UINT64_C(0x45fc229b11597634));
	assert_true(nine.h[0] == UINT64_C(0xabbad90a06994426));
	assert_true(nine.h[1] == UINT64_C(0xed716dbb028b7fc4));
	assert_true(all.h[0] == UINT64_C(0x4a83502f77d15051));
	assert_true(all.h[1] == UINT64_C(0x7cbd3f979a063e50));
}

static void
no_bytes_hash_alike_whatever_their_address(void **state)
{
	assert_true(hash64(&key, slice_of(NULL, 0)) == hash64(&key, SLICE("")));
}

static void
bytes_need_no_alignment(void **state)
{
	char bytes[32];

	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(bytes + shift, counting(15).data, 15);
		assert_true(hash64(&key, slice_of(bytes + shift, 15)) ==
		    UINT64_C(0xa129ca6149be45e5));
	}
}

static void
the_process_key_stays_and_is_not_zero(void **state)
{
	const struct hash_key *drawn = hash_process_key();
	struct hash_key copy = *drawn;

	assert_true((copy.k[0] | copy.k[1]) != 0);
	assert_memory_equal(hash_process_key(), &copy, sizeof(copy));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash64_gives_the_reference_vectors),
		cmocka_unit_test(hash128_gives_the_reference_vectors),
		cmocka_unit_test(no_bytes_hash_alike_whatever_their_address),
		cmocka_unit_test(bytes_need_no_alignment),
		cmocka_unit_test(the_process_key_stays_and_is_not_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
