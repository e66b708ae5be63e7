/* tls_binding.c -- channel binding data of a TLS connection, for SCRAM-PLUS. */
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/tls_internal.h"

#define EXPORTER_LABEL "EXPORTER-Channel-Binding"
#define EXPORTER_SIZE  32

/* RFC 9266 4: TLS 1.2 binds only with the extended master secret. */
static bool
tls_has_exporter(struct tls *tls)
{
	if (!tls_is_ready(tls))
		return false;
	return SSL_version(tls->ssl) >= TLS1_3_VERSION ||
	       SSL_get_extms_support(tls->ssl) == 1;
}

size_t
tls_binding_exporter(struct tls *tls, uint8_t out[TLS_BINDING_MAX])
{
	static const unsigned char no_context[1];

	/* RFC 9266 2: the context is the empty string, which TLS 1.2 tells from none. */
	if (!tls_has_exporter(tls))
		return 0;
	if (out != NULL &&
	    SSL_export_keying_material(tls->ssl, out, EXPORTER_SIZE, EXPORTER_LABEL,
				       sizeof(EXPORTER_LABEL) - 1, no_context, 0, 1) != 1)
		return 0;
	return EXPORTER_SIZE;
}

size_t
tls_binding_end_point(struct tls *tls, uint8_t out[TLS_BINDING_MAX])
{
	X509 *certificate = SSL_get_certificate(tls->ssl);
	const EVP_MD *digest;
	int nid;

	if (certificate == NULL || !tls_is_ready(tls) ||
	    X509_get_signature_info(certificate, &nid, NULL, NULL, NULL) != 1)
		return 0;
	/* RFC 5929 4.1: weak hashes are replaced; without a hash there is no binding. */
	if (nid == NID_md5 || nid == NID_sha1)
		nid = NID_sha256;
	digest = EVP_get_digestbynid(nid);
	if (digest == NULL || EVP_MD_get_size(digest) > TLS_BINDING_MAX ||
	    (out != NULL && X509_digest(certificate, digest, out, NULL) != 1))
		return 0;
	return (size_t)EVP_MD_get_size(digest);
}
