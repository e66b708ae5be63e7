/* archive_page.c -- which messages answer a query: found through the lists of the store, a bounded number at a time. */
#include "features/archive_query.h"

#include "config/config.h"
#include "stream/server.h"

#define LOOK_MAX 1000	/* messages looked at in one callback */

struct search {
	struct archive		   *archive;
	struct store		   *store;
	struct txn		   *txn;
	uint64_t		    account;
	struct archive_end	    list;
	const struct archive_query *query;
	struct archive_page	   *page;
	uint64_t		    horizon;
	int			    looked;
	bool			    is_cut;	/* by LOOK_MAX */
};

/* --- who is it with --- */

/* In the archive of the sender the other one is who it was sent to. */
static struct slice
other_of(const struct search *search, const struct archive_record *record)
{
	return record->end[ARCHIVE_SENDER].account == search->account ? record->to : record->from;
}

static bool
is_with(const struct search *search, uint64_t id)
{
	const struct jid *with = &search->query->with;
	struct archive_record record;
	struct jid other;

	if (with->domain.length == 0)
		return true;
	if (!archive_read(search->store, search->txn, id, &record))
		return false;
	jid_split(other_of(search, &record), &other);
	return slice_equal(jid_is_bare(with) ? other.bare : other.full, with->full);
}

/* The list of a contact holds nothing of others: only a resource is to be looked at in each message. */
static bool
is_narrowed(const struct archive_query *query)
{
	return query->with.domain.length > 0 && !jid_is_bare(&query->with);
}

/* --- where to look --- */

static bool
is_there(struct search *search, uint64_t id)
{
	struct archive_item item;

	return id >= archive_expired(search->archive) && id <= search->horizon &&
	    archive_has(search->store, search->txn, search->account, id, &item);
}

/* XEP-0313 4.1.3 and 4.3.2: what is named must be in the archive. */
static bool
are_there(struct search *search)
{
	const struct archive_query *query = search->query;
	const uint64_t named[] = { query->after, query->before, query->page_after,
		query->page_before };

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (named[i] != 0 && !is_there(search, named[i]))
			return false;
	for (int i = 0; i < query->id_count; i++)
		if (!is_there(search, query->ids[i]))
			return false;
	return true;
}

static uint64_t
greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t
lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The whole result set, of which a page is asked for. */
static void
set_bounds(struct search *search)
{
	const struct archive_query *query = search->query;
	struct archive_page *page = search->page;

	page->low = greater(query->start, archive_expired(search->archive));
	page->high = lesser(query->end, search->horizon);
	if (query->after != 0)
		page->low = greater(page->low, query->after + 1);
	if (query->before != 0)
		page->high = lesser(page->high, query->before - 1);
}

static void
set_page_bounds(struct search *search)
{
	const struct archive_query *query = search->query;
	struct archive_page *page = search->page;

	if (query->page_after != 0)
		page->low = greater(page->low, query->page_after + 1);
	if (query->page_before != 0)
		page->high = lesser(page->high, query->page_before - 1);
}

/* Numbers grow with ids: halving finds the first one that is at least number. */
static uint64_t
id_of_number(struct search *search, uint64_t low, uint64_t high, uint64_t number)
{
	struct archive_item item;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (!archive_edge(search->store, search->txn, search->list, middle, high, false,
			&item) ||
		    item.entry.number >= number)
			high = middle;
		else
			low = item.id + 1;
	}
	return low;
}

/* How many there are in all, told by the numbers of the first and the last. */
static void
count_all(struct search *search, struct archive_item *first)
{
	struct archive_page *page = search->page;
	struct archive_item last;

	if (is_narrowed(search->query) || page->total != RSM_UNKNOWN)
		return;
	page->total = 0;
	if (archive_edge(search->store, search->txn, search->list, page->low, page->high, false,
		first) &&
	    archive_edge(search->store, search->txn, search->list, page->low, page->high, true,
		&last))
		page->total = last.entry.number - first->entry.number + 1;
}

static uint32_t
most_of(const struct search *search)
{
	const struct rsm *rsm = &search->query->rsm;
	uint32_t most = (uint32_t)search->archive->server->config->archive_page;

	if (rsm->has_max)
		most = rsm->max;
	return most > ARCHIVE_PAGE_MAX ? ARCHIVE_PAGE_MAX : most;
}

