/* login.c -- from a connection to an available resource: TLS, SCRAM-SHA-1, bind. */
#include "tests/bench/login.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "tests/bench/managed.h"
#include "tests/bench/split.h"

#define NONCE_LENGTH   24
#define LINE_MAX_BYTES 1024
#define STALL_NS       UINT64_C(30000000000)

static const struct login_options *options;
static const char *failure;
static unsigned done;
static uint64_t last_step_ns;

/* --- SCRAM-SHA-1 (RFC 5802 3) --- */

struct scram {
	char nonce[NONCE_LENGTH + 1];
	char message[LINE_MAX_BYTES]; /* AuthMessage */
};

static struct {
	char salt[128]; /* as the server sent it */
	int iterations;
	uint8_t client_key[SHA_DIGEST_LENGTH];
	uint8_t stored_key[SHA_DIGEST_LENGTH];
	uint8_t server_key[SHA_DIGEST_LENGTH];
} keys;

static void
hmac(const uint8_t *key, struct slice text, uint8_t out[SHA_DIGEST_LENGTH])
{
	unsigned length = SHA_DIGEST_LENGTH;

	HMAC(EVP_sha1(), key, SHA_DIGEST_LENGTH, (const uint8_t *)text.data, text.length,
	     out, &length);
}

static bool
derive(struct slice salt_text, int iterations)
{
	uint8_t salted[SHA_DIGEST_LENGTH], salt[96];
	long length = text_base64_decode(salt_text, salt, sizeof(salt));

	if (slice_is(salt_text, keys.salt) && iterations == keys.iterations)
		return true;
	if (length <= 0 || salt_text.length >= sizeof(keys.salt))
		return false;
	PKCS5_PBKDF2_HMAC(options->password, (int)strlen(options->password), salt,
			  (int)length, iterations, EVP_sha1(), sizeof(salted), salted);
	hmac(salted, SLICE("Client Key"), keys.client_key);
	hmac(salted, SLICE("Server Key"), keys.server_key);
	SHA1(keys.client_key, sizeof(keys.client_key), keys.stored_key);
	snprintf(keys.salt, sizeof(keys.salt), SLICE_FMT, SLICE_ARG(salt_text));
	keys.iterations = iterations;
	return true;
}

static void
prove(const struct scram *scram, char *proof_text)
{
	uint8_t proof[SHA_DIGEST_LENGTH];

	hmac(keys.stored_key, slice_from_text(scram->message), proof);
	for (size_t i = 0; i < sizeof(proof); i++)
		proof[i] ^= keys.client_key[i];
	text_base64_encode(slice_of(proof, sizeof(proof)), proof_text);
}

static void
send_base64(struct peer *peer, const char *start, const char *text, const char *end)
{
	char encoded[TEXT_BASE64_LENGTH(LINE_MAX_BYTES) + 1];

	text_base64_encode(slice_from_text(text), encoded);
	buffer_printf(&peer->out, "%s%s%s", start, encoded, end);
}

/* Without channel binding: "n,,", as SCRAM-SHA-1 without -PLUS has it. */
static void
send_first(struct peer *peer)
{
	struct scram *scram = peer->login;
	char first[256];

	random_token(scram->nonce, NONCE_LENGTH);
	snprintf(scram->message, sizeof(scram->message), "n=%s%u,r=%s", options->user,
		 peer->number, scram->nonce);
	snprintf(first, sizeof(first), "n,,%.240s", scram->message);
	send_base64(
	    peer,
	    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>",
	    first, "</auth>");
}

static bool
decode(struct slice element, const char *name, char *out, size_t size)
{
	long length = text_base64_decode(split_text(element, name), out, size - 1);

	out[length < 0 ? 0 : length] = '\0';
	return length >= 0;
}

static bool
send_final(struct peer *peer, struct slice challenge)
{
	struct scram *scram = peer->login;
	char first[512], final[512], proof[64];
	char nonce[256], salt[128];
	size_t used = strlen(scram->message);
	int iterations;

	if (!decode(challenge, "challenge", first, sizeof(first)) ||
	    sscanf(first, "r=%255[^,],s=%127[^,],i=%d", nonce, salt, &iterations) != 3 ||
	    strncmp(nonce, scram->nonce, NONCE_LENGTH) != 0 ||
	    !derive(slice_from_text(salt), iterations))
		return false;
	snprintf(final, sizeof(final), "c=biws,r=%s", nonce);
	snprintf(scram->message + used, sizeof(scram->message) - used, ",%s,%s", first,
		 final);
	prove(scram, proof);
	used = strlen(final);
	snprintf(final + used, sizeof(final) - used, ",p=%s", proof);
	send_base64(peer, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>", final,
		    "</response>");
	return true;
}

static bool
is_server_proved(struct peer *peer, struct slice success)
{
	const struct scram *scram = peer->login;
	uint8_t signature[SHA_DIGEST_LENGTH];
	char expected[64] = "v=", text[256];

	hmac(keys.server_key, slice_from_text(scram->message), signature);
	text_base64_encode(slice_of(signature, sizeof(signature)), expected + 2);
	return decode(success, "success", text, sizeof(text)) &&
	       strcmp(text, expected) == 0;
}

/* --- the stream --- */

static void
send_header(struct peer *peer)
{
	peer->state = LOGIN_FEATURES;
	buffer_printf(&peer->out,
		      "<?xml version='1.0'?><stream:stream to='%s' version='1.0' "
		      "xmlns='jabber:client' "
		      "xmlns:stream='http://etherx.jabber.org/streams'>",
		      options->host);
}

