/* net_tls_ticket_test.c -- a ticket resumes at any worker while its key lives. */
#include "net_tls_kit.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static struct tls_ticket_page *page; /* in memory that processes share */
static struct paper first_host, second_host;
static struct tls_context *context;
static struct client client;
static struct side side;

static void
add(struct tls_context *to, const char *name, const struct paper *paper)
{
	char why[200];

	assert_int_equal(tls_context_add(to, slice_from_text(name), paper->chain_pem,
					 paper->key_pem, why, sizeof(why)),
			 0);
}

/* What another worker would have: the same hosts, another context. */
static struct tls_context *
worker_context(void)
{
	struct tls_context *made = tls_context_new("intermediate", page);

	add(made, "localhost", &first_host);
	add(made, "capulet.example", &second_host);
	return made;
}

static void
another_worker(void)
{
	tls_context_free(&context);
	context = worker_context();
}

static void
rotate(void)
{
	tls_ticket_rotate(page, clock_wall_us() / 1000);
}

static int
setup(void **state)
{
	kit_setup(state);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	paper_make(&first_host, "localhost", "P-256", -1, 30);
	paper_make(&second_host, "capulet.example", "P-256", -1, 30);
	context = worker_context();
	client_init(&client);
	return 0;
}

static int
teardown(void **state)
{
	client_clear(&client);
	tls_context_free(&context);
	paper_clear(&first_host);
	paper_clear(&second_host);
	munmap(page, sizeof(*page));
	return kit_teardown(state);
}

/* Connects with the ticket at hand, if any. Returns whether both ends resumed. */
static bool
connect_to(const char *host)
{
	bool resumed;

	client_connect(&client, &side, context);
	SSL_set_tlsext_host_name(client.ssl, host);
	if (client.ticket != NULL)
		SSL_set_session(client.ssl, client.ticket);
	assert_true(client_shake(&client));
	resumed = tls_was_resumed(connection_tls(side.connection));
	assert_int_equal(resumed, SSL_session_reused(client.ssl));
	client_say(&client, "hello");
	side_expect(&side, "hello");
	client_disconnect(&client);
	return resumed;
}

/* A copy, because OpenSSL's client uses a ticket once. */
static void
use_ticket(SSL_SESSION *ticket)
{
	SSL_SESSION_free(client.ticket);
	client.ticket = SSL_SESSION_dup(ticket);
}

static void
resumes_for_twelve_hours(void)
{
	SSL_SESSION *oldest;

	rotate();
	assert_false(connect_to("localhost"));
	assert_non_null(client.ticket);
	oldest = SSL_SESSION_dup(client.ticket);

	another_worker();
	assert_true(connect_to("localhost"));
	rotate();
	use_ticket(oldest);
	assert_true(connect_to("localhost"));
	another_worker();
	rotate();
	use_ticket(oldest);
	assert_true(connect_to("localhost"));
	rotate();
	use_ticket(oldest);
	assert_false(connect_to("localhost"));
	/* What came with the full handshake is of the new key. */
	assert_true(connect_to("localhost"));
	SSL_SESSION_free(oldest);
}

static void
tls_1_3_resumes_elsewhere_through_two_rotations_and_not_three(void **state)
{
	resumes_for_twelve_hours();
}

static void
tls_1_2_resumes_elsewhere_through_two_rotations_and_not_three(void **state)
{
	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	resumes_for_twelve_hours();
}

static void
a_key_that_nobody_rotates_dies_of_age(void **state)
{
	rotate();
	assert_false(connect_to("localhost"));
	clock_advance(11 * 3600000);
	another_worker();
	assert_true(connect_to("localhost"));
	clock_advance(3600000);
	assert_false(connect_to("localhost"));
}

