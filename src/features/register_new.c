/* register_new.c -- XEP-0077 3.1.1: accounts made before the login, where the host allows it. */
#include "features/register_new.h"

#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "features/account_change.h"
#include "features/registration_limit.h"
#include "routing/router.h"
#include "session/session.h"
#include "shm/limits.h"
#include "stream/server.h"
#include "xmpp/jid_prepare.h"

static bool
is_open(const struct config_host *host, bool is_secure)
{
	return host->registration && (is_secure || !host->require_tls);
}

/* --- the answer, once the router is done --- */

/* condition 0: there is an account now. */
struct answer {
	struct slot_ref session;
	int		condition;
	size_t		id_length;
	char		id[];
};

static struct element *
make_answer(struct arena *arena, struct slice id, int condition, const char *text)
{
	struct element *iq = element_new(arena, NS_CLIENT, "iq");

	element_set(arena, iq, "type", SLICE("result"));
	if (id.data != NULL)
		element_set(arena, iq, "id", id);
	if (condition == 0)
		return iq;
	element_set(arena, iq, "type", SLICE("get"));	/* only requests are answered with errors */
	return stanza_error_reply(arena, iq, (enum stanza_condition)condition, text);
}

static void
send_answer(struct server *server, void *data)
{
	const struct answer *answer = data;
	struct session *session = session_find(server, answer->session);
	struct arena arena;

	if (session == NULL || session->conn == NULL)
		return;
	arena_init(&arena);
	stream_registered(session->conn,
	    make_answer(&arena, slice_of(answer->id, answer->id_length), answer->condition, NULL));
	arena_clear(&arena);
}

static int
condition_of(int result)
{
	switch (result) {
	case RESULT_OK:
		return 0;
	case RESULT_EXISTS:
		return STANZA_CONFLICT;
	case RESULT_INVALID:	/* the password */
		return STANZA_NOT_ACCEPTABLE;
	case RESULT_DENIED:	/* too many from this address */
	case RESULT_FULL:
	case RESULT_CONFLICT:
		return STANZA_RESOURCE_CONSTRAINT;
	default:
		return STANZA_INTERNAL_SERVER_ERROR;
	}
}

/* --- making it --- */

struct registrant {
	struct slot_ref		    session;
	struct registration_address address;
	char			    bare_jid[JID_MAX + 1];
};

static int
note_address(struct stanza *stanza, const void *data, struct store_change *changes)
{
	const struct registrant *registrant = data;
	int count = registration_limit_note(router_server(stanza->router), stanza->arena,
	    &registrant->address, changes);

	return count == RESULT_FULL ? RESULT_DENIED : count;
}

static int
on_made(struct stanza *stanza, int result, void *data)
{
	const struct registrant *registrant = data;
	struct answer *answer;
	size_t size = sizeof(*answer) + stanza->id.length;

	log_info(LOG_AUTH, result == RESULT_OK ? "account registered" : "registration refused",
	    "jid=%s reason=%s", registrant->bare_jid, result_text(result));
	answer = memory_new(size);
	answer->session = registrant->session;
	answer->condition = condition_of(result);
	answer->id_length = stanza->id.length;
	slice_copy(answer->id, stanza->id);
	router_after(stanza->router, send_answer, answer, size);
	memory_free(answer);
	return STANZA_DONE;
}

struct beginning {
	struct registrant  *registrant;
	struct element	   *iq;
	struct slice	    password;
	int		    verdict;
};

static int
begin(struct stanza *stanza, void *context)
{
	struct beginning *beginning = context;
	struct registrant *registrant = beginning->registrant;
	struct account_wish wish = { .bare_jid = slice_from_text(registrant->bare_jid),
		.password = beginning->password,
		.more = note_address };

	stanza->kind = KIND_IQ;
	stanza->type = TYPE_SET;
	stanza->element = beginning->iq;
	stanza->id = element_attribute(beginning->iq, "id");
	beginning->verdict = account_change(stanza, &wish, on_made, registrant,
	    sizeof(*registrant));
	return beginning->verdict == STANZA_LATER ? STANZA_LATER : STANZA_DONE;
}

/* --- what may be made --- */

