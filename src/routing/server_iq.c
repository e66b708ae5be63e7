/* server_iq.c -- what the server itself asks of a client. */
#include "routing/server_iq.h"

#include <uthash.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "net/timer.h"
#include "routing/router.h"
#include "session/session.h"
#include "shm/limits.h"
#include "stream/server.h"

/* Of one session: usually one waits. */
struct question {
	struct server	    *server;
	struct slot_ref	     session;
	char		    *id;
	server_iq_fn	    *on_answer;
	void		    *data;
	struct timer	     timer;
	TAILQ_ENTRY(question) link;
};

TAILQ_HEAD(question_list, question);

/* Sessions are numbered by us, so the hash needs no key. */
struct asked {
	struct slot_ref	     session;
	struct question_list questions;
	int64_t		     count;
	UT_hash_handle	     hh;
};

struct server_iqs {
	struct asked *by_session;
};

static struct asked *
find(struct server *server, struct slot_ref session)
{
	struct asked *asked = NULL;

	if (server->server_iqs != NULL)
		HASH_FIND(hh, server->server_iqs->by_session, &session, sizeof(session), asked);
	return asked;
}

static struct asked *
get(struct server *server, struct slot_ref session)
{
	struct asked *asked = find(server, session);

	if (asked != NULL)
		return asked;
	if (server->server_iqs == NULL)
		server->server_iqs = NEW(struct server_iqs);
	asked = NEW(struct asked);
	asked->session = session;
	TAILQ_INIT(&asked->questions);
	HASH_ADD(hh, server->server_iqs->by_session, session, sizeof(asked->session), asked);
	return asked;
}

static struct question *
find_question(struct asked *asked, struct slice id)
{
	struct question *question;

	if (asked == NULL)
		return NULL;
	TAILQ_FOREACH(question, &asked->questions, link)
		if (slice_is(id, question->id))
			return question;
	return NULL;
}

static void
forget(struct question *question)
{
	timer_stop(question->server->timers, &question->timer);
	memory_free(question->id);
	memory_free(question->data);
	memory_free(question);
}

static void
take_out(struct server *server, struct asked *asked, struct question *question)
{
	TAILQ_REMOVE(&asked->questions, question, link);
	asked->count--;
	if (!TAILQ_EMPTY(&asked->questions))
		return;
	HASH_DEL(server->server_iqs->by_session, asked);
	memory_free(asked);
}

static void
on_timeout(struct timer *timer, void *parameter)
{
	struct question *question = parameter;
	struct server *server = question->server;

	limit_bite(server->shm, LIMIT_IQ_TIME);
	take_out(server, find(server, question->session), question);
	question->on_answer(server, question->session, NULL, question->data);
	forget(question);
}

static void
remember(struct session *session, struct slice id, server_iq_fn *on_answer, const void *data,
    size_t size)
{
	struct question *question = NEW(struct question);
	struct asked *asked = get(session->server, session->ref);

	question->server = session->server;
	question->session = session->ref;
	question->id = memory_copy_text(id);
	question->on_answer = on_answer;
	question->data = memory_new(size);
	slice_copy(question->data, slice_of(data, size));
	TAILQ_INSERT_TAIL(&asked->questions, question, link);
	asked->count++;
	timer_start(session->server->timers, &question->timer,
	    (uint64_t)session->server->config->iq_timeout, on_timeout, question);
}

static bool
may_ask(struct session *session, struct slice id)
{
	struct server *server = session->server;
	struct asked *asked = find(server, session->ref);

	if (find_question(asked, id) != NULL || !router_has_room(server->router, session->ref))
		return false;
	if (asked == NULL || asked->count < server->config->iq_outstanding)
		return true;
	limit_bite(server->shm, LIMIT_IQ);
	return false;
}

bool
server_iq_ask(struct session *session, struct slice id, struct element *payload,
    server_iq_fn *on_answer, const void *data, size_t size)
{
	struct arena arena;
	struct element *iq;
	bool is_sent;

	if (!may_ask(session, id))
		return false;
	arena_init(&arena);
	iq = element_new(&arena, NS_CLIENT, "iq");
	element_set(&arena, iq, "type", SLICE("get"));
	element_set(&arena, iq, "id", id);
	element_set(&arena, iq, "from", session->jid.domain);
	element_set(&arena, iq, "to", session->jid.full);
	element_append(&arena, iq, payload);
	is_sent = session_send(session, iq) == RESULT_OK;
	element_remove(iq, payload);
	arena_clear(&arena);
	if (is_sent)
		remember(session, id, on_answer, data, size);
	return is_sent;
}

bool
server_iq_on_answer(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct asked *asked = find(server, stanza->origin);
	struct question *question = find_question(asked, stanza->id);

	if (question == NULL || stanza->session == NULL ||
	    !slice_equal(stanza->to.full, stanza->session->jid.domain))
		return false;
	take_out(server, asked, question);
	question->on_answer(server, question->session, stanza, question->data);
	forget(question);
	return true;
}

void
server_iq_on_ending(struct session *session)
{
	struct server *server = session->server;
	struct asked *asked;
	struct question *question;

	while ((asked = find(server, session->ref)) != NULL) {
		question = TAILQ_FIRST(&asked->questions);
		take_out(server, asked, question);
		question->on_answer(server, question->session, NULL, question->data);
		forget(question);
	}
}

void
server_iqs_free(struct server *server)
{
	struct asked *asked, *next;

	if (server->server_iqs == NULL)
		return;
	HASH_ITER(hh, server->server_iqs->by_session, asked, next) {
		struct question *question, *behind;

		TAILQ_FOREACH_SAFE(question, &asked->questions, link, behind)
			forget(question);
		HASH_DEL(server->server_iqs->by_session, asked);
		memory_free(asked);
	}
	memory_free(server->server_iqs);
	server->server_iqs = NULL;
}
