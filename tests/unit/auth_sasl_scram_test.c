/* auth_sasl_scram_test.c -- SCRAM as it should go: vectors, mechanisms, bindings. */
#include "base/text.h"
#include "tests/unit/auth_support.h"

static const struct scram_case {
	enum sasl_mechanism bare;
	enum sasl_mechanism plus;
	const char *digest;
	enum scram_hash hash;
} cases[] = {
	{ SASL_SCRAM_SHA_1, SASL_SCRAM_SHA_1_PLUS, "SHA1", SCRAM_SHA_1 },
	{ SASL_SCRAM_SHA_256, SASL_SCRAM_SHA_256_PLUS, "SHA256", SCRAM_SHA_256 },
	{ SASL_SCRAM_SHA_512, SASL_SCRAM_SHA_512_PLUS, "SHA512", SCRAM_SHA_512 },
};

#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

static struct client
juliet(const struct scram_case *scram)
{
	return (struct client){ .digest = scram->digest,
				.gs2 = "n,,",
				.name = "juliet",
				.password = "r0m30myr0m30",
				.nonce = "fyko+d2lbbFgONRv9qkxdawL",
				.binding = SLICE_EMPTY };
}

/* The outcome of the whole exchange; the first message must be accepted. */
static enum sasl_failure
talk(struct sasl *sasl, struct client *client)
{
	client_first(client);
	assert_int_equal(step_text(sasl, client->first), SASL_STEP_CHALLENGE);
	client_final(client, sasl_output(sasl));
	if (step_text(sasl, client->final) == SASL_STEP_SUCCESS) {
		assert_int_equal(sasl_failure(sasl), SASL_OK);
		assert_true(client_trusts(client, sasl_output(sasl)));
		assert_int_equal(sasl_account_id(sasl), 77);
	} else {
		assert_int_equal(sasl_output(sasl).length, 0);
		assert_int_equal(sasl_account_id(sasl), 0);
	}
	return sasl_failure(sasl);
}

static enum sasl_failure
talk_once(struct store *store, struct client *client, enum sasl_mechanism mechanism,
	  unsigned offered)
{
	struct sasl *sasl = store_exchange(store, mechanism, offered);
	enum sasl_failure failure = talk(sasl, client);

	sasl_free(&sasl);
	return failure;
}

struct vector {
	enum sasl_mechanism mechanism;
	enum scram_hash hash;
	unsigned offered;
	const char *salt;
	const char *server_nonce;
	bool tells_offer;
	const char *binding;
	const char *client_first;
	const char *server_first;
	const char *client_final;
	const char *server_final;
};

/* RFC 5802 5, RFC 7677 3, and the example of XEP-0474. */
static const struct vector vectors[] = {
	{ SASL_SCRAM_SHA_1, SCRAM_SHA_1, SASL_SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
	  "3rfcNHYJY1ZVvWVs7j", false, "", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	  "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ SASL_SCRAM_SHA_256, SCRAM_SHA_256, SASL_SCRAM_SHA_256,
	  "W22ZaJ0SNY7soEsUEjb6gQ==", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", false, "",
	  "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
	{ SASL_SCRAM_SHA_1_PLUS, SCRAM_SHA_1, SASL_SCRAM_SHA_1 | SASL_SCRAM_SHA_1_PLUS,
	  "QSXCR+Q6sek8bf92", "a09117a6-ac50-4f2f-93f1-93799c2bddf6", true,
	  "THIS IS FAKE CB DATA",
	  "p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
	  "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
	  "s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=",
	  "c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,"
	  "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
	  "x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=",
	  "v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=" },
};

static bool
find_pencil(void *owner, struct slice username, struct slice host,
	    struct credentials *found)
{
	const struct vector *vector = owner;
	uint8_t salt[SCRAM_SALT_MAX];
	long length =
	    text_base64_decode(slice_from_text(vector->salt), salt, sizeof(salt));

	assert_true(slice_is(username, "user"));
	assert_true(length > 0);
	credentials_make_keys(&found->scram[vector->hash], vector->hash, SLICE("pencil"),
			      slice_of(salt, (size_t)length), 4096);
	return true;
}

static void
assert_output(const struct sasl *sasl, const char *expected)
{
	struct slice output = sasl_output(sasl);

	assert_int_equal(output.length, strlen(expected));
	assert_memory_equal(output.data, expected, output.length);
}

static void
vectors_come_out(void **state)
{
	const struct sasl_accounts accounts = { .find = find_pencil,
						.secret = store_accounts.secret };

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *vector = &vectors[i];
		struct sasl_situation situation = store_situation();
		struct sasl *sasl;

		situation.offered = vector->offered;
		situation.exporter_length = strlen(vector->binding);
		memcpy(situation.exporter, vector->binding, situation.exporter_length);
		sasl = sasl_new(vector->mechanism, &situation, &accounts, (void *)vector,
				store_on_later);
		strcpy(sasl->server_nonce, vector->server_nonce);
		sasl->tells_offer = vector->tells_offer;
		assert_int_equal(step_text(sasl, vector->client_first),
				 SASL_STEP_CHALLENGE);
		assert_output(sasl, vector->server_first);
		assert_int_equal(step_text(sasl, vector->client_final),
				 SASL_STEP_SUCCESS);
		assert_output(sasl, vector->server_final);
		assert_true(slice_is(sasl_username(sasl), "user"));
		sasl_free(&sasl);
	}
}

