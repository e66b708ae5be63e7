/* archive_query.c -- answers queries: results in batches as the client's outbox drains, then the end. */
#include "features/archive_query.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "config/config.h"
#include "routing/delivery.h"
#include "routing/pending.h"
#include "session/session.h"
#include "shm/limits.h"
#include "shm/outbox.h"
#include "stream/server.h"
#include "xml/writer.h"

#define BATCH_BYTES  (256u << 10)	/* of results in one effect, and waiting in the outbox when the next follows */
#define JOBS_MAX     4			/* of one session at once */
#define LOOK_MS	     1			/* how soon what has to become durable is looked at again */
#define DRAIN_MS     5
#define BURST	     4			/* seconds' worth of queries that may come at once */
#define LOOKS_MAX    5000		/* then the archive is shown as far as it is durable */

enum job_kind { JOB_QUERY, JOB_METADATA };

/*
 * One query under way. It is the iq's: its stanza is held by pending, and released by the timer. What it may show
 * was given out before it came: until all of that is committed it waits, so that a client finds what it was just sent.
 */
struct archive_query_job {
	struct archive		 *archive;
	struct archive_query_job *next;
	enum job_kind		  kind;
	struct slot_ref		  session;
	uint64_t		  account;
	struct arena		  arena;
	struct archive_query	  query;
	struct archive_page	  page;
	bool			  is_due;
	bool			  is_found;	/* the page stands */
	int			  sent;		/* results of the page */
	uint64_t		  newest;	/* id given out when the query came */
	uint64_t		  horizon;
	int			  looks;
	struct timer		  timer;
	struct waiting		 *waiting;
};

/* --- its life --- */

static int
jobs_of(const struct archive *archive, struct slot_ref session)
{
	int count = 0;

	for (const struct archive_query_job *job = archive->jobs; job != NULL; job = job->next)
		count += job->session.slot == session.slot && job->session.epoch == session.epoch;
	return count;
}

static struct archive_query_job *
job_new(struct stanza *stanza, enum job_kind kind)
{
	struct archive *archive = router_server(stanza->router)->archive;
	struct archive_query_job *job = NEW(struct archive_query_job);

	job->archive = archive;
	job->kind = kind;
	job->session = stanza->origin;
	job->account = stanza->account;
	job->newest = archive_order_newest(&archive->order);
	arena_init(&job->arena);
	job->next = archive->jobs;
	archive->jobs = job;
	return job;
}

static void
job_free(struct archive_query_job *job)
{
	struct archive_query_job **at = &job->archive->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	timer_stop(job->archive->server->timers, &job->timer);
	arena_clear(&job->arena);
	memory_free(job);
}

/* --- results --- */

static void
append_attribute(struct buffer *out, const char *name, struct slice value)
{
	buffer_printf(out, " %s='", name);
	writer_escape(value, out);
	buffer_append_byte(out, '\'');
}

/* XEP-0313 4.2. Written by hand: the message within stands as it was written when it came. */
static void
write_result(const struct archive_query_job *job, const struct stanza *stanza, uint64_t id,
    struct slice message, struct buffer *out)
{
	char text[ARCHIVE_ID_SIZE], stamp[CLOCK_STAMP_SIZE];

	archive_id_write(&job->archive->keys, job->account, id, text);
	clock_stamp(id, stamp, sizeof(stamp));
	buffer_append_text(out, "<message");
	append_attribute(out, "from", stanza->from.bare);
	buffer_append_text(out, "><result xmlns='urn:xmpp:mam:2'");
	if (job->query.has_queryid)
		append_attribute(out, "queryid", job->query.queryid);
	buffer_printf(out,
	    " id='%s'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<delay xmlns='urn:xmpp:delay' stamp='%s'/>",
	    text, stamp);
	buffer_append(out, message);
	buffer_append_text(out, "</forwarded></result></message>");
}

