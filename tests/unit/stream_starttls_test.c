/* stream_starttls_test.c -- TLS on a stream, and what is possible under it. */
#include "stream/stream_private.h"

#include <errno.h>
#include <fcntl.h>

#include "tests/unit/net_tls_kit.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED	 "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PLAIN(credentials) \
	"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" credentials "</auth>"
#define RIGHT "AGp1bGlldABzZWNyZXQ="	/* \0juliet\0secret */
#define WRONG "AGp1bGlldAB3cm9uZw=="

static struct worker worker;
static struct caller caller;
static SSL_CTX *settings;
static SSL *ssl;
static char heard[65536];
static int small_buffer;	/* of the next connection; 0: as usual */

static int
setup(void **state)
{
	struct worker_options options = {
		.config = "hosts = ( { name = \"localhost\"; "
			  "certificate = \"/c\"; key = \"/k\"; } );" };
	struct paper paper;

	paper_make(&paper, "localhost", "P-256", -1, 30);
	options.chain_pem = paper.chain_pem;
	options.key_pem = paper.key_pem;
	worker_begin(&worker, &options);
	paper_clear(&paper);
	settings = SSL_CTX_new(TLS_client_method());
	return 0;
}

static int
teardown(void **state)
{
	SSL_free(ssl);
	ssl = NULL;
	SSL_CTX_free(settings);
	caller_close(&caller);
	worker_end(&worker);
	return 0;
}

static void
shake_hands(void)
{
	ssl = SSL_new(settings);
	SSL_set_fd(ssl, caller.fd);
	SSL_set_connect_state(ssl);
	for (int i = 0; i < 10 && SSL_do_handshake(ssl) != 1; i++)
		worker_turns(&worker, 2);
	assert_true(SSL_is_init_finished(ssl));
	worker_settle(&worker);
}

static void
say(const char *text)
{
	assert_int_equal(SSL_write(ssl, text, (int)strlen(text)), strlen(text));
	worker_settle(&worker);
}

/* A record may come in many pieces: only several turns without news are the end. */
static const char *
hear(void)
{
	size_t length = 0;

	for (int quiet = 0; quiet < 8 && length < sizeof(heard) - 1; quiet++) {
		size_t count = 0;

		worker_settle(&worker);
		while (SSL_read_ex(ssl, heard + length, sizeof(heard) - 1 - length, &count)) {
			length += count;
			quiet = 0;
		}
	}
	heard[length] = 0;
	return heard;
}

static void
secure(void)
{
	caller_open(&caller, &worker, small_buffer, false);
	caller_greet(&caller);
	caller_say(&caller, STARTTLS);
	assert_string_equal(caller_hear(&caller), PROCEED);
	shake_hands();
	say(CALLER_HEADER);
	hear();
}

static void
starttls_restarts_the_stream_with_all_mechanisms(void **state)
{
	secure();
	assert_non_null(strstr(heard, "<?xml version='1.0'?><stream:stream "));
	assert_null(strstr(heard, "<starttls"));
	assert_non_null(strstr(heard, "<mechanism>SCRAM-SHA-256-PLUS</mechanism>"));
	assert_non_null(strstr(heard, "<mechanism>PLAIN</mechanism></mechanisms>"));
	assert_non_null(strstr(heard, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
				      "<channel-binding type='tls-exporter'/>"));
	assert_true(caller_session(&caller)->slot->flags & SLOT_SECURE);
	assert_int_equal(strncmp(caller_session(&caller)->slot->tls, "TLSv1.3 ", 8), 0);
	say(STARTTLS);
	assert_non_null(strstr(hear(), "<stream:error><not-authorized "));
}

/* RFC 6120 5.4.3.3: what stands behind <starttls/> in clear must not pass for secured. */
static void
bytes_in_clear_behind_starttls_end_the_connection(void **state)
{
	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, STARTTLS "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
				     "mechanism='PLAIN'>" RIGHT "</auth>");
	caller_hear(&caller);
	assert_true(caller_is_closed(&caller));
	assert_null(caller_session(&caller));
	assert_int_equal(worker_counter(&worker, COUNTER_LOGINS), 0);
}

static void
a_handshake_that_never_comes_ends(void **state)
{
	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, STARTTLS);
	assert_string_equal(caller_hear(&caller), PROCEED);
	worker_pass(&worker, 10000);
	assert_true(caller_is_closed(&caller));
	assert_true(worker_logged(&worker, "reason=TLS handshake took too long"));
}

