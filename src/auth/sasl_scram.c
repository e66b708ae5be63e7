/* sasl_scram.c -- SCRAM (RFC 5802, 7677), channel binding (RFC 5929, 9266), XEP-0474. */
#include "auth/sasl_internal.h"

#include <stdlib.h>

#include "auth/digest.h"
#include "auth/scram_message.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

static bool
refuse(struct sasl *sasl, enum sasl_failure failure, const char *detail)
{
	sasl_fail(sasl, failure, detail);
	return false;
}

static bool
take_identity(struct sasl *sasl, struct slice name, struct slice authzid)
{
	if (!sasl_account_name(sasl, name))
		return refuse(sasl, SASL_NOT_AUTHORIZED, "forbidden name");
	if (authzid.length > 0 && !sasl_account_is_own(sasl, authzid))
		return refuse(sasl, SASL_INVALID_AUTHZID, "of somebody else");
	return true;
}

static bool
decode_identity(struct sasl *sasl, const struct scram_first *first)
{
	struct buffer name, authzid;
	bool is_fit;

	buffer_init(&name);
	buffer_init(&authzid);
	if (scram_message_decode_name(first->name, &name) &&
	    scram_message_decode_name(first->authzid, &authzid))
		is_fit = take_identity(sasl, buffer_slice(&name), buffer_slice(&authzid));
	else
		is_fit = refuse(sasl, SASL_MALFORMED_REQUEST, "bad saslname");
	buffer_clear(&name);
	buffer_clear(&authzid);
	return is_fit;
}

static bool
find_binding(const struct sasl_situation *situation, struct slice type,
	     struct slice *data)
{
	if (slice_is(type, "tls-exporter"))
		*data = slice_of(situation->exporter, situation->exporter_length);
	else if (slice_is(type, "tls-server-end-point"))
		*data = slice_of(situation->end_point, situation->end_point_length);
	else
		return false;
	return data->length > 0;
}

static bool
offered_binding(const struct sasl *sasl)
{
	const unsigned plus =
	    SASL_SCRAM_SHA_512_PLUS | SASL_SCRAM_SHA_256_PLUS | SASL_SCRAM_SHA_1_PLUS;

	return (sasl->situation.offered & plus) != 0;
}

/* The rules of RFC 5802 6, and what c= must hold later. */
static bool
check_flag(struct sasl *sasl, const struct scram_first *first)
{
	struct slice flag = first->flag;
	struct slice data = SLICE_EMPTY;

	if (slice_starts_with(flag, SLICE("p=")) && flag.length > 2) {
		if (!sasl->row->has_binding)
			return refuse(sasl, SASL_MALFORMED_REQUEST, "needs -PLUS");
		if (!find_binding(&sasl->situation, slice_after(flag, 2), &data))
			return refuse(sasl, SASL_NOT_AUTHORIZED, "binding not offered");
	} else if (!slice_is(flag, "n") && !slice_is(flag, "y")) {
		return refuse(sasl, SASL_MALFORMED_REQUEST, "bad gs2 flag");
	} else if (sasl->row->has_binding) {
		return refuse(sasl, SASL_MALFORMED_REQUEST, "-PLUS without binding");
	} else if (slice_is(flag, "y") && offered_binding(sasl)) {
		return refuse(sasl, SASL_NOT_AUTHORIZED, "downgrade: -PLUS was offered");
	}
	buffer_append(&sasl->binding, first->gs2_header);
	buffer_append(&sasl->binding, data);
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* XEP-0474: a hash over what was offered, so that the proof covers it too. */
static void
append_offer_hash(struct sasl *sasl)
{
	const char *names[16];
	uint8_t sum[DIGEST_MAX];
	char encoded[TEXT_BASE64_LENGTH(DIGEST_MAX) + 1];
	int count = 0;
	struct buffer offer;

	for (unsigned bit = 1; bit < 1u << 16; bit <<= 1) {
		if (sasl->situation.offered & bit && sasl_mechanism_name(bit) != NULL)
			names[count++] = sasl_mechanism_name(bit);
	}
	qsort(names, (size_t)count, sizeof(names[0]), compare_names);
	buffer_init(&offer);
	for (int i = 0; i < count; i++) {
		if (i > 0)
			buffer_append_byte(&offer, 0x1e);
		buffer_append_text(&offer, names[i]);
	}
	if (sasl->situation.exporter_length > 0 || sasl->situation.end_point_length > 0)
		buffer_append_byte(&offer, 0x1f);
	if (sasl->situation.exporter_length > 0)
		buffer_append_text(&offer, "tls-exporter");
	if (sasl->situation.exporter_length > 0 && sasl->situation.end_point_length > 0)
		buffer_append_byte(&offer, 0x1e);
	if (sasl->situation.end_point_length > 0)
		buffer_append_text(&offer, "tls-server-end-point");
	digest_hash(sasl->row->hash, buffer_slice(&offer), sum);
	buffer_clear(&offer);
	text_base64_encode(slice_of(sum, scram_hash_size(sasl->row->hash)), encoded);
	buffer_printf(&sasl->output, ",h=%s", encoded);
}

static enum sasl_step
on_client_first(struct sasl *sasl, struct slice data)
{
	struct scram_first first = { 0 };
	const struct scram_keys *keys = &sasl->account.scram[sasl->row->hash];
	char salt[TEXT_BASE64_LENGTH(SCRAM_SALT_MAX) + 1];

	if (!scram_message_parse_first(data, &first))
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "bad first message");
	if (!check_flag(sasl, &first) || !decode_identity(sasl, &first))
		return SASL_STEP_FAILURE;
	sasl_account_find(sasl, sasl->row->hash);

	if (sasl->server_nonce[0] == '\0')
		random_token(sasl->server_nonce, SCRAM_NONCE_SIZE);
	buffer_append(&sasl->nonce, first.nonce);
	buffer_append_text(&sasl->nonce, sasl->server_nonce);
	text_base64_encode(slice_of(keys->salt, keys->salt_length), salt);
	buffer_append_text(&sasl->output, "r=");
	buffer_append(&sasl->output, buffer_slice(&sasl->nonce));
	buffer_printf(&sasl->output, ",s=%s,i=%u", salt, (unsigned)keys->iterations);
	if (sasl->tells_offer)
		append_offer_hash(sasl);

	buffer_append(&sasl->transcript, first.bare);
	buffer_append_byte(&sasl->transcript, ',');
	buffer_append(&sasl->transcript, buffer_slice(&sasl->output));
	buffer_append_byte(&sasl->transcript, ',');
	sasl->stage = SASL_STAGE_CHALLENGED;
	return SASL_STEP_CHALLENGE;
}