/* As many as one effect takes; a message that went meanwhile is passed over. */
static void
send_batch(struct archive_query_job *job, struct stanza *stanza)
{
	struct store *store = job->archive->server->msg;
	struct delivery *delivery = router_delivery(stanza);
	struct effect_piece to = delivery_to(delivery, stanza->from.full);
	struct txn *txn = store_read(store);
	struct archive_record record;
	struct buffer out;
	size_t sent = 0;

	buffer_init(&out);
	for (; job->sent < job->page.count && sent < BATCH_BYTES; job->sent++) {
		int at = job->query.is_flipped ? job->page.count - 1 - job->sent : job->sent;
		struct delivery_form form;

		if (!archive_read(store, txn, job->page.id[at], &record))
			continue;
		buffer_empty(&out);
		write_result(job, stanza, job->page.id[at], record.stanza, &out);
		form = delivery_form_of(delivery, KIND_MESSAGE, buffer_slice(&out));
		delivery_add_form(delivery, &form, to, stanza->origin);
		sent += buffer_length(&out);
	}
	buffer_clear(&out);
	txn_end(&txn);
}

static struct slice
id_text(const struct archive_query_job *job, struct arena *arena, uint64_t id)
{
	char text[ARCHIVE_ID_SIZE];

	archive_id_write(&job->archive->keys, job->account, id, text);
	return arena_copy(arena, slice_from_text(text));
}

static int
send_end(struct archive_query_job *job, struct stanza *stanza)
{
	const struct archive_page *page = &job->page;
	struct arena *arena = stanza->arena;
	struct element *fin = element_new(arena, NS_MAM, "fin");
	struct slice first = SLICE_EMPTY, last = SLICE_EMPTY;

	if (page->count > 0) {
		first = id_text(job, arena, page->id[0]);
		last = id_text(job, arena, page->id[page->count - 1]);
	}
	if (page->is_complete)
		element_set(arena, fin, "complete", SLICE("true"));
	element_append(arena, fin,
	    rsm_answer(arena, first, last, page->index, page->total));
	return router_reply(stanza, fin);
}

/* --- metadata --- */

static void
add_end(const struct archive_query_job *job, struct arena *arena, struct element *metadata,
    const char *name, uint64_t id)
{
	struct element *end = element_add(arena, metadata, NS_MAM, name);
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(id, stamp, sizeof(stamp));
	element_set(arena, end, "id", id_text(job, arena, id));
	element_set(arena, end, "timestamp", arena_copy(arena, slice_from_text(stamp)));
}

static int
send_metadata(struct archive_query_job *job, struct stanza *stanza)
{
	struct element *metadata = element_new(stanza->arena, NS_MAM, "metadata");
	struct store *store = job->archive->server->msg;
	struct archive_end list = { job->account, 0 };
	uint64_t low = archive_expired(job->archive);
	struct txn *txn = store_read(store);
	struct archive_item first, last;
	bool has_any = archive_edge(store, txn, list, low, job->horizon, false, &first) &&
	    archive_edge(store, txn, list, low, job->horizon, true, &last);

	txn_end(&txn);
	if (has_any) {
		add_end(job, stanza->arena, metadata, "start", first.id);
		add_end(job, stanza->arena, metadata, "end", last.id);
	}
	return router_reply(stanza, metadata);
}

/* --- step by step --- */

static int run(struct archive_query_job *job, struct stanza *stanza);

static int
finish(struct archive_query_job *job, int verdict)
{
	job_free(job);
	return verdict;
}

static int
on_resume(struct stanza *stanza, int result, void *data)
{
	struct archive_query_job *job;

	memcpy(&job, data, sizeof(job));
	return stanza->session == NULL ? finish(job, STANZA_DONE) : run(job, stanza);
}

static void
on_timer(struct timer *timer, void *parameter)
{
	struct archive_query_job *job = parameter;

	pending_release(job->archive->server, &job->waiting, 0);
}

/* What it may show is settled (newest), and its results go out as the client reads and acknowledges: which it goes on doing. */
static int
wait(struct archive_query_job *job, struct stanza *stanza, uint64_t ms)
{
	stanza->is_aside = true;
	job->waiting = pending_hold(stanza, on_resume, &job, sizeof(job));
	timer_start(job->archive->server->timers, &job->timer, ms, on_timer, job);
	return STANZA_LATER;
}