static void
every_mechanism_lets_in(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct client client = juliet(&cases[i]);

		assert_int_equal(talk_once(&store, &client, cases[i].bare, ALL_OFFERED),
				 SASL_OK);
		assert_int_equal(client.iterations, SCRAM_ITERATIONS_LEAST);
	}
}

static void
every_binding_lets_in(void **state)
{
	static const char *const headers[] = {
		"p=tls-exporter,,", "p=tls-server-end-point,,",
		"p=tls-exporter,a=juliet@capulet.example,"
	};
	const struct sasl_situation situation = store_situation();
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		for (size_t j = 0; j < 3; j++) {
			struct client client = juliet(&cases[i]);

			client.gs2 = headers[j];
			client.binding = j == 1 ? slice_of(situation.end_point,
							   situation.end_point_length)
						: slice_of(situation.exporter,
							   situation.exporter_length);
			assert_int_equal(
			    talk_once(&store, &client, cases[i].plus, ALL_OFFERED),
			    SASL_OK);
		}
	}
}

/*
 * A man in the middle has another channel; so has one who takes one binding for the
 * other.
 */
static void
another_channel_does_not(void **state)
{
	const struct sasl_situation right = store_situation();
	struct sasl_situation situation = right;
	struct store store;

	store_init(&store, ALL_HASHES);
	situation.exporter[31] ^= 1;
	for (size_t i = 0; i < CASE_COUNT; i++) {
		const struct slice wrong[] = {
			slice_of(situation.exporter, situation.exporter_length),
			slice_of(situation.end_point, situation.end_point_length),
			slice_of(right.exporter, 31),
			slice_of(right.exporter, 33),
			SLICE_EMPTY,
		};

		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			struct client client = juliet(&cases[i]);

			client.gs2 = "p=tls-exporter,,";
			client.binding = wrong[j];
			assert_int_equal(
			    talk_once(&store, &client, cases[i].plus, ALL_OFFERED),
			    SASL_NOT_AUTHORIZED);
		}
	}
}

/* c= must repeat the header that opened the exchange. */
static void
another_header_does_not(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct client client = juliet(&cases[i]);
		struct sasl *sasl = store_exchange(&store, cases[i].bare, ALL_BARE);

		client_first(&client);
		assert_int_equal(step_text(sasl, client.first), SASL_STEP_CHALLENGE);
		client.gs2 = "y,,";
		client_final(&client, sasl_output(sasl));
		assert_int_equal(step_text(sasl, client.final), SASL_STEP_FAILURE);
		assert_int_equal(sasl_failure(sasl), SASL_NOT_AUTHORIZED);
		sasl_free(&sasl);
	}
}

static void
wrong_passwords_do_not(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct client client = juliet(&cases[i]);

		client.password = "r0m30myr0m3";
		assert_int_equal(talk_once(&store, &client, cases[i].bare, ALL_OFFERED),
				 SASL_NOT_AUTHORIZED);
	}
}

static void
every_bit_of_the_proof_counts(void **state)
{
	struct store store;

	store_init(&store, 1u << SCRAM_SHA_1);
	for (int bit = 0; bit < 160; bit++) {
		struct client client = juliet(&cases[0]);
		struct sasl *sasl = store_exchange(&store, SASL_SCRAM_SHA_1, ALL_OFFERED);
		uint8_t proof[20];
		char *text;

		client_first(&client);
		step_text(sasl, client.first);
		client_final(&client, sasl_output(sasl));
		text = strstr(client.final, ",p=") + 3;
		assert_int_equal(text_base64_decode(slice_from_text(text), proof, 20),
				 20);
		proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
		text_base64_encode(slice_of(proof, 20), text);
		assert_int_equal(step_text(sasl, client.final), SASL_STEP_FAILURE);
		assert_int_equal(sasl_failure(sasl), SASL_NOT_AUTHORIZED);
		sasl_free(&sasl);
	}
}

/*
 * RFC 5802 5.1: extensions nobody must know are covered by the proof and else passed
 * over.
 */
static void
optional_extensions_are_tolerated(void **state)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct client client = juliet(&cases[i]);

		client.first_extra = ",x=a,Z=b=c,r=\xc3\xa9";
		client.final_extra = ",y=1,c=biws";
		assert_int_equal(talk_once(&store, &client, cases[i].bare, ALL_OFFERED),
				 SASL_OK);
	}
}

