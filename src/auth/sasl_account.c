/* sasl_account.c -- who wants in: names, authorization identities, false accounts. */
#include "auth/sasl_internal.h"

#include "auth/digest.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "xmpp/jid.h"
#include "xmpp/jid_prepare.h"

/* Lengths stand before the texts: no two pairs of host and name give the same bytes. */
static void
append_counted(struct buffer *buffer, struct slice text)
{
	for (int shift = 0; shift < 32; shift += 8)
		buffer_append_byte(buffer, (char)(text.length >> shift));
	buffer_append(buffer, text);
}

static void
make_false_keys(const struct sasl *sasl, enum scram_hash hash, struct scram_keys *keys)
{
	uint8_t mac[DIGEST_MAX];
	struct buffer text;

	buffer_init(&text);
	append_counted(&text, SLICE("false salt"));
	append_counted(&text, slice_from_text(scram_hash_name(hash)));
	append_counted(&text, sasl->situation.host);
	append_counted(&text, slice_from_text(sasl->username));
	digest_hmac(SCRAM_SHA_256, slice_of(sasl->accounts.secret, 32),
		    buffer_slice(&text), mac);
	buffer_clear(&text);
	*keys = (struct scram_keys){ .iterations = sasl->accounts.iterations != 0
						  ? sasl->accounts.iterations
						  : SCRAM_ITERATIONS,
				     .salt_length = SCRAM_SALT_SIZE };
	memcpy(keys->salt, mac, SCRAM_SALT_SIZE);
}

static unsigned
present_hashes(const struct credentials *account)
{
	unsigned mask = 0;

	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (account->scram[i].iterations != 0)
			mask |= 1u << i;
	}
	return mask;
}

/* Any hash of the mask makes a stored account good enough; a false one has false_hash. */
static void
find_or_make(struct sasl *sasl, unsigned any_of, enum scram_hash false_hash)
{
	struct credentials *account = &sasl->account;
	struct scram_keys false_keys;

	/* Made for true accounts too: the time must not tell one kind from the other. */
	make_false_keys(sasl, false_hash, &false_keys);
	memset(account, 0, sizeof(*account));
	sasl->is_known = sasl->accounts.find(sasl->owner, slice_from_text(sasl->username),
					     sasl->situation.host, account) &&
			 (present_hashes(account) & any_of) != 0;
	if (!sasl->is_known) {
		memset(account, 0, sizeof(*account));
		account->scram[false_hash] = false_keys;
	}
}

/*
 * What a password of a false account is checked with. A hash is offered only where every
 * account has it, so the strongest one offered is the best guess at what true ones cost.
 */
static enum scram_hash
usual_hash(const struct sasl *sasl)
{
	unsigned offered = sasl->situation.offered;

	if (offered & (SASL_SCRAM_SHA_512 | SASL_SCRAM_SHA_512_PLUS))
		return SCRAM_SHA_512;
	if (offered & (SASL_SCRAM_SHA_256 | SASL_SCRAM_SHA_256_PLUS))
		return SCRAM_SHA_256;
	if (offered & (SASL_SCRAM_SHA_1 | SASL_SCRAM_SHA_1_PLUS))
		return SCRAM_SHA_1;
	return SCRAM_SHA_512;
}

bool
sasl_account_name(struct sasl *sasl, struct slice text)
{
	struct arena arena;
	struct slice prepared;
	bool is_fit;

	arena_init(&arena);
	is_fit = jid_prepare_local(&arena, text, &prepared) && prepared.length > 0;
	if (is_fit)
		sasl->username = memory_copy_text(prepared);
	arena_clear(&arena);
	return is_fit;
}

bool
sasl_account_is_own(const struct sasl *sasl, struct slice authzid)
{
	struct arena arena;
	struct jid jid;
	bool is_own;

	arena_init(&arena);
	is_own = jid_parse(&arena, authzid, &jid) && jid_is_bare(&jid) &&
		 slice_is(jid.local, sasl->username) &&
		 slice_equal(jid.domain, sasl->situation.host);
	arena_clear(&arena);
	return is_own;
}

void
sasl_account_find(struct sasl *sasl, enum scram_hash hash)
{
	find_or_make(sasl, 1u << hash, hash);
}

void
sasl_account_find_any(struct sasl *sasl)
{
	find_or_make(sasl, (1u << SCRAM_HASH_COUNT) - 1, usual_hash(sasl));
}
