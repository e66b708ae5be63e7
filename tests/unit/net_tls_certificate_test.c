/* net_tls_certificate_test.c -- what is wrong with a certificate is said in words. */
#include "net_tls_kit.h"

#include <openssl/pem.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

#define DAY_MS (24 * 3600000ULL)

static struct paper paper, other;
static char why[200];
static long days_left;

static int
setup(void **state)
{
	paper_make(&paper, "capulet.example", "P-256", -1, 30);
	paper_make(&other, "*.montague.example", "P-256", -1, 30);
	memset(why, 'x', sizeof(why));
	log_set_level(LOG_ERROR);
	return 0;
}

static int
teardown(void **state)
{
	paper_clear(&paper);
	paper_clear(&other);
	clock_share(NULL);
	return 0;
}

static int
check(const char *host, struct slice chain, struct slice key)
{
	return tls_certificate_check(slice_from_text(host), chain, key, &days_left, why,
				     sizeof(why));
}

static int
add(struct slice chain, struct slice key)
{
	struct tls_context *context = tls_context_new("modern", NULL);
	int rc = tls_context_add(context, SLICE("capulet.example"), chain, key, why,
				 sizeof(why));

	tls_context_free(&context);
	return rc;
}

static void
expect_why(const char *text)
{
	if (strstr(why, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, text);
}

static void
a_good_certificate_has_its_days(void **state)
{
	assert_int_equal(check("capulet.example", paper.chain_pem, paper.key_pem), 0);
	assert_string_equal(why, "");
	assert_in_range(days_left, 29, 30);
	assert_int_equal(add(paper.chain_pem, paper.key_pem), 0);
	assert_string_equal(why, "");
}

static void
the_names_must_cover_the_host(void **state)
{
	assert_int_equal(check("romeo.montague.example", other.chain_pem, other.key_pem),
			 0);
	assert_int_equal(check("montague.example", other.chain_pem, other.key_pem),
			 RESULT_NOT_FOUND);
	expect_why("does not name montague.example");
	assert_int_equal(check("a.b.montague.example", other.chain_pem, other.key_pem),
			 RESULT_NOT_FOUND);
}

static void
a_foreign_key_is_told(void **state)
{
	assert_int_equal(check("capulet.example", paper.chain_pem, other.key_pem),
			 RESULT_INVALID);
	expect_why("does not belong");
	assert_int_equal(add(paper.chain_pem, other.key_pem), RESULT_INVALID);
	expect_why("does not belong");
}

static void
an_expired_certificate_fails_the_check_and_is_served_with_a_warning(void **state)
{
	paper_clear(&paper);
	paper_make(&paper, "capulet.example", "P-256", -30, -2);
	assert_int_equal(check("capulet.example", paper.chain_pem, paper.key_pem),
			 RESULT_TIMEOUT);
	expect_why("expired on 20");
	assert_true(days_left < 0);
	assert_int_equal(add(paper.chain_pem, paper.key_pem), 0);
	expect_why("expired on 20");
}

static void
a_certificate_may_be_too_young(void **state)
{
	paper_clear(&paper);
	paper_make(&paper, "capulet.example", "P-256", 2, 30);
	assert_int_equal(check("capulet.example", paper.chain_pem, paper.key_pem),
			 RESULT_TIMEOUT);
	expect_why("valid only from 20");
}

static void
days_pass_with_the_clock(void **state)
{
	_Atomic uint64_t offset = 20 * DAY_MS;

	clock_share(&offset);
	assert_int_equal(check("capulet.example", paper.chain_pem, paper.key_pem), 0);
	assert_in_range(days_left, 9, 10);
}

static void
what_is_missing_is_told(void **state)
{
	assert_int_equal(add(SLICE_EMPTY, paper.key_pem), RESULT_NOT_FOUND);
	expect_why("there is no certificate");
	assert_int_equal(add(paper.key_pem, paper.key_pem), RESULT_NOT_FOUND);
	expect_why("there is no certificate");
	assert_int_equal(add(paper.chain_pem, SLICE_EMPTY), RESULT_NOT_FOUND);
	expect_why("there is no private key");
	assert_int_equal(add(paper.chain_pem, paper.chain_pem), RESULT_NOT_FOUND);
	expect_why("there is no private key");
}

/* The same text with its middle spoilt. */
static struct slice
spoil(struct slice text, char *room)
{
	memcpy(room, text.data, text.length);
	memset(room + text.length / 2, '!', 8);
	return slice_of(room, text.length);
}

static void
what_cannot_be_read_is_told(void **state)
{
	char room[8192];

	assert_int_equal(add(spoil(paper.chain_pem, room), paper.key_pem),
			 RESULT_CORRUPT);
	expect_why("a certificate cannot be read");
	assert_int_equal(add(paper.chain_pem, spoil(paper.key_pem, room)),
			 RESULT_CORRUPT);
	expect_why("the private key cannot be read");
}

static void
a_key_with_a_passphrase_is_told(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char secret[] = "secret";
	char *data;
	long length;

	PEM_write_bio_PrivateKey(bio, paper.key, EVP_aes_128_cbc(), secret, 6, NULL,
				 NULL);
	length = BIO_get_mem_data(bio, &data);
	assert_int_equal(add(paper.chain_pem, slice_of(data, (size_t)length)),
			 RESULT_DENIED);
	expect_why("encrypted with a passphrase");
	BIO_free(bio);
}

static void
a_key_too_weak_is_told(void **state)
{
	paper_clear(&paper);
	paper_make(&paper, "capulet.example", "RSA1024", -1, 30);
	assert_int_equal(add(paper.chain_pem, paper.key_pem), RESULT_INVALID);
	expect_why("key too small");
}

static void
a_chain_out_of_order_is_told(void **state)
{
	struct buffer both;

	buffer_init(&both);
	buffer_append(&both, paper.chain_pem);
	buffer_append(&both, other.chain_pem);
	assert_int_equal(check("capulet.example", buffer_slice(&both), paper.key_pem),
			 RESULT_INVALID);
	expect_why("not in order");
	buffer_clear(&both);
}

static void
key_and_chain_may_stand_in_one_file(void **state)
{
	struct buffer both;

	buffer_init(&both);
	buffer_append(&both, paper.key_pem);
	buffer_append(&both, paper.chain_pem);
	assert_int_equal(
	    check("capulet.example", buffer_slice(&both), buffer_slice(&both)), 0);
	buffer_clear(&both);
}

static void
a_host_that_could_not_be_added_is_not_served(void **state)
{
	struct tls_context *context = tls_context_new("modern", NULL);

	assert_int_equal(tls_context_add(context, SLICE("capulet.example"),
					 paper.chain_pem, other.key_pem, why,
					 sizeof(why)),
			 RESULT_INVALID);
	assert_int_equal(tls_context_add(context, SLICE("capulet.example"),
					 paper.chain_pem, paper.key_pem, why,
					 sizeof(why)),
			 0);
	tls_context_free(&context);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_good_certificate_has_its_days),
		TEST(the_names_must_cover_the_host),
		TEST(a_foreign_key_is_told),
		TEST(an_expired_certificate_fails_the_check_and_is_served_with_a_warning),
		TEST(a_certificate_may_be_too_young),
		TEST(days_pass_with_the_clock),
		TEST(what_is_missing_is_told),
		TEST(what_cannot_be_read_is_told),
		TEST(a_key_with_a_passphrase_is_told),
		TEST(a_key_too_weak_is_told),
		TEST(a_chain_out_of_order_is_told),
		TEST(key_and_chain_may_stand_in_one_file),
		TEST(a_host_that_could_not_be_added_is_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
