/* auth_sasl_scram_refusals_test.c -- what SCRAM must refuse, and how little it tells. */
#include <stdio.h>

#include "base/text.h"
#include "tests/unit/auth_support.h"

static const enum sasl_mechanism bare[] = { SASL_SCRAM_SHA_1, SASL_SCRAM_SHA_256,
					    SASL_SCRAM_SHA_512 };
static const enum sasl_mechanism plus[] = { SASL_SCRAM_SHA_1_PLUS,
					    SASL_SCRAM_SHA_256_PLUS,
					    SASL_SCRAM_SHA_512_PLUS };

/* SASL_OK: the server goes on to its challenge. */
static void
assert_first(enum sasl_mechanism mechanism, unsigned offered, struct slice message,
	     enum sasl_failure failure)
{
	struct store store;
	struct sasl *sasl;
	enum sasl_step step;

	memset(&store, 0, sizeof(store));
	sasl = store_exchange(&store, mechanism, offered);
	step = sasl_step(sasl, true, message);
	assert_int_equal(sasl_failure(sasl), failure);
	assert_int_equal(step,
			 failure == SASL_OK ? SASL_STEP_CHALLENGE : SASL_STEP_FAILURE);
	assert_int_equal(store.finds, failure == SASL_OK ? 1 : 0);
	assert_int_equal(sasl_output(sasl).length == 0, failure != SASL_OK);
	sasl_free(&sasl);
}

static void
assert_header(enum sasl_mechanism mechanism, unsigned offered, const char *header,
	      enum sasl_failure failure)
{
	char message[256];

	snprintf(message, sizeof(message), "%sn=juliet,r=abcdef", header);
	assert_first(mechanism, offered, slice_from_text(message), failure);
}

/* RFC 5802 6; the rows are the client's flag, the columns what was offered. */
static void
flags_of_mechanisms_without_binding(void **state)
{
	for (size_t i = 0; i < 3; i++) {
		assert_header(bare[i], ALL_OFFERED, "n,,", SASL_OK);
		assert_header(bare[i], ALL_BARE, "n,,", SASL_OK);
		assert_header(bare[i], ALL_BARE, "y,,", SASL_OK);
		assert_header(bare[i], ALL_BARE | SASL_PLAIN, "y,,", SASL_OK);
		assert_header(bare[i], ALL_OFFERED, "y,,", SASL_NOT_AUTHORIZED);
		for (size_t j = 0; j < 3; j++)
			assert_header(bare[i], bare[i] | plus[j], "y,,",
				      SASL_NOT_AUTHORIZED);
		assert_header(bare[i], ALL_OFFERED, "p=tls-exporter,,",
			      SASL_MALFORMED_REQUEST);
		assert_header(bare[i], ALL_BARE, "p=tls-server-end-point,,",
			      SASL_MALFORMED_REQUEST);
		assert_header(bare[i], ALL_BARE, "p=unknown,,", SASL_MALFORMED_REQUEST);
	}
}

static void
flags_of_mechanisms_with_binding(void **state)
{
	for (size_t i = 0; i < 3; i++) {
		assert_header(plus[i], ALL_OFFERED, "p=tls-exporter,,", SASL_OK);
		assert_header(plus[i], ALL_OFFERED, "p=tls-server-end-point,,", SASL_OK);
		assert_header(plus[i], plus[i], "p=tls-exporter,,", SASL_OK);
		assert_header(plus[i], ALL_OFFERED, "n,,", SASL_MALFORMED_REQUEST);
		assert_header(plus[i], ALL_OFFERED, "y,,", SASL_MALFORMED_REQUEST);
		assert_header(plus[i], ALL_OFFERED, "p=tls-unique,,",
			      SASL_NOT_AUTHORIZED);
		assert_header(plus[i], ALL_OFFERED, "p=TLS-EXPORTER,,",
			      SASL_NOT_AUTHORIZED);
		assert_header(plus[i], ALL_OFFERED, "p=tls-exporter2,,",
			      SASL_NOT_AUTHORIZED);
		assert_header(plus[i], ALL_OFFERED, "p=tls-expor,,", SASL_NOT_AUTHORIZED);
		assert_header(plus[i], ALL_OFFERED, "p=,,", SASL_MALFORMED_REQUEST);
	}
}

