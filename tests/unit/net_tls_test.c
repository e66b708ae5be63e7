/* net_tls_test.c -- what passes a TLS connection, and as which host. */
#include "net_tls_kit.h"

#include <string.h>
#include <sys/socket.h>

#include "base/result.h"

#define MUCH      300000
#define LINGER_MS 5000000

static struct tls_context *context;
static struct client client;
static struct side side;

static int
setup(void **state)
{
	kit_setup(state);
	context = tls_context_new("intermediate", NULL);
	kit_add_host(context, "localhost", "P-256");
	kit_add_host(context, "capulet.example", "RSA");
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
what_is_said_arrives_at_both_ends(void **state)
{
	shake();
	client_say(&client, "hello");
	side_expect(&side, "hello");
	side_say(&side, "good day");
	client_expect(&client, "good day");
	assert_string_equal(tls_version(connection_tls(side.connection)), "TLSv1.3");
	assert_int_equal(tls_server_name(connection_tls(side.connection)).length, 0);
	assert_int_equal(tls_protocol(connection_tls(side.connection)).length, 0);
}

static void
single_bytes_are_a_handshake_too(void **state)
{
	client.chunk = 1;
	shake();
	client_say(&client, "hello");
	side_expect(&side, "hello");
	side_say(&side, "good day");
	client_expect(&client, "good day");
}

static void
many_records_in_one_read_all_arrive_in_that_turn(void **state)
{
	shake();
	for (int i = 0; i < 100; i++)
		assert_int_equal(SSL_write(client.ssl, "0123456789", 10), 10);
	client_carry(&client);
	assert_int_equal(buffer_length(&side.in), 1000);
	assert_int_equal(side.calls[ON_BYTES], 100);
}

static void
a_slow_reader_gets_every_byte_once(void **state)
{
	static char got[MUCH], wanted[MUCH];
	int small = 4096;
	size_t total = 0;
	size_t count;

	for (size_t i = 0; i < MUCH; i++)
		wanted[i] = (char)(i * 31 + i / 251);
	shake();
	setsockopt(side.peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	buffer_append(&side.out, slice_of(wanted, MUCH));
	connection_want_write(side.connection);
	kit_turns(5);
	assert_in_range(buffer_length(&side.out), 1, MUCH - 1);
	client.chunk = 3000;
	for (int i = 0; i < 1000 && total < MUCH; i++) {
		while ((count = client_read(&client, got + total, MUCH - total)) > 0)
			total += count;
	}
	assert_int_equal(total, MUCH);
	assert_memory_equal(got, wanted, MUCH);
}

static void
a_pause_between_records_keeps_the_others(void **state)
{
	shake();
	side.take = 3;
	SSL_write(client.ssl, "abcde", 5);
	SSL_write(client.ssl, "fghij", 5);
	client_carry(&client);
	side_expect(&side, "abc");
	side.take = SIZE_MAX;
	connection_resume(side.connection);
	kit_turns(2);
	side_expect(&side, "defghij");
}

static void
a_connection_that_waits_keeps_its_bytes_while_others_read(void **state)
{
	struct client second;
	struct side other;

	client_init(&second);
	shake();
	client_connect(&second, &other, context);
	assert_true(client_shake(&second));
	side.take = 1;
	SSL_write(client.ssl, "ab", 2);
	SSL_write(client.ssl, "cd", 2);
	SSL_write(client.ssl, "ef", 2);
	client_carry(&client);
	client_say(&second, "other");
	side_expect(&other, "other");
	side_expect(&side, "a");
	side.take = SIZE_MAX;
	connection_resume(side.connection);
	kit_turns(2);
	side_expect(&side, "bcdef");
	client_clear(&second);
}

static const char *
shown_name(void)
{
	static char name[100];
	X509 *certificate = SSL_get0_peer_certificate(client.ssl);

	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
				  name, sizeof(name));
	return name;
}

static const char *
shown_to(const char *server_name)
{
	const char *name;

	client_connect(&client, &side, context);
	if (server_name != NULL)
		SSL_set_tlsext_host_name(client.ssl, server_name);
	assert_true(client_shake(&client));
	name = shown_name();
	if (server_name != NULL)
		assert_true(slice_is(tls_server_name(connection_tls(side.connection)),
				     server_name));
	client_disconnect(&client);
	return name;
}

static void
the_server_name_chooses_the_certificate(void **state)
{
	assert_string_equal(shown_to("capulet.example"), "capulet.example");
	assert_string_equal(shown_to("CAPULET.example"), "capulet.example");
	assert_string_equal(shown_to("localhost"), "localhost");
	assert_string_equal(shown_to("unknown.example"), "localhost");
	assert_string_equal(shown_to(NULL), "localhost");
	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	assert_string_equal(shown_to("capulet.example"), "capulet.example");
	assert_string_equal(shown_to("unknown.example"), "localhost");
}

static void
a_host_may_have_a_key_of_each_type(void **state)
{
	kit_add_host(context, "localhost", "RSA");
	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(client.settings, "ECDHE-RSA-AES256-GCM-SHA384");
	shake();
	assert_string_equal(tls_cipher(connection_tls(side.connection)),
			    "ECDHE-RSA-AES256-GCM-SHA384");
	client_disconnect(&client);
	SSL_CTX_set_cipher_list(client.settings, "ECDHE-ECDSA-CHACHA20-POLY1305");
	shake();
	assert_string_equal(shown_name(), "localhost");
}

/* The order is ours, but for clients that have no instructions for AES. */
static void
the_cheapest_suite_is_chosen_of_those_offered(void **state)
{
	static const char *const offers[][2] = {
		{ "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
		  "TLS_AES_128_GCM_SHA256",
		  "TLS_AES_128_GCM_SHA256" },
		{ "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
		  "TLS_CHACHA20_POLY1305_SHA256" },
		{ "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384" },
	};

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		SSL_CTX_set_ciphersuites(client.settings, offers[i][0]);
		shake();
		assert_string_equal(tls_cipher(connection_tls(side.connection)),
				    offers[i][1]);
		client_disconnect(&client);
	}
}