/* RFC 5802 3: the client's key comes out of its proof and must hash to what is stored. */
static bool
proof_is_right(const struct sasl *sasl, const uint8_t proof[DIGEST_MAX])
{
	enum scram_hash hash = sasl->row->hash;
	size_t size = scram_hash_size(hash);
	const uint8_t *stored_key = sasl->account.scram[hash].stored_key;
	uint8_t client_key[DIGEST_MAX];
	uint8_t hashed[DIGEST_MAX];

	digest_hmac(hash, slice_of(stored_key, size), buffer_slice(&sasl->transcript),
		    client_key);
	for (size_t i = 0; i < size; i++)
		client_key[i] ^= proof[i];
	digest_hash(hash, slice_of(client_key, size), hashed);
	memory_wipe(client_key, sizeof(client_key));
	return digest_equal(hashed, stored_key, size);
}

static enum sasl_step
check_proof(struct sasl *sasl, const uint8_t proof[DIGEST_MAX])
{
	enum scram_hash hash = sasl->row->hash;
	size_t size = scram_hash_size(hash);
	uint8_t signature[DIGEST_MAX];
	char encoded[TEXT_BASE64_LENGTH(DIGEST_MAX) + 1];

	if (!proof_is_right(sasl, proof) || !sasl->is_known)
		return sasl_fail(sasl, SASL_NOT_AUTHORIZED,
				 sasl->is_known ? "wrong proof" : "no such account");
	if (sasl->account.flags & CREDENTIALS_DISABLED)
		return sasl_fail(sasl, SASL_ACCOUNT_DISABLED, "disabled");
	digest_hmac(hash, slice_of(sasl->account.scram[hash].server_key, size),
		    buffer_slice(&sasl->transcript), signature);
	text_base64_encode(slice_of(signature, size), encoded);
	buffer_printf(&sasl->output, "v=%s", encoded);
	return sasl_succeed(sasl);
}

static enum sasl_step
on_client_final(struct sasl *sasl, struct slice data)
{
	struct scram_final final = { 0 };
	struct slice expected = buffer_slice(&sasl->binding);
	uint8_t proof[DIGEST_MAX];
	uint8_t binding[SASL_INPUT_MAX];
	long binding_length;

	if (!scram_message_parse_final(data, &final))
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "bad final message");
	binding_length = text_base64_decode(final.binding, binding, sizeof(binding));
	if (binding_length < 0 || text_base64_decode(final.proof, proof, sizeof(proof)) !=
				      (long)scram_hash_size(sasl->row->hash))
		return sasl_fail(sasl, SASL_MALFORMED_REQUEST, "bad base64");
	if (!slice_equal(final.nonce, buffer_slice(&sasl->nonce)))
		return sasl_fail(sasl, SASL_NOT_AUTHORIZED, "wrong nonce");
	if ((size_t)binding_length != expected.length ||
	    !digest_equal(binding, expected.data, expected.length))
		return sasl_fail(sasl, SASL_NOT_AUTHORIZED, "wrong channel binding");
	buffer_append(&sasl->transcript, final.without_proof);
	return check_proof(sasl, proof);
}

enum sasl_step
sasl_scram_step(struct sasl *sasl, struct slice data)
{
	if (sasl->stage == SASL_STAGE_CHALLENGED)
		return on_client_final(sasl, data);
	return on_client_first(sasl, data);
}