/* False while something of what was given out before the query came is on its way to the store. */
static bool
is_durable(struct archive_query_job *job)
{
	if (job->horizon == 0 || job->horizon < job->newest)
		job->horizon = archive_order_horizon(&job->archive->order);
	if (job->horizon >= job->newest || ++job->looks > LOOKS_MAX)
		return true;
	store_hurry(job->archive->server->msg_client);
	return false;
}

static bool
has_drained(const struct archive_query_job *job, const struct stanza *stanza)
{
	return outbox_bytes(stanza->session->slot) <= BATCH_BYTES;
}

static int
run_query(struct archive_query_job *job, struct stanza *stanza)
{
	int verdict = STANZA_PASS;

	if (!job->is_found)
		verdict = archive_page_find(job->archive, job->account, &job->query,
		    job->horizon, &job->page);
	if (verdict == STANZA_LATER)
		return wait(job, stanza, 0);
	if (verdict != STANZA_PASS)
		return finish(job, verdict);
	job->is_found = true;
	if (!has_drained(job, stanza))
		return wait(job, stanza, DRAIN_MS);
	send_batch(job, stanza);
	if (job->sent < job->page.count)
		return wait(job, stanza, 0);
	return finish(job, send_end(job, stanza));
}

/* Those that come too fast wait their turn: how long. */
static uint64_t
pace(struct archive_query_job *job)
{
	struct archive_pace *pace = &job->archive->paces[job->session.slot];
	uint64_t every = 1000000 / (uint64_t)job->archive->server->config->archive_queries;
	uint64_t now = clock_ms() * 1000;

	job->is_due = true;
	if (pace->epoch != job->session.epoch || pace->due_us < now)
		*pace = (struct archive_pace){ job->session.epoch, now };
	pace->due_us += every;
	if (pace->due_us <= now + BURST * 1000000)
		return 0;
	limit_bite(job->archive->server->shm, LIMIT_ARCHIVE_QUERIES);
	return (pace->due_us - now) / 1000 - BURST * 1000;
}

static int
run(struct archive_query_job *job, struct stanza *stanza)
{
	uint64_t ms = job->is_due ? 0 : pace(job);

	if (ms > 0)
		return wait(job, stanza, ms);
	if (!is_durable(job))
		return wait(job, stanza, LOOK_MS);
	return job->kind == JOB_METADATA ? finish(job, send_metadata(job, stanza))
					 : run_query(job, stanza);
}

/* --- for the tables --- */

static bool
may_ask(const struct stanza *stanza)
{
	return jobs_of(router_server(stanza->router)->archive, stanza->origin) < JOBS_MAX;
}

int
archive_on_query(struct stanza *stanza)
{
	struct archive_query_job *job;
	int verdict;

	if (!may_ask(stanza))
		return STANZA_RESOURCE_CONSTRAINT;
	if (stanza->session != NULL)
		stanza->session->reads_archive = true;
	job = job_new(stanza, JOB_QUERY);
	verdict = archive_form_read(&job->arena, &job->archive->keys, stanza->account,
	    element_copy(&job->arena, stanza->payload), &job->query);
	return verdict == STANZA_PASS ? run(job, stanza) : finish(job, verdict);
}

int
archive_on_metadata(struct stanza *stanza)
{
	return may_ask(stanza) ? run(job_new(stanza, JOB_METADATA), stanza)
			       : STANZA_RESOURCE_CONSTRAINT;
}

int
archive_on_form(struct stanza *stanza)
{
	struct element *query = element_new(stanza->arena, NS_MAM, "query");

	element_append(stanza->arena, query, archive_form_offer(stanza->arena));
	return router_reply(stanza, query);
}

void
archive_drop_queries(struct archive *archive)
{
	while (archive->jobs != NULL)
		job_free(archive->jobs);
}
