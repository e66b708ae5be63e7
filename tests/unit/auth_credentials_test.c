/* auth_credentials_test.c -- keys prove their password; records hold or are refused. */
#include "auth/credentials.h"

#include "auth/digest.h"
#include "base/result.h"
#include "base/text.h"
#include "tests/unit/auth_support.h"

static void
names_and_sizes(void **state)
{
	assert_string_equal(scram_hash_name(SCRAM_SHA_1), "SCRAM-SHA-1");
	assert_string_equal(scram_hash_name(SCRAM_SHA_256), "SCRAM-SHA-256");
	assert_string_equal(scram_hash_name(SCRAM_SHA_512), "SCRAM-SHA-512");
	assert_int_equal(scram_hash_size(SCRAM_SHA_1), 20);
	assert_int_equal(scram_hash_size(SCRAM_SHA_256), 32);
	assert_int_equal(scram_hash_size(SCRAM_SHA_512), 64);
}

/* The intermediate values of RFC 5802 5 are known: pencil, 4096, QSXCR+Q6sek8bf92. */
static void
keys_of_the_rfc(void **state)
{
	struct scram_keys keys;
	uint8_t salt[16];
	char text[2 * DIGEST_MAX + 1];

	assert_int_equal(text_base64_decode(SLICE("QSXCR+Q6sek8bf92"), salt, 16), 12);
	credentials_make_keys(&keys, SCRAM_SHA_1, SLICE("pencil"), slice_of(salt, 12),
			      4096);
	text_hex_encode(slice_of(keys.stored_key, 20), text);
	assert_memory_equal(text, "e9d94660c39d65c38fbad91c358f14da0eef2bd6", 40);
	text_hex_encode(slice_of(keys.server_key, 20), text);
	assert_memory_equal(text, "0fe09258b3ac852ba502cc62ba903eaacdbf7d31", 40);
}

static void
derived_keys_prove_their_password_only(void **state)
{
	for (unsigned hashes = 1; hashes <= ALL_HASHES; hashes++) {
		struct credentials credentials = { .account_id = 1 };

		assert_true(
		    credentials_derive(&credentials, hashes, SLICE("pencil"), 4096));
		for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
			assert_int_equal(credentials.scram[i].iterations != 0,
					 (hashes >> i & 1) != 0);
		}
		assert_true(credentials_prove(&credentials, SLICE("pencil")));
		assert_false(credentials_prove(&credentials, SLICE("pencil ")));
		assert_false(credentials_prove(&credentials, SLICE("Pencil")));
		assert_false(credentials_prove(&credentials, SLICE("")));
	}
}

static void
salts_differ_each_time(void **state)
{
	struct credentials a = { 0 }, b = { 0 };

	assert_true(credentials_derive(&a, ALL_HASHES, SLICE("pencil"), 4096));
	assert_true(credentials_derive(&b, ALL_HASHES, SLICE("pencil"), 4096));
	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		assert_int_equal(a.scram[i].salt_length, SCRAM_SALT_SIZE);
		assert_memory_not_equal(a.scram[i].salt, b.scram[i].salt,
					SCRAM_SALT_SIZE);
		assert_memory_not_equal(a.scram[i].stored_key, b.scram[i].stored_key, 20);
	}
	assert_memory_not_equal(a.scram[0].salt, a.scram[1].salt, SCRAM_SALT_SIZE);
}

static void
bad_passwords_change_nothing(void **state)
{
	struct credentials credentials = { .account_id = 1 };
	struct credentials before = credentials;

	assert_false(credentials_derive(&credentials, ALL_HASHES, SLICE(""), 4096));
	assert_false(credentials_derive(&credentials, ALL_HASHES, SLICE("a\0b"), 4096));
	assert_false(credentials_derive(&credentials, ALL_HASHES, SLICE("\xff"), 4096));
	assert_memory_equal(&credentials, &before, sizeof(before));
}

static void
no_keys_prove_nothing(void **state)
{
	struct credentials credentials = { .account_id = 1 };

	assert_false(credentials_prove(&credentials, SLICE("pencil")));
}

static void
fill(struct credentials *credentials, unsigned hashes, uint8_t salt_length)
{
	memset(credentials, 0, sizeof(*credentials));
	credentials->account_id = 0x0123456789abcdefu;
	credentials->version = 0xfedcba9876543210u;
	credentials->flags = CREDENTIALS_DISABLED;
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		struct scram_keys *keys = &credentials->scram[i];

		if ((hashes >> i & 1) == 0)
			continue;
		keys->iterations = 4096 + i;
		keys->salt_length = salt_length;
		memset(keys->salt, (int)(0x10 + i), salt_length);
		memset(keys->stored_key, (int)(0x20 + i), scram_hash_size(i));
		memset(keys->server_key, (int)(0x30 + i), scram_hash_size(i));
	}
}