static void
bind(struct peer *peer)
{
	if (options->is_managed && managed_can_resume(peer)) {
		managed_resume(peer);
		peer->state = LOGIN_RESUME;
		return;
	}
	buffer_printf(&peer->out,
		      "<iq type='set' id='bind'><bind "
		      "xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		      "<resource>%s</resource></bind></iq>",
		      options->resource);
	peer->state = LOGIN_BIND;
}

/* What to do next shows in what is offered: STARTTLS first where it was asked for, bind
 * last. */
static bool
on_features(struct peer *peer, struct slice features)
{
	if (options->tls == PEER_STARTTLS && peer->ssl == NULL) {
		peer_write(peer,
			   SLICE("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
		peer->state = LOGIN_PROCEED;
	} else if (memmem(features.data, features.length, "<bind", 5) != NULL) {
		bind(peer);
	} else if (memmem(features.data, features.length, ">SCRAM-SHA-1<", 13) != NULL) {
		send_first(peer);
		peer->state = LOGIN_CHALLENGE;
	} else {
		return false;
	}
	return true;
}

static void
finish(struct peer *peer)
{
	peer->state = LOGIN_DONE;
	memory_free(peer->login);
	peer->login = NULL;
	done++;
}

static void
greet(struct peer *peer)
{
	peer_write(peer, slice_from_text(
			     options->greeting == NULL ? "<presence/>" : options->greeting));
	if (options->is_managed)
		managed_note_sent(peer, 1);
	finish(peer);
}

/* Presence of oneself and of others. */
static bool
on_more(struct peer *peer, struct slice element)
{
	if (options->is_managed) {
		enum managed_word word = managed_take(peer, element);

		if (word != MANAGED_STANZA)
			return word != MANAGED_WRONG;
	}
	if (options->on_element != NULL)
		return options->on_element(peer, element);
	return !split_is(element, "stream:error");
}

/* False: the element has no place in this state. */
static bool
on_element(struct peer *peer, struct slice element)
{
	switch (peer->state) {
	case LOGIN_FEATURES:
		if (split_is(element, "stream:stream"))
			return true;
		return split_is(element, "stream:features") && on_features(peer, element);
	case LOGIN_PROCEED:
		if (!split_is(element, "proceed"))
			return false;
		peer_secure(peer, options->host);
		send_header(peer);
		return true;
	case LOGIN_CHALLENGE:
		peer->state = LOGIN_SUCCESS;
		return split_is(element, "challenge") && send_final(peer, element);
	case LOGIN_SUCCESS:
		if (!split_is(element, "success") || !is_server_proved(peer, element))
			return false;
		send_header(peer);
		return true;
	case LOGIN_BIND:
		if (!split_is(element, "iq") || !split_tag_has(element, "type='result'"))
			return false;
		if (!options->is_managed) {
			greet(peer);
			return true;
		}
		managed_enable(peer);
		peer->state = LOGIN_ENABLE;
		return true;
	case LOGIN_ENABLE:
		if (managed_take(peer, element) != MANAGED_ENABLED)
			return false;
		greet(peer);
		return true;
	case LOGIN_RESUME:
		if (managed_take(peer, element) != MANAGED_RESUMED)
			return false;
		finish(peer);
		return true;
	default:
		return on_more(peer, element);
	}
}

static void
on_input(struct peer *peer)
{
	struct slice element;
	size_t length;

	last_step_ns = peer_now_ns();
	while (failure == NULL &&
	       (length = split_next(buffer_slice(&peer->in), &element)) > 0) {
		if (!on_element(peer, element)) {
			failure = "the server answered with";
			fprintf(stderr, "load: user %u, step %d: %.*s\n", peer->number,
				peer->state,
				(int)(element.length < 400 ? element.length : 400),
				element.data);
		}
		buffer_take(&peer->in, length);
	}
}

void
login_begin(const struct login_options *given)
{
	options = given;
	failure = NULL;
	done = 0;
	last_step_ns = peer_now_ns();
	peer_set_input(on_input);
}

bool
login_start(struct peer *peer)
{
	if (!peer_open(peer, options->port)) {
		fprintf(stderr, "load: port %u: %s\n", options->port, strerror(errno));
		return false;
	}
	if (options->tls == PEER_DIRECT_TLS)
		peer_secure(peer, options->host);
	peer->login = NEW(struct scram);
	send_header(peer);
	peer_flush(peer);
	return true;
}

unsigned
login_count(void)
{
	return done;
}

bool
login_has_failed(void)
{
	return failure != NULL;
}

bool
login_all(const struct login_options *given, struct peer *peers, unsigned count)
{
	unsigned started = 0;

	login_begin(given);
	while (done < count && failure == NULL) {
		while (started < count && started - done < options->parallel)
			if (!login_start(&peers[started++]))
				return false;
		peer_turn(1000);
		if (peer_now_ns() - last_step_ns > STALL_NS) {
			fprintf(stderr, "load: logins stopped at %u of %u\n", done,
				count);
			return false;
		}
		for (unsigned i = 0; i < started && failure == NULL; i++)
			if (peers[i].is_closed) {
				fprintf(stderr, "load: user %u was disconnected\n", i);
				return false;
			}
	}
	return failure == NULL;
}
