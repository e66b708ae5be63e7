/* net_tls_binding_test.c -- both ends compute the same channel binding. */
#include "net_tls_kit.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <string.h>

static struct tls_context *context;
static struct client client;
static struct side side;
static uint8_t ours[TLS_BINDING_MAX], theirs[EVP_MAX_MD_SIZE];

static int
setup(void **state)
{
	kit_setup(state);
	context = tls_context_new("intermediate", NULL);
	client_init(&client);
	return 0;
}

static int
teardown(void **state)
{
	client_clear(&client);
	tls_context_free(&context);
	return kit_teardown(state);
}

static struct tls *
shake(const char *type)
{
	kit_add_host(context, "localhost", type);
	client_connect(&client, &side, context);
	assert_int_equal(tls_binding_exporter(connection_tls(side.connection), ours), 0);
	assert_true(client_shake(&client));
	return connection_tls(side.connection);
}

static void
expect_same_exporter(struct tls *tls)
{
	assert_int_equal(tls_binding_exporter(tls, ours), 32);
	assert_int_equal(SSL_export_keying_material(client.ssl, theirs, 32,
						    "EXPORTER-Channel-Binding", 24,
						    (const unsigned char *)"", 0, 1),
			 1);
	assert_memory_equal(ours, theirs, 32);
	assert_int_equal(tls_binding_exporter(tls, NULL), 32);
}

static void
the_exporter_is_the_same_at_both_ends(void **state)
{
	expect_same_exporter(shake("P-256"));
}

static void
tls_1_2_exports_with_the_extended_master_secret_alone(void **state)
{
	struct tls *tls;

	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	expect_same_exporter(shake("P-256"));
	client_disconnect(&client);
	SSL_CTX_set_options(client.settings, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	tls = shake("P-256");
	assert_int_equal(tls_binding_exporter(tls, ours), 0);
	assert_int_equal(tls_binding_exporter(tls, NULL), 0);
}

/* The hash of the certificate as the client sees it, by OpenSSL's plainest way. */
static void
expect_end_point(struct tls *tls, const EVP_MD *digest)
{
	unsigned char *der = NULL;
	int length = i2d_X509(SSL_get0_peer_certificate(client.ssl), &der);
	unsigned wanted = 0;

	assert_int_equal(EVP_Digest(der, (size_t)length, theirs, &wanted, digest, NULL),
			 1);
	OPENSSL_free(der);
	assert_int_equal(tls_binding_end_point(tls, ours), wanted);
	assert_memory_equal(ours, theirs, wanted);
	assert_int_equal(tls_binding_end_point(tls, NULL), wanted);
}

static void
the_end_point_is_the_hash_of_the_certificate(void **state)
{
	expect_end_point(shake("RSA"), EVP_sha256());
}

static void
the_hash_is_that_of_the_signature(void **state)
{
	expect_end_point(shake("P-384"), EVP_sha384());
}

static void
weak_hashes_are_replaced(void **state)
{
	expect_end_point(shake("SHA-1"), EVP_sha256());
}

static void
a_signature_without_a_hash_has_no_end_point(void **state)
{
	struct tls *tls = shake("ED25519");

	assert_int_equal(tls_binding_end_point(tls, ours), 0);
	assert_int_equal(tls_binding_end_point(tls, NULL), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_exporter_is_the_same_at_both_ends),
		TEST(tls_1_2_exports_with_the_extended_master_secret_alone),
		TEST(the_end_point_is_the_hash_of_the_certificate),
		TEST(the_hash_is_that_of_the_signature),
		TEST(weak_hashes_are_replaced),
		TEST(a_signature_without_a_hash_has_no_end_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
