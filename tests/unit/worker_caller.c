/* worker_caller.c -- for tests: a client at the other end of a socket pair, before and after its login. */
#include "tests/unit/worker_caller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/digest.h"
#include "base/ensure.h"
#include "base/text.h"

#define PIECE 4096
#define TRIES 10000	/* turns until a peer that takes nothing is an error of the test */

/* The one session no caller has yet. */
static struct slot_ref
new_session(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->server.shm->max_sessions; i++) {
		struct session *session = session_of_slot(&worker->server, i);

		if (session != NULL && worker->known[i] != session->ref.epoch) {
			worker->known[i] = session->ref.epoch;
			return session->ref;
		}
	}
	return (struct slot_ref){ UINT32_MAX, 0 };
}

void
caller_open(struct caller *caller, struct worker *worker, int send_buffer, bool direct_tls)
{
	struct sockaddr_storage address = { .ss_family = AF_INET };
	int pair[2];

	memset(caller, 0, sizeof(*caller));
	caller->worker = worker;
	buffer_init(&caller->in);
	ensure(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	if (send_buffer > 0)
		ensure(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &send_buffer,
			   sizeof(send_buffer)) == 0);
	caller->fd = pair[1];
	session_accept(&worker->server, pair[0], &address, direct_tls);
	caller->ref = new_session(worker);
}

void
caller_close(struct caller *caller)
{
	close(caller->fd);
	caller->fd = -1;
	buffer_clear(&caller->in);
	worker_settle(caller->worker);
}

struct session *
caller_session(struct caller *caller)
{
	return session_find(&caller->worker->server, caller->ref);
}

/* --- bytes --- */

static void
send_all(struct caller *caller, struct slice bytes)
{
	size_t sent = 0;

	for (int i = 0; i < TRIES && sent < bytes.length; i++) {
		ssize_t count = send(caller->fd, bytes.data + sent, bytes.length - sent,
		    MSG_NOSIGNAL);

		if (count > 0)
			sent += (size_t)count;
		else if (errno == EAGAIN)
			worker_turns(caller->worker, 1);
		else
			return;	/* the server has closed */
	}
}

void
caller_send(struct caller *caller, const char *text)
{
	send_all(caller, slice_from_text(text));
}

void
caller_say(struct caller *caller, const char *text)
{
	caller_say_bytes(caller, slice_from_text(text));
}

void
caller_say_bytes(struct caller *caller, struct slice bytes)
{
	send_all(caller, bytes);
	worker_settle(caller->worker);
}

static bool
take(struct caller *caller)
{
	bool some = false;

	for (;;) {
		char *room = buffer_reserve(&caller->in, PIECE);
		ssize_t count = recv(caller->fd, room, PIECE, 0);

		if (count <= 0)
			return some;
		buffer_add(&caller->in, (size_t)count);
		some = true;
	}
}

static const char *
hand_out(struct caller *caller)
{
	const char *text;

	buffer_append_byte(&caller->in, 0);
	text = buffer_slice(&caller->in).data;
	buffer_empty(&caller->in);
	return text;
}

const char *
caller_hear_once(struct caller *caller)
{
	take(caller);
	return hand_out(caller);
}

const char *
caller_hear(struct caller *caller)
{
	do
		worker_turns(caller->worker, 3);
	while (take(caller));
	return hand_out(caller);
}

bool
caller_is_closed(struct caller *caller)
{
	char byte;
	ssize_t count = recv(caller->fd, &byte, 1, MSG_PEEK);

	return count == 0 || (count < 0 && errno != EAGAIN);
}

/* --- SCRAM-SHA-1 (RFC 5802) --- */

const char *
caller_first(struct caller *caller, const char *name)
{
	static char text[700];
	char first[256], code[512];

	caller->name = name;
	snprintf(first, sizeof(first), "n,,n=%s,r=fyko+d2lbbFgONRv9qkxdawL", name);
	text_base64_encode(slice_from_text(first), code);
	snprintf(text, sizeof(text),
	    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>%s</auth>",
	    code);
	return text;
}