static void
names_are_prepared(void **state)
{
	static const char
	    *const names[] = { "Juliet", "JULIET",
			       "\xef\xbd\x8a\xef\xbd\x95liet" /* of full width */ };
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct client client = juliet(&cases[0]);
		struct sasl *sasl = store_exchange(&store, cases[0].bare, ALL_OFFERED);

		client.name = names[i];
		assert_int_equal(talk(sasl, &client), SASL_OK);
		assert_true(slice_is(sasl_username(sasl), "juliet"));
		assert_string_equal(store.asked, "juliet");
		sasl_free(&sasl);
	}
}

static void
encoded_names_are_decoded(void **state)
{
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	sasl = store_exchange(&store, SASL_SCRAM_SHA_1, ALL_OFFERED);
	assert_int_equal(step_text(sasl, "n,,n=a=2Cb=3Dc=3D2C,r=abc"),
			 SASL_STEP_CHALLENGE);
	assert_string_equal(store.asked, "a,b=c=2c");
	sasl_free(&sasl);
}

static void
server_nonces_are_long_and_fresh(void **state)
{
	char last[SCRAM_NONCE_SIZE + 1] = "";
	struct store store;

	store_init(&store, ALL_HASHES);
	for (int i = 0; i < 20; i++) {
		struct sasl *sasl = store_exchange(&store, SASL_SCRAM_SHA_1, ALL_OFFERED);
		struct slice output;

		assert_int_equal(step_text(sasl, "n,,n=juliet,r=abc"),
				 SASL_STEP_CHALLENGE);
		output = sasl_output(sasl);
		assert_true(slice_starts_with(output, SLICE("r=abc")));
		assert_true(slice_find(output, ',') >= 5 + 24);
		assert_memory_not_equal(output.data + 5, last, SCRAM_NONCE_SIZE);
		memcpy(last, output.data + 5, SCRAM_NONCE_SIZE);
		sasl_free(&sasl);
	}
}

static void
iterations_are_the_account_s(void **state)
{
	struct client client = juliet(&cases[1]);
	struct store store;

	store_init(&store, 0);
	assert_true(
	    credentials_derive(&store.account, ALL_HASHES, SLICE("r0m30myr0m30"), 12345));
	assert_int_equal(talk_once(&store, &client, cases[1].bare, ALL_OFFERED), SASL_OK);
	assert_int_equal(client.iterations, 12345);
}

/* XEP-0474: mechanisms in the order of their bytes, then the types of bindings. */
static void
assert_offer(unsigned offered, bool exporter, bool end_point, struct slice expected)
{
	struct store store;

	store_init(&store, ALL_HASHES);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct sasl_situation situation = store_situation();
		struct client client = juliet(&cases[i]);
		char hash[128];
		struct sasl *sasl;

		situation.offered = offered;
		situation.exporter_length *= exporter;
		situation.end_point_length *= end_point;
		sasl = sasl_new(cases[i].bare, &situation, &store_accounts, &store,
				store_on_later);
		assert_int_equal(talk(sasl, &client), SASL_OK);
		client_hash_text(cases[i].digest, expected.data, expected.length, hash);
		assert_string_equal(client.offer_hash, hash);
		sasl_free(&sasl);
	}
}

#define BARE_TEXT "SCRAM-SHA-1\x1eSCRAM-SHA-256\x1eSCRAM-SHA-512"
#define ALL_TEXT                                                                      \
	"PLAIN\x1eSCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1eSCRAM-SHA-256\x1eSCRAM-SHA-256-" \
	"PLUS"                                                                        \
	"\x1eSCRAM-SHA-512\x1eSCRAM-SHA-512-PLUS"

static void
the_offer_is_hashed(void **state)
{
	assert_offer(ALL_OFFERED, true, true,
		     SLICE(ALL_TEXT "\x1ftls-exporter\x1etls-server-end-point"));
	assert_offer(ALL_OFFERED, true, false, SLICE(ALL_TEXT "\x1ftls-exporter"));
	assert_offer(ALL_OFFERED, false, true,
		     SLICE(ALL_TEXT "\x1ftls-server-end-point"));
	assert_offer(ALL_BARE, false, false, SLICE(BARE_TEXT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_come_out),
		cmocka_unit_test(every_mechanism_lets_in),
		cmocka_unit_test(every_binding_lets_in),
		cmocka_unit_test(another_channel_does_not),
		cmocka_unit_test(another_header_does_not),
		cmocka_unit_test(wrong_passwords_do_not),
		cmocka_unit_test(every_bit_of_the_proof_counts),
		cmocka_unit_test(optional_extensions_are_tolerated),
		cmocka_unit_test(names_are_prepared),
		cmocka_unit_test(encoded_names_are_decoded),
		cmocka_unit_test(server_nonces_are_long_and_fresh),
		cmocka_unit_test(iterations_are_the_account_s),
		cmocka_unit_test(the_offer_is_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