/* A binding without data was not offered, whatever the mechanism. */
static void
bindings_not_offered_are_refused(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct sasl_situation situation = store_situation();
		struct store store = { 0 };
		struct sasl *sasl;
		enum sasl_step step;

		situation.exporter_length *= (size_t)(i & 1);
		situation.end_point_length *= (size_t)(i >> 1);
		sasl = sasl_new(SASL_SCRAM_SHA_1_PLUS, &situation, &store_accounts,
				&store, store_on_later);
		step = step_text(sasl, "p=tls-exporter,,n=juliet,r=abcdef");
		assert_int_equal(step, i & 1 ? SASL_STEP_CHALLENGE : SASL_STEP_FAILURE);
		sasl_free(&sasl);
		sasl = sasl_new(SASL_SCRAM_SHA_1_PLUS, &situation, &store_accounts,
				&store, store_on_later);
		step = step_text(sasl, "p=tls-server-end-point,,n=juliet,r=abcdef");
		assert_int_equal(step, i >> 1 ? SASL_STEP_CHALLENGE : SASL_STEP_FAILURE);
		sasl_free(&sasl);
	}
}

static void
assert_authzid(const char *authzid, enum sasl_failure failure)
{
	char header[160];

	for (size_t i = 0; i < 3; i++) {
		snprintf(header, sizeof(header), "n,a=%s,", authzid);
		assert_header(bare[i], ALL_OFFERED, header, failure);
		snprintf(header, sizeof(header), "p=tls-exporter,a=%s,", authzid);
		assert_header(plus[i], ALL_OFFERED, header, failure);
	}
}

static void
authorization_is_for_oneself_only(void **state)
{
	static const char *const foreign[] = { "juliet@capulet.example/balcony",
					       "juliet@capulet.example/",
					       "romeo@capulet.example",
					       "juliet@montague.example",
					       "juliet@capulet.example.montague.example",
					       "capulet.example",
					       "capulet.example/juliet@capulet.example",
					       "juliet",
					       "@capulet.example",
					       "juliet@",
					       "juliet@@capulet.example",
					       " juliet@capulet.example",
					       "juliet@capulet.example ",
					       "juliet@capulet.example=2C",
					       "=3Djuliet@capulet.example" };

	assert_authzid("juliet@capulet.example", SASL_OK);
	assert_authzid("JULIET@Capulet.EXAMPLE", SASL_OK);
	assert_authzid("\xef\xbd\x8auliet@capulet.example", SASL_OK);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_authzid(foreign[i], SASL_INVALID_AUTHZID);
	assert_authzid("", SASL_MALFORMED_REQUEST);
	assert_authzid("juliet=40capulet.example", SASL_MALFORMED_REQUEST);
	assert_authzid("juliet@capulet.example=", SASL_MALFORMED_REQUEST);
}