static void
direct_tls_needs_no_starttls(void **state)
{
	caller_open(&caller, &worker, 0, true);
	assert_true(caller_session(&caller)->slot->flags & SLOT_DIRECT_TLS);
	shake_hands();
	say(CALLER_HEADER);
	assert_non_null(strstr(hear(), "<mechanism>PLAIN</mechanism></mechanisms>"));
}

/* --- PLAIN is proved by a thread: the stream waits for it --- */

static bool
is_proved(void *owner)
{
	struct session *session = caller_session(&caller);

	return session == NULL || session->conn->state != STATE_SASL_WORK;
}

static void
plain_logs_in(void **state)
{
	secure();
	say(PLAIN(RIGHT));
	worker_wait(&worker, is_proved, NULL);
	assert_string_equal(hear(), "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
	say(CALLER_HEADER "<iq type='set' id='b'>"
			  "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	assert_non_null(strstr(hear(), "<jid>juliet@localhost/"));
}

/* What comes while the thread works is the next stream's. */
static void
a_header_behind_plain_in_its_packet_is_read(void **state)
{
	secure();
	say(PLAIN(RIGHT) CALLER_HEADER "<iq type='set' id='b'>"
				       "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	worker_wait(&worker, is_proved, NULL);
	hear();
	assert_int_equal(strncmp(heard, "<success ", 9), 0);
	assert_non_null(strstr(heard, "<jid>juliet@localhost/"));
}

static void
an_attempt_behind_a_wrong_one_in_its_packet_is_made(void **state)
{
	secure();
	say(PLAIN(WRONG) PLAIN(RIGHT));
	worker_wait(&worker, is_proved, NULL);
	hear();
	assert_non_null(strstr(heard, "<not-authorized/></failure><success "));
}

static void
attempts_in_one_packet_are_counted(void **state)
{
	secure();
	say(PLAIN(WRONG) PLAIN(WRONG) PLAIN(WRONG) PLAIN(RIGHT));
	worker_wait(&worker, is_proved, NULL);
	hear();
	assert_non_null(strstr(heard, "<stream:error><policy-violation "));
	assert_null(strstr(heard, "<success"));
	assert_int_equal(worker_counter(&worker, COUNTER_LOGIN_FAILURES), 3);
}

static bool
is_gone(void *owner)
{
	return caller_session(&caller) == NULL;
}

static void
a_connection_may_go_while_its_password_is_proved(void **state)
{
	static const char auth[] = PLAIN(RIGHT);

	secure();
	assert_int_equal(SSL_write(ssl, auth, sizeof(auth) - 1), sizeof(auth) - 1);
	while (caller_session(&caller)->conn->state == STATE_LOGIN)
		worker_turns(&worker, 1);
	assert_int_equal(caller_session(&caller)->conn->state, STATE_SASL_WORK);
	session_destroy(caller_session(&caller), "for the test");
	worker_wait(&worker, is_gone, NULL);
	assert_int_equal(worker_counter(&worker, COUNTER_LOGINS), 0);
}

/* TLS takes what it began with and nothing else: the offer is repeated while more is appended and said. */
static void
stanzas_come_whole_through_a_small_buffer(void **state)
{
	static char body[12001];
	const char *at;

	memset(body, 'x', sizeof(body) - 1);
	small_buffer = 4096;
	secure();
	small_buffer = 0;
	say(PLAIN(RIGHT));
	worker_wait(&worker, is_proved, NULL);
	say(CALLER_HEADER "<iq type='set' id='b'><bind "
			  "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>a</resource>"
			  "</bind></iq>");
	hear();
	for (int i = 0; i < 4; i++) {
		say("<message to='juliet@localhost/a'><body>");
		say(body);
		say("</body></message>");
	}
	session_close(caller_session(&caller), STREAM_RESET, NULL);
	at = hear();
	for (int i = 0; i < 4; i++) {
		at = strstr(at, "<message ");
		assert_non_null(at);
		at = strstr(at, "x</body></message>");
		assert_non_null(at);
	}
	assert_int_equal(strncmp(at, "x</body></message><stream:error><reset ", 39), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(starttls_restarts_the_stream_with_all_mechanisms),
		TEST(bytes_in_clear_behind_starttls_end_the_connection),
		TEST(a_handshake_that_never_comes_ends),
		TEST(direct_tls_needs_no_starttls),
		TEST(plain_logs_in),
		TEST(a_header_behind_plain_in_its_packet_is_read),
		TEST(an_attempt_behind_a_wrong_one_in_its_packet_is_made),
		TEST(attempts_in_one_packet_are_counted),
		TEST(stanzas_come_whole_through_a_small_buffer),
		TEST(a_connection_may_go_while_its_password_is_proved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