static void
a_new_key_is_due_after_four_hours_or_where_the_calendar_goes_back_by_more_than_one(void **state)
{
	const uint64_t made_ms = 1000ull * 24 * 3600000, hour_ms = 3600000;

	assert_true(tls_ticket_is_due(page, made_ms));
	tls_ticket_rotate(page, made_ms);
	assert_false(tls_ticket_is_due(page, made_ms));
	assert_false(tls_ticket_is_due(page, made_ms + 4 * hour_ms - 1));
	assert_true(tls_ticket_is_due(page, made_ms + 4 * hour_ms));
	assert_false(tls_ticket_is_due(page, made_ms - 1));
	assert_false(tls_ticket_is_due(page, made_ms - hour_ms));
	assert_true(tls_ticket_is_due(page, made_ms - hour_ms - 1));
	atomic_fetch_add(&page->sequence, 1);
	assert_true(tls_ticket_is_due(page, made_ms));
}

static void
a_ticket_of_one_host_opens_no_other(void **state)
{
	rotate();
	assert_false(connect_to("localhost"));
	assert_false(connect_to("capulet.example"));
	assert_true(connect_to("capulet.example"));
	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	SSL_SESSION_free(client.ticket);
	client.ticket = NULL;
	assert_false(connect_to("localhost"));
	assert_false(connect_to("capulet.example"));
	assert_true(connect_to("capulet.example"));
}

static void
without_keys_there_are_no_tickets(void **state)
{
	assert_false(connect_to("localhost"));
	assert_null(client.ticket);
	SSL_CTX_set_max_proto_version(client.settings, TLS1_2_VERSION);
	assert_false(connect_to("localhost"));
	SSL_SESSION_free(client.ticket);
	client.ticket = NULL;
	rotate();
	assert_false(connect_to("localhost"));
	assert_non_null(client.ticket);
}

static void
a_master_that_died_while_it_wrote_stops_nobody(void **state)
{
	rotate();
	assert_false(connect_to("localhost"));
	atomic_fetch_add(&page->sequence, 1);
	memset(page->key, 0xee, sizeof(page->key));
	assert_true(connect_to("localhost"));
	/* The next master rotates, and the page is whole again. */
	rotate();
	assert_int_equal(atomic_load(&page->sequence) % 2, 0);
	assert_false(connect_to("localhost"));
	assert_true(connect_to("localhost"));
}

/* A whole life as another process, which leaves its ticket in shared memory. */
static void
be_another_worker(unsigned char *room, long *length)
{
	kit_setup(NULL);
	another_worker();
	connect_to("localhost");
	*length = i2d_SSL_SESSION(client.ticket, &room);
	_exit(0);
}

static void
a_ticket_of_another_process_resumes_here(void **state)
{
	unsigned char *shared =
	    mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const unsigned char *der = shared + sizeof(long);
	pid_t child;
	int status;

	assert_ptr_not_equal(shared, MAP_FAILED);
	rotate();
	child = fork();
	if (child == 0)
		be_another_worker(shared + sizeof(long), (long *)shared);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	client.ticket = d2i_SSL_SESSION(NULL, &der, *(long *)shared);
	assert_non_null(client.ticket);
	assert_true(connect_to("localhost"));
	munmap(shared, 65536);
}

static void
keys_rotated_by_another_process_serve_here(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		rotate();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_false(connect_to("localhost"));
	assert_true(connect_to("localhost"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(tls_1_3_resumes_elsewhere_through_two_rotations_and_not_three),
		TEST(tls_1_2_resumes_elsewhere_through_two_rotations_and_not_three),
		TEST(a_key_that_nobody_rotates_dies_of_age),
		TEST(a_new_key_is_due_after_four_hours_or_where_the_calendar_goes_back_by_more_than_one),
		TEST(a_ticket_of_one_host_opens_no_other),
		TEST(without_keys_there_are_no_tickets),
		TEST(a_master_that_died_while_it_wrote_stops_nobody),
		TEST(a_ticket_of_another_process_resumes_here),
		TEST(keys_rotated_by_another_process_serve_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