/* An administrator's name is no stranger's, though there is no such account (any more). */
static bool
is_reserved(const struct config *config, struct arena *arena, struct slice bare_jid)
{
	struct jid admin;

	for (size_t i = 0; i < config->host_count; i++)
		for (size_t k = 0; k < config->hosts[i].admins.count; k++)
			if (jid_parse(arena, slice_from_text(config->hosts[i].admins.item[k]), &admin) &&
			    slice_equal(admin.bare, bare_jid))
				return true;
	return false;
}

static bool
exists(struct server *server, struct slice bare_jid)
{
	struct txn *txn = store_read(server->core);
	bool exists = store_account_id(server->core, txn, bare_jid) != 0;

	txn_end(&txn);
	return exists;
}

static struct slice
text_of(struct arena *arena, struct element *iq, const char *name)
{
	struct element *child = element_child(element_first(iq), NS_REGISTER, name);

	return child == NULL ? SLICE_EMPTY : element_text(arena, child);
}

/* 0: it may be asked of the store. text: why not, where there is more to say. */
static int
check(struct server *server, struct arena *arena, const struct registrant *registrant,
    const char **text)
{
	struct slice bare_jid = slice_from_text(registrant->bare_jid);
	uint64_t wait = registration_limit_wait(server, arena, &registrant->address);

	if (wait > 0) {
		limit_bite(server->shm, LIMIT_REGISTRATIONS);
		*text = arena_printf(arena,
		    "too many accounts from your address: try again in %llu s",
		    (unsigned long long)wait).data;
		return STANZA_RESOURCE_CONSTRAINT;
	}
	if (exists(server, bare_jid) || is_reserved(server->config, arena, bare_jid))
		return STANZA_CONFLICT;
	return 0;
}

/* Returns 0 where an answer comes later. */
static int
make(struct server *server, struct session *session, const struct config_host *host,
    struct arena *arena, struct element *iq, const char **text)
{
	struct slice username = text_of(arena, iq, "username"), prepared;
	struct registrant registrant = { .session = session->ref };
	struct beginning beginning = { .registrant = &registrant,
		.iq = iq,
		.password = text_of(arena, iq, "password") };
	int condition;

	if (username.length == 0 || beginning.password.length == 0 ||
	    !jid_prepare_local(arena, username, &prepared) || prepared.length == 0 ||
	    prepared.length > ACCOUNT_NAME_MAX)
		return STANZA_NOT_ACCEPTABLE;
	snprintf(registrant.bare_jid, sizeof(registrant.bare_jid), SLICE_FMT "@%s",
	    SLICE_ARG(prepared), host->name);
	registrant.address = registration_address_of(session->slot->address,
	    (atomic_load(&session->slot->flags) & SLOT_IPV6) != 0);
	condition = check(server, arena, &registrant, text);
	if (condition != 0)
		return condition;
	router_act(server, slice_from_text(host->name), begin, &beginning);
	return beginning.verdict == STANZA_LATER ? 0 : beginning.verdict;
}

static struct element *
make_form(struct arena *arena, struct slice id)
{
	struct element *iq = make_answer(arena, id, 0, NULL);
	struct element *query = element_add(arena, iq, NS_REGISTER, "query");

	element_add_text(arena, element_add(arena, query, NS_REGISTER, "instructions"),
	    SLICE("Choose a name and a password."));
	element_add(arena, query, NS_REGISTER, "username");
	element_add(arena, query, NS_REGISTER, "password");
	return iq;
}

static struct element *
on_iq(struct server *server, void *owner, const struct config_host *host, bool is_secure,
    struct arena *arena, struct element *iq)
{
	struct session *session = owner;
	struct slice id = element_attribute(iq, "id");
	const char *text = NULL;
	int condition;

	if (!host->registration)
		return make_answer(arena, id, STANZA_SERVICE_UNAVAILABLE, NULL);
	if (!is_open(host, is_secure))
		return make_answer(arena, id, STANZA_NOT_AUTHORIZED, NULL);
	if (slice_is(element_attribute(iq, "type"), "get"))
		return make_form(arena, id);
	if (element_child(element_first(iq), NS_REGISTER, "remove") != NULL)
		return make_answer(arena, id, STANZA_UNEXPECTED_REQUEST, NULL);
	condition = make(server, session, host, arena, iq, &text);
	return condition == 0 ? NULL : make_answer(arena, id, condition, text);
}

const struct stream_registration register_new = { .is_open = is_open, .on_iq = on_iq };