/* All accounts have one salt: stretched once. */
static void
stretch(const char *salt_code, uint8_t salted[DIGEST_MAX])
{
	static char known[128];
	static uint8_t kept[DIGEST_MAX];
	char salt[SCRAM_SALT_MAX];
	long length;

	if (strcmp(known, salt_code) != 0) {
		length = text_base64_decode(slice_from_text(salt_code), salt, sizeof(salt));
		ensure(length > 0);
		digest_stretch(SCRAM_SHA_1, SLICE(WORKER_PASSWORD),
		    slice_of(salt, (size_t)length), SCRAM_ITERATIONS_LEAST, kept);
		snprintf(known, sizeof(known), "%s", salt_code);
	}
	memcpy(salted, kept, DIGEST_MAX);
}

static void
prove(const struct caller *caller, const char *salt, const char *said, char *proof_code)
{
	uint8_t salted[DIGEST_MAX], key[DIGEST_MAX], stored[DIGEST_MAX], proof[DIGEST_MAX];
	size_t size = scram_hash_size(SCRAM_SHA_1);

	stretch(salt, salted);
	digest_hmac(SCRAM_SHA_1, slice_of(salted, size), SLICE("Client Key"), key);
	digest_hash(SCRAM_SHA_1, slice_of(key, size), stored);
	digest_hmac(SCRAM_SHA_1, slice_of(stored, size), slice_from_text(said), proof);
	for (size_t i = 0; i < size; i++)
		proof[i] ^= key[i];
	proof[0] ^= caller->lies;
	text_base64_encode(slice_of(proof, size), proof_code);
}

const char *
caller_final(struct caller *caller)
{
	static char text[1024];
	const char *heard = caller_hear(caller);
	const char *code = strstr(heard, "xmpp-sasl'>"), *end = strstr(heard, "</challenge>");
	char first[512], nonce[256], salt[128], said[1024], final[512], proof[64], out[800];
	unsigned iterations;
	long length;

	ensure(code != NULL && end != NULL);
	code += strlen("xmpp-sasl'>");
	length = text_base64_decode(slice_of(code, (size_t)(end - code)), first,
	    sizeof(first) - 1);
	ensure(length > 0);
	first[length] = 0;
	ensure(sscanf(first, "r=%255[^,],s=%127[^,],i=%u", nonce, salt, &iterations) == 3);
	snprintf(said, sizeof(said), "n=%s,r=fyko+d2lbbFgONRv9qkxdawL,%s,c=biws,r=%s",
	    caller->name, first, nonce);
	prove(caller, salt, said, proof);
	snprintf(final, sizeof(final), "c=biws,r=%s,p=%s", nonce, proof);
	text_base64_encode(slice_from_text(final), out);
	snprintf(text, sizeof(text),
	    "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</response>", out);
	return text;
}

/* --- a client's way --- */

void
caller_greet(struct caller *caller)
{
	caller_say(caller, CALLER_HEADER);
	caller_hear(caller);
}

void
caller_login(struct caller *caller, const char *name)
{
	caller_greet(caller);
	caller_say(caller, caller_first(caller, name));
	caller_say(caller, caller_final(caller));
	ensure(strstr(caller_hear(caller), "<success ") != NULL);
	caller_greet(caller);
}

void
caller_bind(struct caller *caller, const char *resource)
{
	char text[2048];

	snprintf(text, sizeof(text),
	    "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<resource>%s</resource></bind></iq>",
	    resource);
	caller_say(caller, text);
	ensure(strstr(caller_hear(caller), "<jid>") != NULL);
}

void
caller_enter(struct caller *caller, struct worker *worker, const char *name,
    const char *resource)
{
	caller_open(caller, worker, 0, false);
	caller_login(caller, name);
	caller_bind(caller, resource);
}

void
caller_appear(struct caller *caller, int priority)
{
	char text[100];

	snprintf(text, sizeof(text), "<presence><priority>%d</priority></presence>", priority);
	caller_say(caller, text);
	caller_hear(caller);
}