static int
begin(struct search *search)
{
	const struct rsm *rsm = &search->query->rsm;
	struct archive_page *page = search->page;
	struct archive_item first = { 0 };

	*page = (struct archive_page){ .is_begun = true,
		.most = (int)most_of(search),
		.index = RSM_UNKNOWN,
		.total = RSM_UNKNOWN };
	if (!are_there(search))
		return STANZA_ITEM_NOT_FOUND;
	set_bounds(search);
	if (search->query->has_ids)
		return STANZA_PASS;
	count_all(search, &first);
	if (rsm->has_index && page->total == RSM_UNKNOWN)
		return STANZA_FEATURE_NOT_IMPLEMENTED;
	if (rsm->has_index && rsm->index >= page->total)
		page->low = page->high + 1;
	else if (rsm->has_index)
		page->low = id_of_number(search, page->low, page->high,
		    first.entry.number + rsm->index);
	set_page_bounds(search);
	return STANZA_PASS;
}

/* --- looking --- */

static bool
on_item(void *owner, const struct archive_item *item)
{
	struct search *search = owner;
	struct archive_page *page = search->page;

	if (search->looked++ == LOOK_MAX) {
		search->is_cut = true;
		return false;
	}
	if (!is_narrowed(search->query) || is_with(search, item->id)) {
		if (page->count == page->most) {
			page->is_complete = false;
			return false;
		}
		page->id[page->count++] = item->id;
	}
	if (search->query->rsm.has_before)
		page->high = item->id - 1;
	else
		page->low = item->id + 1;
	return true;
}

static void
turn_round(struct archive_page *page)
{
	for (int i = 0, j = page->count - 1; i < j; i++, j--) {
		uint64_t id = page->id[i];

		page->id[i] = page->id[j];
		page->id[j] = id;
	}
}

/*
 * Where the page begins within the whole. Not told to who goes backwards (XEP-0313 4.3.1 leaves it open): slixmpp to 1.8.3
 * takes the place of the page, and not that of the first one of all, for the end of its way.
 */
static void
set_index(struct search *search)
{
	struct archive_page *page = search->page;
	struct archive_item first, item;
	struct archive_page whole = *page;
	struct search again = *search;

	if (page->total == RSM_UNKNOWN || page->count == 0 || search->query->rsm.has_before)
		return;
	again.page = &whole;
	set_bounds(&again);
	if (archive_edge(search->store, search->txn, search->list, whole.low, page->id[0], false,
		&first) &&
	    archive_edge(search->store, search->txn, search->list, page->id[0], page->id[0],
		false, &item))
		page->index = item.entry.number - first.entry.number;
}

static int
look(struct search *search)
{
	struct archive_page *page = search->page;

	page->is_complete = true;
	archive_each(search->store, search->txn, search->list, page->low, page->high,
	    search->query->rsm.has_before, on_item, search);
	if (search->is_cut)
		return STANZA_LATER;
	if (search->query->rsm.has_before)
		turn_round(page);
	set_index(search);
	return STANZA_PASS;
}

/* --- those that were named --- */

/* A page out of a list of ids: from the first or the last one between the bounds of the page. */
static void
cut_page(struct search *search, const uint64_t *ids, int count)
{
	const struct rsm *rsm = &search->query->rsm;
	struct archive_page *page = search->page;
	int from = rsm->has_index ? (int)lesser(rsm->index, (uint64_t)count) : 0, to = count;

	set_page_bounds(search);
	while (from < to && ids[from] < page->low)
		from++;
	while (to > from && ids[to - 1] > page->high)
		to--;
	page->is_complete = to - from <= page->most;
	if (!page->is_complete && rsm->has_before)
		from = to - page->most;
	else if (!page->is_complete)
		to = from + page->most;
	page->count = to - from;
	for (int i = 0; i < page->count; i++)
		page->id[i] = ids[from + i];
	if (page->count > 0 && !rsm->has_before)
		page->index = (uint64_t)from;
}

static int
pick(struct search *search)
{
	const struct archive_query *query = search->query;
	struct archive_page *page = search->page;
	uint64_t ids[ARCHIVE_IDS_MAX];
	int count = 0;

	for (int i = 0; i < query->id_count; i++)
		if (query->ids[i] >= page->low && query->ids[i] <= page->high &&
		    is_with(search, query->ids[i]))
			ids[count++] = query->ids[i];
	page->total = (uint64_t)count;
	cut_page(search, ids, count);
	return STANZA_PASS;
}

int
archive_page_find(struct archive *archive, uint64_t account, const struct archive_query *query,
    uint64_t horizon, struct archive_page *page)
{
	struct search search = { .archive = archive,
		.store = archive->server->msg,
		.account = account,
		.list = { account, 0 },
		.query = query,
		.page = page,
		.horizon = horizon };
	int verdict = STANZA_PASS;

	if (query->with.domain.length > 0)
		search.list.peer = archive_peer(&archive->keys, query->with.bare);
	search.txn = store_read(search.store);
	if (!page->is_begun)
		verdict = begin(&search);
	if (verdict == STANZA_PASS)
		verdict = query->has_ids ? pick(&search) : look(&search);
	txn_end(&search.txn);
	return verdict;
}
