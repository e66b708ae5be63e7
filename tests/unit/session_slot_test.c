/* session_slot_test.c -- what a session's slot shows, and what goes through its outbox. */
#include "session/session.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "shm/outbox.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

static struct worker worker;
static struct caller juliet;

static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	caller_enter(&juliet, &worker, "juliet", "balcony");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&juliet);
	worker_end(&worker);
	return 0;
}

/* The session of a connection that came from that address. */
static struct slot *
slot_from(const struct sockaddr_storage *address, int *peer)
{
	int pair[2];
	struct slot *found = NULL;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	session_accept(&worker.server, pair[0], address, false);
	*peer = pair[1];
	for (uint32_t i = 0; i < WORKER_SESSIONS; i++) {
		struct session *session = session_of_slot(&worker.server, i);

		if (session != NULL && session != caller_session(&juliet))
			found = session->slot;
	}
	assert_non_null(found);
	return found;
}

static void
the_slot_shows_where_the_client_came_from(void **state)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
	struct slot *slot;
	int peer;

	in->sin_family = AF_INET;
	in->sin_port = htons(1234);
	inet_pton(AF_INET, "192.0.2.7", &in->sin_addr);
	slot = slot_from(&address, &peer);
	assert_int_equal(slot->port, 1234);
	assert_memory_equal(slot->address, "\xc0\x00\x02\x07", 4);
	assert_false(slot->flags & SLOT_IPV6);
	assert_int_not_equal(slot->since_us, 0);
	close(peer);
	worker_settle(&worker);

	memset(&address, 0, sizeof(address));
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(4321);
	inet_pton(AF_INET6, "2001:db8::7", &in6->sin6_addr);
	slot = slot_from(&address, &peer);
	assert_int_equal(slot->port, 4321);
	assert_memory_equal(slot->address, &in6->sin6_addr, 16);
	assert_true(slot->flags & SLOT_IPV6);
	close(peer);
	worker_settle(&worker);
}

static void
what_the_socket_took_is_given_back(void **state)
{
	struct slot *slot = caller_session(&juliet)->slot;

	for (int i = 0; i < 3; i++)
		caller_say(&juliet, "<message to='juliet@localhost/balcony'/>");
	assert_int_equal(outbox_entries(slot), 0);
	assert_int_equal(outbox_bytes(slot), 0);
	assert_int_equal(slot->stanzas_out, 3);
	assert_int_equal(worker_counter(&worker, COUNTER_STANZAS_OUT), 3);
}

static void
a_stanza_of_the_servers_own_goes_to_one_session(void **state)
{
	struct arena arena;
	struct element *element;

	arena_init(&arena);
	element = element_new(&arena, NS_CLIENT, "message");
	element_add_text(&arena, element_add(&arena, element, NS_CLIENT, "body"),
	    SLICE("a<b"));
	assert_int_equal(session_send(caller_session(&juliet), element), 0);
	arena_clear(&arena);
	assert_string_equal(caller_hear(&juliet), "<message><body>a&lt;b</body></message>");
}

static void
a_ref_finds_its_own_session_alone(void **state)
{
	struct slot_ref old = juliet.ref;

	assert_ptr_equal(session_find(&worker.server, old), caller_session(&juliet));
	caller_close(&juliet);
	assert_null(session_find(&worker.server, old));
	caller_enter(&juliet, &worker, "juliet", "balcony");
	while (juliet.ref.slot != old.slot) {	/* until the slot is used again */
		caller_close(&juliet);
		caller_enter(&juliet, &worker, "juliet", "balcony");
	}
	assert_null(session_find(&worker.server, old));
	assert_null(session_of_slot(&worker.server, WORKER_SESSIONS));
	assert_int_equal(sessions_count(&worker.server), 1);
}

/* What was appended between the registry's commit and the first look at the outbox is not lost. */
static void
a_stanza_before_the_answer_to_bind_comes_behind_it(void **state)
{
	struct caller other;
	const char *heard;

	caller_open(&other, &worker, 0, false);
	caller_login(&other, "juliet");
	caller_send(&other, "<iq type='set' id='b'><bind "
			    "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>chamber"
			    "</resource></bind></iq>");
	caller_send(&juliet, "<message to='juliet@localhost/chamber'/>");
	caller_send(&other, "<message to='juliet@localhost/chamber'/>");
	heard = caller_hear(&other);
	assert_int_equal(strncmp(heard, "<iq type='result' id='b'>", 25), 0);
	assert_non_null(strstr(heard, "</iq><message "));
	caller_close(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_slot_shows_where_the_client_came_from),
		TEST(what_the_socket_took_is_given_back),
		TEST(a_stanza_of_the_servers_own_goes_to_one_session),
		TEST(a_ref_finds_its_own_session_alone),
		TEST(a_stanza_before_the_answer_to_bind_comes_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