static void
records_come_back(void **state)
{
	for (unsigned hashes = 0; hashes <= ALL_HASHES; hashes++) {
		for (uint8_t salt = 1; salt <= SCRAM_SALT_MAX; salt++) {
			struct credentials in, out;
			uint8_t record[CREDENTIALS_RECORD_MAX];
			size_t length;

			fill(&in, hashes, salt);
			length = credentials_pack(&in, record);
			assert_true(length <= sizeof(record));
			assert_int_equal(
			    credentials_unpack(slice_of(record, length), &out),
			    RESULT_OK);
			assert_memory_equal(&in, &out, sizeof(in));
		}
	}
}

/* What is on disks must never move. */
static void
records_have_a_fixed_layout(void **state)
{
	static const char expected[] = "01"
				       "01000000"
				       "efcdab8967452301"
				       "1032547698badcfe"
				       "01"
				       "00100000"
				       "02"
				       "1010"
				       "2020202020202020202020202020202020202020"
				       "3030303030303030303030303030303030303030";
	struct credentials credentials;
	uint8_t record[CREDENTIALS_RECORD_MAX];
	char text[2 * CREDENTIALS_RECORD_MAX + 1];
	size_t length;

	fill(&credentials, 1u << SCRAM_SHA_1, 2);
	length = credentials_pack(&credentials, record);
	assert_int_equal(2 * length, strlen(expected));
	text_hex_encode(slice_of(record, length), text);
	assert_memory_equal(text, expected, 2 * length);
}

static void
assert_refused(const uint8_t *record, size_t length, int result)
{
	static const struct credentials none;
	struct credentials out;

	memset(&out, 0xaa, sizeof(out));
	assert_int_equal(credentials_unpack(slice_of(record, length), &out), result);
	assert_memory_equal(&out, &none, sizeof(none));
}

static void
cut_and_grown_records_are_refused(void **state)
{
	struct credentials credentials;
	uint8_t record[CREDENTIALS_RECORD_MAX] = { 0 };
	size_t length;

	fill(&credentials, ALL_HASHES, SCRAM_SALT_MAX);
	length = credentials_pack(&credentials, record);
	for (size_t cut = 0; cut < length; cut++)
		assert_refused(record, cut, RESULT_CORRUPT);
	for (size_t more = length + 1; more <= sizeof(record); more++)
		assert_refused(record, more, RESULT_CORRUPT);
}

static void
corrupt_fields_are_refused(void **state)
{
	/* version 0, flags 1, mask 21, iterations 22, length of the salt 26 */
	static const struct {
		size_t offset;
		uint8_t value;
		int result;
	} corruptions[] = {
		{ 0, 0, RESULT_LAYOUT },
		{ 0, 2, RESULT_LAYOUT },
		{ 0, 255, RESULT_LAYOUT },
		{ 1, 2, RESULT_CORRUPT }, /* a flag nobody defined */
		{ 4, 0x80, RESULT_CORRUPT },
		{ 21, 0, RESULT_CORRUPT }, /* keys of no hash */
		{ 21, 1, RESULT_CORRUPT },
		{ 21, 8, RESULT_CORRUPT }, /* a hash nobody defined */
		{ 21, 0xff, RESULT_CORRUPT },
		{ 23, 0x0f, RESULT_CORRUPT }, /* too few iterations */
		{ 25, 0xff, RESULT_CORRUPT }, /* too many */
		{ 26, 0, RESULT_CORRUPT },
		{ 26, 15, RESULT_CORRUPT },
		{ 26, 17, RESULT_CORRUPT },
		{ 26, 65, RESULT_CORRUPT },
		{ 26, 255, RESULT_CORRUPT },
	};

	for (size_t i = 0; i < sizeof(corruptions) / sizeof(corruptions[0]); i++) {
		struct credentials credentials;
		uint8_t record[CREDENTIALS_RECORD_MAX];
		size_t length;

		fill(&credentials, ALL_HASHES, 16);
		length = credentials_pack(&credentials, record);
		record[corruptions[i].offset] = corruptions[i].value;
		assert_refused(record, length, corruptions[i].result);
	}
}

/* All the bytes are there; there are only too many. */
static void
long_salts_are_refused(void **state)
{
	struct credentials credentials;
	uint8_t record[CREDENTIALS_RECORD_MAX + 1];
	size_t length;

	fill(&credentials, 1u << SCRAM_SHA_512, SCRAM_SALT_MAX);
	length = credentials_pack(&credentials, record);
	record[26]++;
	memmove(record + 28, record + 27, length - 27);
	assert_refused(record, length + 1, RESULT_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_sizes),
		cmocka_unit_test(keys_of_the_rfc),
		cmocka_unit_test(derived_keys_prove_their_password_only),
		cmocka_unit_test(salts_differ_each_time),
		cmocka_unit_test(bad_passwords_change_nothing),
		cmocka_unit_test(no_keys_prove_nothing),
		cmocka_unit_test(records_come_back),
		cmocka_unit_test(records_have_a_fixed_layout),
		cmocka_unit_test(cut_and_grown_records_are_refused),
		cmocka_unit_test(corrupt_fields_are_refused),
		cmocka_unit_test(long_salts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