static void
the_protocol_xmpp_is_accepted_where_one_is_offered(void **state)
{
	static const unsigned char offer[] = "\x08http/1.1\x0bxmpp-client";

	client_connect(&client, &side, context);
	SSL_set_alpn_protos(client.ssl, offer, sizeof(offer) - 1);
	assert_true(client_shake(&client));
	assert_true(
	    slice_is(tls_protocol(connection_tls(side.connection)), "xmpp-client"));
}

static void
closing_with_flush_ends_tls_before_tcp(void **state)
{
	char byte;

	shake();
	buffer_append_text(&side.out, "</stream:stream>");
	connection_close(side.connection, true, LINGER_MS);
	client_expect(&client, "</stream:stream>");
	assert_int_equal(SSL_read(client.ssl, &byte, 1), 0);
	assert_int_equal(SSL_get_shutdown(client.ssl), SSL_RECEIVED_SHUTDOWN);
	assert_true(peer_is_at_end(&side));
	client_say(&client, "</stream:stream>");
	side_expect(&side, "</stream:stream>");
	assert_int_equal(side.calls[ON_CLOSED], 0);
	SSL_shutdown(client.ssl);
	client_carry(&client);
	kit_turns(2);
	assert_int_equal(side.calls[ON_CLOSED], 1);
	assert_int_equal(side.result, RESULT_OK);
}

static void
the_peers_end_of_tls_is_its_end(void **state)
{
	shake();
	SSL_shutdown(client.ssl);
	client_carry(&client);
	assert_int_equal(side.calls[ON_END], 1);
	assert_int_equal(side.calls[ON_CLOSED], 0);
	side_say(&side, "farewell");
	kit_turns(2);
	assert_int_equal(buffer_length(&side.out), 0);
}

static void
the_peers_end_of_tcp_alone_is_its_end_too(void **state)
{
	shake();
	shutdown(side.peer, SHUT_WR);
	kit_turns(2);
	assert_int_equal(side.calls[ON_END], 1);
}

static void
close_when_secured(struct side *owner, enum moment moment)
{
	if (moment == ON_SECURED)
		connection_close(owner->connection, false, 0);
}

static void
on_secured_may_close(void **state)
{
	client_connect(&client, &side, context);
	side.during = close_when_secured;
	client_shake(&client);
	kit_turns(2);
	assert_int_equal(side.calls[ON_SECURED], 1);
	assert_int_equal(side.calls[ON_CLOSED], 1);
}

static void
closing_with_flush_within_the_handshake_waits_for_nothing_to_write(void **state)
{
	client_connect(&client, &side, context);
	side_say(&side, "not in clear");
	connection_close(side.connection, true, LINGER_MS);
	kit_turns(3);
	assert_true(peer_is_at_end(&side));
	assert_int_equal(side.calls[ON_OUTPUT], 0);
	shutdown(side.peer, SHUT_WR);
	kit_turns(3);
	assert_int_equal(side.calls[ON_CLOSED], 1);
}

static void
a_context_lives_as_long_as_its_connections(void **state)
{
	shake();
	tls_context_free(&context);
	client_say(&client, "hello");
	side_expect(&side, "hello");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(what_is_said_arrives_at_both_ends),
		TEST(single_bytes_are_a_handshake_too),
		TEST(many_records_in_one_read_all_arrive_in_that_turn),
		TEST(a_slow_reader_gets_every_byte_once),
		TEST(a_pause_between_records_keeps_the_others),
		TEST(a_connection_that_waits_keeps_its_bytes_while_others_read),
		TEST(the_server_name_chooses_the_certificate),
		TEST(a_host_may_have_a_key_of_each_type),
		TEST(the_cheapest_suite_is_chosen_of_those_offered),
		TEST(the_protocol_xmpp_is_accepted_where_one_is_offered),
		TEST(closing_with_flush_ends_tls_before_tcp),
		TEST(the_peers_end_of_tls_is_its_end),
		TEST(the_peers_end_of_tcp_alone_is_its_end_too),
		TEST(on_secured_may_close),
		TEST(closing_with_flush_within_the_handshake_waits_for_nothing_to_write),
		TEST(a_context_lives_as_long_as_its_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
