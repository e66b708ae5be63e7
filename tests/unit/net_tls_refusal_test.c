/* net_tls_refusal_test.c -- what a TLS connection does not stand. */
#include "net_tls_kit.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/result.h"

static struct tls_context *context;
static struct client client;
static struct side side;

static int
setup(void **state)
{
	kit_setup(state);
	context = tls_context_new("intermediate", NULL);
	kit_add_host(context, "localhost", "P-256");
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

static void
shake(void)
{
	client_connect(&client, &side, context);
	assert_true(client_shake(&client));
}

static void
expect_refusal(void)
{
	client_connect(&client, &side, context);
	assert_false(client_shake(&client));
	kit_turns(2);
	assert_int_equal(side.calls[ON_SECURED], 0);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_FAILED);
}

static void
another_protocol_is_refused_by_its_alert(void **state)
{
	static const unsigned char offer[] = "\x08http/1.1\x0bxmpp-server";
	unsigned long error;

	client_connect(&client, &side, context);
	SSL_set_alpn_protos(client.ssl, offer, sizeof(offer) - 1);
	SSL_do_handshake(client.ssl);
	client_carry(&client);
	ERR_clear_error();
	assert_int_equal(SSL_do_handshake(client.ssl), -1);
	error = ERR_peek_error();
	assert_int_equal(ERR_GET_REASON(error),
			 SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL);
	kit_turns(2);
	assert_int_equal(side.result, RESULT_FAILED);
}

static void
versions_before_1_2_are_refused(void **state)
{
	SSL_CTX_set_min_proto_version(client.settings, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(client.settings, TLS1_1_VERSION);
	SSL_CTX_set_cipher_list(client.settings, "ALL:@SECLEVEL=0");
	expect_refusal();
}

static void
modern_is_1_3_alone(void **state)
{
	struct tls_context *modern = tls_context_new("modern", NULL);

	kit_add_host(modern, "localhost", "P-256");
	tls_context_free(&context);
	context = modern;
	shake();
	client_disconnect(&client);
	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	expect_refusal();
}

static void
ciphers_without_forward_secrecy_or_authentication_are_refused(void **state)
{
	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(client.settings,
				"AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA");
	expect_refusal();
}

static void
what_is_no_tls_is_refused(void **state)
{
	client_connect(&client, &side, context);
	peer_say(&side, "<stream:stream xmlns='jabber:client'>");
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_FAILED);
	assert_int_equal(side.calls[ON_BYTES], 0);
}

static void
an_end_within_the_handshake_closes(void **state)
{
	client_connect(&client, &side, context);
	SSL_do_handshake(client.ssl);
	client_carry(&client);
	shutdown(side.peer, SHUT_WR);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.calls[ON_END], 0);
	assert_int_equal(side.result, RESULT_CLOSED);
}

static void
renegotiation_is_refused(void **state)
{
	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	shake();
	assert_int_equal(SSL_renegotiate(client.ssl), 1);
	SSL_do_handshake(client.ssl);
	client_carry(&client);
	kit_turns(2);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_FAILED);
}

static void
update_keys(int count)
{
	for (int i = 0; i < count; i++) {
		assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED),
				 1);
		SSL_write(client.ssl, "x", 1);
	}
	client_carry(&client);
}

static void
sixteen_key_updates_a_minute_are_stood_and_no_more(void **state)
{
	shake();
	update_keys(16);
	assert_int_equal(side.calls[ON_CLOSED], 0);
	clock_advance(60000);
	update_keys(16);
	assert_int_equal(side.calls[ON_CLOSED], 0);
	side_expect(&side, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	update_keys(2);
	kit_turns(2);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_FAILED);
	side_expect(&side, "");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(another_protocol_is_refused_by_its_alert),
		TEST(versions_before_1_2_are_refused),
		TEST(modern_is_1_3_alone),
		TEST(ciphers_without_forward_secrecy_or_authentication_are_refused),
		TEST(what_is_no_tls_is_refused),
		TEST(an_end_within_the_handshake_closes),
		TEST(renegotiation_is_refused),
		TEST(sixteen_key_updates_a_minute_are_stood_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
