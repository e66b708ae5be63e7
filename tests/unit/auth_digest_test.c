/* auth_digest_test.c -- the primitives against the vectors of their RFCs. */
#include "auth/digest.h"

#include "base/text.h"
#include "tests/unit/auth_support.h"

static void
assert_hex(const uint8_t *bytes, size_t count, const char *expected)
{
	char text[2 * DIGEST_MAX + 1];

	text_hex_encode(slice_of(bytes, count), text);
	text[2 * count] = '\0';
	assert_string_equal(text, expected);
}

static void
hashes_of_abc(void **state)
{
	uint8_t out[DIGEST_MAX];

	digest_hash(SCRAM_SHA_1, SLICE("abc"), out);
	assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	digest_hash(SCRAM_SHA_256, SLICE("abc"), out);
	assert_hex(out, 32,
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_hash(SCRAM_SHA_512, SLICE("abc"), out);
	assert_hex(out, 64,
		   "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

/* RFC 2202 3 and RFC 4231 4.3, both test case 2. */
static void
hmac_of_jefe(void **state)
{
	struct slice text = SLICE("what do ya want for nothing?");
	uint8_t out[DIGEST_MAX];

	digest_hmac(SCRAM_SHA_1, SLICE("Jefe"), text, out);
	assert_hex(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	digest_hmac(SCRAM_SHA_256, SLICE("Jefe"), text, out);
	assert_hex(out, 32,
		   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	digest_hmac(SCRAM_SHA_512, SLICE("Jefe"), text, out);
	assert_hex(out, 64,
		   "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		   "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

/* RFC 6070, and RFC 7914 11 for SHA-256 (its first 32 bytes). */
static void
stretching(void **state)
{
	uint8_t out[DIGEST_MAX];

	digest_stretch(SCRAM_SHA_1, SLICE("password"), SLICE("salt"), 4096, out);
	assert_hex(out, 20, "4b007901b765489abead49d926f721d065a429c1");
	digest_stretch(SCRAM_SHA_256, SLICE("passwd"), SLICE("salt"), 1, out);
	assert_hex(out, 32,
		   "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
}

static void
equality_looks_at_every_byte(void **state)
{
	uint8_t a[DIGEST_MAX] = { 1, 2, 3 };
	uint8_t b[DIGEST_MAX] = { 1, 2, 3 };

	assert_true(digest_equal(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] ^= 0x80;
		assert_false(digest_equal(a, b, sizeof(a)));
		b[i] ^= 0x80;
	}
	assert_true(digest_equal(a, b, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_abc),
		cmocka_unit_test(hmac_of_jefe),
		cmocka_unit_test(stretching),
		cmocka_unit_test(equality_looks_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