static void
malformed_first_messages(void **state)
{
	static const char *const messages[] = {
		"n",
		"n,",
		"n,,",
		"n,,n=juliet",
		"n,,n=juliet,",
		"n,,r=abcdef",
		"n,,r=abcdef,n=juliet",
		"n,,n=,r=abcdef",
		"n,,n=juliet,r=",
		"n,,n=juliet,r=abc,",
		"n,,n=juliet,r=abc,,x=1",
		"n,,n=juliet,r=abc,x",
		"n,,n=juliet,r=abc,x=",
		"n,,n=juliet,r=abc,1=x",
		"n,,n=juliet,r=a c",
		"n,,n=juliet,r=ac\x7f",
		"n,,n=juliet,r=a\tc",
		"n,,n=juliet,r=\xc3\xa9",
		"n,,n=jul\xff,r=abc",
		"n,,n=juliet,r=abc,x=\xc3",
		"n,,n=jul=iet,r=abc",
		"n,,n=juliet=,r=abc",
		"n,,n=juliet=2,r=abc",
		"n,,n=juliet=2c,r=abc",
		"n,,n=juliet=3d,r=abc",
		"n,,n=juliet=2B,r=abc",
		"n,,n=juliet==,r=abc",
		"n,b=x,n=juliet,r=abc",
		"n,juliet,n=juliet,r=abc",
		"n,,N=juliet,r=abc",
		",,n=juliet,r=abc",
		"N,,n=juliet,r=abc",
		"nn,,n=juliet,r=abc",
		"n=,,n=juliet,r=abc",
		"p,,n=juliet,r=abc",
		"x,,n=juliet,r=abc",
		"n,,,n=juliet,r=abc",
		/* What demands to be understood is not (RFC 5802 5.1). */
		"n,,m=x,n=juliet,r=abc",
		"n,,n=juliet,m=x,r=abc",
		"n,,n=juliet,r=abc,m=x",
		"n,,n=juliet,r=abc,x=1,m=y",
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		assert_first(SASL_SCRAM_SHA_256, ALL_OFFERED,
			     slice_from_text(messages[i]), SASL_MALFORMED_REQUEST);
	assert_first(SASL_SCRAM_SHA_256, ALL_OFFERED, SLICE("n,,n=jul\0iet,r=abc"),
		     SASL_MALFORMED_REQUEST);
	assert_first(SASL_SCRAM_SHA_256, ALL_OFFERED, SLICE("n,,n=juliet,r=abc\0"),
		     SASL_MALFORMED_REQUEST);
}

static void
forbidden_names_are_refused(void **state)
{
	assert_first(SASL_SCRAM_SHA_1, ALL_OFFERED,
		     SLICE("n,,n=juliet@capulet.example,r=abc"), SASL_NOT_AUTHORIZED);
	assert_first(SASL_SCRAM_SHA_1, ALL_OFFERED, SLICE("n,,n=jul iet,r=abc"),
		     SASL_NOT_AUTHORIZED);
	assert_first(SASL_SCRAM_SHA_1, ALL_OFFERED, SLICE("n,,n=\x01,r=abc"),
		     SASL_NOT_AUTHORIZED);
}

/*
 * "NONCE" and "PROOF" stand for the right ones; the account is known, its password too.
 */
static void
assert_final(const char *pattern, enum sasl_failure failure)
{
	struct client client = { .digest = "SHA1",
				 .gs2 = "n,,",
				 .name = "juliet",
				 .password = "r0m30myr0m30",
				 .nonce = "abcdef",
				 .binding = SLICE_EMPTY };
	char message[1024] = "";
	struct store store;
	struct sasl *sasl;

	store_init(&store, 1u << SCRAM_SHA_1);
	sasl = store_exchange(&store, SASL_SCRAM_SHA_1, ALL_OFFERED);
	strcpy(sasl->server_nonce, "0123456789abcdef01234567");
	client_first(&client);
	assert_int_equal(step_text(sasl, client.first), SASL_STEP_CHALLENGE);
	client_final(&client, sasl_output(sasl));
	for (const char *at = pattern; *at != '\0'; at++) {
		if (strncmp(at, "NONCE", 5) == 0) {
			strcat(message, "abcdef0123456789abcdef01234567");
			at += 4;
		} else if (strncmp(at, "PROOF", 5) == 0) {
			strcat(message, strstr(client.final, ",p=") + 3);
			at += 4;
		} else {
			strncat(message, at, 1);
		}
	}
	step_text(sasl, message);
	assert_int_equal(sasl_failure(sasl), failure);
	sasl_free(&sasl);
}

static void
final_messages(void **state)
{
	static const char *const malformed[] = {
		"c=biws",
		"c=biws,",
		"c=biws,r=NONCE",
		"c=biws,r=NONCE,",
		"c=biws,r=NONCE,p=",
		"c=biws,r=NONCE,p=PROOF,",
		"c=biws,r=NONCE,p=PROOF,x=1",
		"c=biws,r=NONCE,p=PROOF,p=PROOF",
		"c=biws,p=PROOF,r=NONCE",
		"r=NONCE,c=biws,p=PROOF",
		"r=NONCE,p=PROOF",
		"c=,r=NONCE,p=PROOF",
		"c=biws,r=,p=PROOF",
		"c=biws,r=NONCE,P=PROOF",
		"c=biws,,r=NONCE,p=PROOF",
		"c=biws,r=NONCE,m=x,p=PROOF",
		"c=biws,r=NONCE,x,p=PROOF",
		"m=x,c=biws,r=NONCE,p=PROOF",
		"c=biw,r=NONCE,p=PROOF",
		"c=biws=,r=NONCE,p=PROOF",
		"c=b iws,r=NONCE,p=PROOF",
		"c=biwt=,r=NONCE,p=PROOF",
		"c=biws,r=NONCE,p=AAAA",
		"c=biws,r=NONCE,p=PROOFAAAA",
		"c=biws,r=NONCE,p= PROOF",
		"c=biws,r=NONCE,p=!",
		"c=biws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"c=biws,r=NONCE,x=\xff,p=PROOF",
		"nonsense",
		",",
		",,,",
		"=",
	};
	static const char *const wrong[] = {
		"c=biws,r=abcdef,p=PROOF",
		"c=biws,r=abcdeNONCE,p=PROOF",
		"c=biws,r=NONCEx,p=PROOF",
		"c=biws,r=0123456789abcdef01234567,p=PROOF",
		"c=biws,r=abcdef0123456789abcdef0123456,p=PROOF",
		"c=biws,r=Abcdef0123456789abcdef01234567,p=PROOF",
		"c=eSws,r=NONCE,p=PROOF",
		"c=biwsAA==,r=NONCE,p=PROOF",
		"c=biw=,r=NONCE,p=PROOF",
		"c=biws,r=NONCE,x=1,p=PROOF",
		"c=biws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	};

	assert_final("c=biws,r=NONCE,p=PROOF", SASL_OK);
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		assert_final(malformed[i], SASL_MALFORMED_REQUEST);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_final(wrong[i], SASL_NOT_AUTHORIZED);
}

/* Each proof is right for what was said; what was said is not what it has to be. */
static void
nonces_are_checked_whole(void **state)
{
	static const char *const nonces[] = { "abcdef",
					      "0123456789abcdef01234567",
					      "abcdef0123456789abcdef0123456",
					      "abcdef0123456789abcdef012345678",
					      "Abcdef0123456789abcdef01234567",
					      "abcdef0123456789abcdef01234568" };
	struct store store;

	store_init(&store, 1u << SCRAM_SHA_1);
	for (size_t i = 0; i < sizeof(nonces) / sizeof(nonces[0]); i++) {
		struct client client = { .digest = "SHA1",
					 .gs2 = "n,,",
					 .name = "juliet",
					 .password = "r0m30myr0m30",
					 .nonce = "abcdef",
					 .binding = SLICE_EMPTY,
					 .final_nonce = nonces[i] };
		struct sasl *sasl = store_exchange(&store, SASL_SCRAM_SHA_1, ALL_OFFERED);

		strcpy(sasl->server_nonce, "0123456789abcdef01234567");
		client_first(&client);
		assert_int_equal(step_text(sasl, client.first), SASL_STEP_CHALLENGE);
		client_final(&client, sasl_output(sasl));
		assert_int_equal(step_text(sasl, client.final), SASL_STEP_FAILURE);
		assert_int_equal(sasl_failure(sasl), SASL_NOT_AUTHORIZED);
		sasl_free(&sasl);
	}
}

/*
 * The whole exchange of a client that is surely wrong; what it learned stays in *client.
 */
static enum sasl_failure
try_name(struct store *store, const char *name, enum sasl_mechanism mechanism,
	 struct slice host, const uint8_t *secret, struct client *client)
{
	struct sasl_accounts accounts = store_accounts;
	struct sasl_situation situation = store_situation();
	enum sasl_failure failure;
	struct sasl *sasl;

	*client =
	    (struct client){ .digest = mechanism == SASL_SCRAM_SHA_1 ? "SHA1" : "SHA256",
			     .gs2 = "n,,",
			     .name = name,
			     .password = "wrong",
			     .nonce = "abcdef",
			     .binding = SLICE_EMPTY };
	if (secret != NULL)
		accounts.secret = secret;
	if (host.length > 0)
		situation.host = host;
	sasl = sasl_new(mechanism, &situation, &accounts, store, store_on_later);
	client_first(client);
	assert_int_equal(step_text(sasl, client->first), SASL_STEP_CHALLENGE);
	client_final(client, sasl_output(sasl));
	assert_int_equal(step_text(sasl, client->final), SASL_STEP_FAILURE);
	failure = sasl_failure(sasl);
	sasl_free(&sasl);
	return failure;
}

static void
unknown_names_look_like_wrong_passwords(void **state)
{
	struct client known, unknown;
	struct store store;

	store_init(&store, 0);
	assert_true(credentials_derive(&store.account, ALL_HASHES, SLICE("r0m30myr0m30"),
				       SCRAM_ITERATIONS));
	assert_int_equal(
	    try_name(&store, "juliet", SASL_SCRAM_SHA_1, SLICE_EMPTY, NULL, &known),
	    SASL_NOT_AUTHORIZED);
	assert_int_equal(
	    try_name(&store, "nobody", SASL_SCRAM_SHA_1, SLICE_EMPTY, NULL, &unknown),
	    SASL_NOT_AUTHORIZED);
	assert_int_equal(known.iterations, unknown.iterations);
	assert_int_equal(strlen(known.salt), strlen(unknown.salt));
	assert_string_equal(known.offer_hash, unknown.offer_hash);
}

/* A hash the account has no keys of gives a false salt as well. */
static void
missing_hashes_look_like_unknown_names(void **state)
{
	struct client client;
	struct store store;

	store_init(&store, 1u << SCRAM_SHA_1);
	assert_int_equal(
	    try_name(&store, "juliet", SASL_SCRAM_SHA_256, SLICE_EMPTY, NULL, &client),
	    SASL_NOT_AUTHORIZED);
	assert_int_equal(client.iterations, SCRAM_ITERATIONS);
}

static void
false_salts_are_stable(void **state)
{
	static const uint8_t other_secret[32] = { 1 };
	struct client first, other;
	struct store store;

	store_init(&store, ALL_HASHES);
	try_name(&store, "nobody", SASL_SCRAM_SHA_1, SLICE_EMPTY, NULL, &first);
	try_name(&store, "nobody", SASL_SCRAM_SHA_1, SLICE_EMPTY, NULL, &other);
	assert_string_equal(first.salt, other.salt);
	try_name(&store, "NoBody", SASL_SCRAM_SHA_1, SLICE_EMPTY, NULL, &other);
	assert_string_equal(first.salt, other.salt);
	try_name(&store, "nobodi", SASL_SCRAM_SHA_1, SLICE_EMPTY, NULL, &other);
	assert_string_not_equal(first.salt, other.salt);
	try_name(&store, "nobody", SASL_SCRAM_SHA_256, SLICE_EMPTY, NULL, &other);
	assert_string_not_equal(first.salt, other.salt);
	try_name(&store, "nobody", SASL_SCRAM_SHA_1, SLICE("capulet.exampl"), NULL,
		 &other);
	assert_string_not_equal(first.salt, other.salt);
	try_name(&store, "nobody", SASL_SCRAM_SHA_1, SLICE_EMPTY, other_secret, &other);
	assert_string_not_equal(first.salt, other.salt);
}

/* Disabled is a secret between the server and one who knows the password. */
static void
disabled_is_told_after_the_right_proof(void **state)
{
	struct client client;
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	store.account.flags = CREDENTIALS_DISABLED;
	assert_int_equal(
	    try_name(&store, "juliet", SASL_SCRAM_SHA_1, SLICE_EMPTY, NULL, &client),
	    SASL_NOT_AUTHORIZED);
	client.password = "r0m30myr0m30";
	sasl = store_exchange(&store, SASL_SCRAM_SHA_1, ALL_OFFERED);
	step_text(sasl, client.first);
	client_final(&client, sasl_output(sasl));
	assert_int_equal(step_text(sasl, client.final), SASL_STEP_FAILURE);
	assert_int_equal(sasl_failure(sasl), SASL_ACCOUNT_DISABLED);
	assert_int_equal(sasl_account_id(sasl), 0);
	assert_int_equal(sasl_output(sasl).length, 0);
	sasl_free(&sasl);
}

/* An answer belongs to one challenge: heard once, it is worth nothing the second time. */
static void
answers_cannot_be_replayed(void **state)
{
	struct client client = { .digest = "SHA256",
				 .gs2 = "n,,",
				 .name = "juliet",
				 .password = "r0m30myr0m30",
				 .nonce = "abcdef",
				 .binding = SLICE_EMPTY };
	struct store store;
	struct sasl *sasl;

	store_init(&store, ALL_HASHES);
	sasl = store_exchange(&store, SASL_SCRAM_SHA_256, ALL_OFFERED);
	client_first(&client);
	step_text(sasl, client.first);
	client_final(&client, sasl_output(sasl));
	assert_int_equal(step_text(sasl, client.final), SASL_STEP_SUCCESS);
	sasl_free(&sasl);

	sasl = store_exchange(&store, SASL_SCRAM_SHA_256, ALL_OFFERED);
	step_text(sasl, client.first);
	assert_int_equal(step_text(sasl, client.final), SASL_STEP_FAILURE);
	assert_int_equal(sasl_failure(sasl), SASL_NOT_AUTHORIZED);
	sasl_free(&sasl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_of_mechanisms_without_binding),
		cmocka_unit_test(flags_of_mechanisms_with_binding),
		cmocka_unit_test(bindings_not_offered_are_refused),
		cmocka_unit_test(authorization_is_for_oneself_only),
		cmocka_unit_test(malformed_first_messages),
		cmocka_unit_test(forbidden_names_are_refused),
		cmocka_unit_test(final_messages),
		cmocka_unit_test(nonces_are_checked_whole),
		cmocka_unit_test(unknown_names_look_like_wrong_passwords),
		cmocka_unit_test(missing_hashes_look_like_unknown_names),
		cmocka_unit_test(false_salts_are_stable),
		cmocka_unit_test(disabled_is_told_after_the_right_proof),
		cmocka_unit_test(answers_cannot_be_replayed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
