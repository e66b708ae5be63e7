/* tls_certificate.c -- certificates and keys in PEM, and what is wrong with them. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/result.h"
#include "net/tls_internal.h"

static BIO *
bio_of(struct slice text)
{
	BIO *bio = BIO_new_mem_buf(text.data, (int)text.length);

	ensure(bio != NULL);
	return bio;
}

static int
complain(char *why, size_t size, int result, const char *text)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	if (result == RESULT_CORRUPT && reason != NULL)
		snprintf(why, size, "%s: %s", text, reason);
	else
		snprintf(why, size, "%s", text);
	ERR_clear_error();
	return result;
}

/* Nobody is there to type a passphrase. */
static int
on_passphrase(char *out, int size, int writing, void *argument)
{
	return -1;
}

static bool
pem_is_at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	       ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int
load_chain(struct tls_certificate *certificate, struct slice pem, char *why, size_t size)
{
	BIO *bio = bio_of(pem);
	X509 *next;
	int rc = RESULT_OK;

	certificate->chain = sk_X509_new_null();
	ensure(certificate->chain != NULL);
	while ((next = PEM_read_bio_X509(bio, NULL, on_passphrase, NULL)) != NULL) {
		if (certificate->leaf == NULL)
			certificate->leaf = next;
		else
			ensure(sk_X509_push(certificate->chain, next) > 0);
	}
	if (!pem_is_at_end())
		rc = complain(why, size, RESULT_CORRUPT, "a certificate cannot be read");
	else if (certificate->leaf == NULL)
		rc = complain(why, size, RESULT_NOT_FOUND, "there is no certificate");
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

static bool
pem_is_encrypted(struct slice pem)
{
	return memmem(pem.data, pem.length, "ENCRYPTED", 9) != NULL;
}

static int
load_key(struct tls_certificate *certificate, struct slice pem, char *why, size_t size)
{
	BIO *bio = bio_of(pem);

	certificate->key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, NULL);
	BIO_free(bio);
	if (certificate->key != NULL) {
		ERR_clear_error();
		return RESULT_OK;
	}
	if (pem_is_encrypted(pem))
		return complain(why, size, RESULT_DENIED,
				"the private key is encrypted with a passphrase");
	if (memmem(pem.data, pem.length, "PRIVATE KEY", 11) == NULL)
		return complain(why, size, RESULT_NOT_FOUND, "there is no private key");
	return complain(why, size, RESULT_CORRUPT, "the private key cannot be read");
}

int
tls_certificate_load(struct tls_certificate *certificate, struct slice chain_pem,
		     struct slice key_pem, char *why, size_t size)
{
	int rc;

	*certificate = (struct tls_certificate){ 0 };
	if (size > 0)
		why[0] = '\0';
	ERR_clear_error();
	rc = load_chain(certificate, chain_pem, why, size);
	if (rc == RESULT_OK)
		rc = load_key(certificate, key_pem, why, size);
	if (rc == RESULT_OK &&
	    X509_check_private_key(certificate->leaf, certificate->key) != 1)
		rc = complain(why, size, RESULT_INVALID,
			      "the private key does not belong to the certificate");
	if (rc != RESULT_OK)
		tls_certificate_clear(certificate);
	return rc;
}

void
tls_certificate_clear(struct tls_certificate *certificate)
{
	X509_free(certificate->leaf);
	sk_X509_pop_free(certificate->chain, X509_free);
	EVP_PKEY_free(certificate->key);
	*certificate = (struct tls_certificate){ 0 };
}

static void
print_date(const ASN1_TIME *time, char *out, size_t size)
{
	struct tm date;

	if (ASN1_TIME_to_tm(time, &date) != 1 ||
	    strftime(out, size, "%Y-%m-%d", &date) == 0)
		snprintf(out, size, "an unreadable date");
}

bool
tls_certificate_is_current(const struct tls_certificate *certificate, long *days_left,
			   char *why, size_t size)
{
	time_t now = (time_t)(clock_wall_us() / 1000000);
	const ASN1_TIME *first = X509_get0_notBefore(certificate->leaf);
	const ASN1_TIME *last = X509_get0_notAfter(certificate->leaf);
	ASN1_TIME *today = ASN1_TIME_set(NULL, now);
	char date[32];
	int days = 0;
	int seconds = 0;

	ensure(today != NULL);
	ASN1_TIME_diff(&days, &seconds, today, last);
	ASN1_TIME_free(today);
	*days_left = days;
	if (X509_cmp_time(last, &now) <= 0) {
		print_date(last, date, sizeof(date));
		snprintf(why, size, "the certificate expired on %s", date);
		return false;
	}
	if (X509_cmp_time(first, &now) >= 0) {
		print_date(first, date, sizeof(date));
		snprintf(why, size, "the certificate is valid only from %s", date);
		return false;
	}
	return true;
}

/* A client walks from the leaf: each must be signed by the one behind it. */
static bool
chain_is_in_order(const struct tls_certificate *certificate)
{
	X509 *subject = certificate->leaf;

	for (int i = 0; i < sk_X509_num(certificate->chain); i++) {
		X509 *issuer = sk_X509_value(certificate->chain, i);

		if (X509_check_issued(issuer, subject) != X509_V_OK)
			return false;
		subject = issuer;
	}
	return true;
}

int
tls_certificate_check(struct slice host, struct slice chain_pem, struct slice key_pem,
		      long *days_left, char *why, size_t size)
{
	struct tls_certificate certificate;
	int rc;

	*days_left = 0;
	rc = tls_certificate_load(&certificate, chain_pem, key_pem, why, size);
	if (rc != RESULT_OK)
		return rc;
	if (!tls_certificate_is_current(&certificate, days_left, why, size)) {
		rc = RESULT_TIMEOUT;
	} else if (X509_check_host(certificate.leaf, host.data, host.length,
				   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) != 1) {
		snprintf(why, size, "the certificate does not name " SLICE_FMT,
			 SLICE_ARG(host));
		rc = RESULT_NOT_FOUND;
	} else if (!chain_is_in_order(&certificate)) {
		snprintf(why, size, "the certificates of the chain are not in order");
		rc = RESULT_INVALID;
	}
	tls_certificate_clear(&certificate);
	return rc;
}
