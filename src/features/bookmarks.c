/* bookmarks.c -- XEP-0402: a room in the words of one specification and of the other, and what changes with it. */
#include "features/bookmarks.h"

#include "base/clock.h"
#include "config/config.h"
#include "features/pep_list.h"
#include "stream/server.h"
#include "xml/fragment.h"
#include "xml/writer.h"
#include "xmpp/data_form.h"

#define CURRENT "current"	/* the id of the old node's only item */

const char *
bookmarks_other(struct slice node)
{
	if (slice_is(node, BOOKMARKS_NODE))
		return BOOKMARKS_OLD_NODE;
	return slice_is(node, BOOKMARKS_OLD_NODE) ? BOOKMARKS_NODE : NULL;
}

/* A room's address as it is compared; false: it is none. */
static bool
read_room(struct arena *arena, struct slice text, struct slice *room)
{
	struct jid jid;

	if (text.length == 0 || !jid_parse(arena, text, &jid))
		return false;
	*room = jid.bare;
	return true;
}

int
bookmarks_check(struct stanza *stanza, struct slice node, struct slice id,
    const struct element *payload)
{
	struct slice room;
	bool is_fine = true;

	if (slice_is(node, BOOKMARKS_NODE))
		is_fine = element_is(payload, NS_BOOKMARKS, "conference") &&
		    read_room(stanza->arena, id, &room);
	else if (slice_is(node, BOOKMARKS_OLD_NODE))
		is_fine = element_is(payload, NS_BOOKMARKS_OLD, "storage");
	return is_fine ? STANZA_PASS : pep_refuse(stanza, STANZA_BAD_REQUEST, "invalid-payload");
}

/* --- from the words of one to those of the other --- */

static const char *const attributes[] = { "name", "autojoin" };
static const char *const children[] = { "nick", "password" };

#define EACH(list, i) (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)

static struct element *
translate(struct arena *arena, const struct element *conference, enum xml_namespace ns)
{
	struct element *made = element_new(arena, ns, "conference");

	for EACH (attributes, i) {
		struct slice value = element_attribute(conference, attributes[i]);

		if (value.data != NULL)
			element_set(arena, made, attributes[i], value);
	}
	for EACH (children, i) {
		struct element *child = element_child(conference, conference->ns, children[i]);

		if (child != NULL)
			element_add_text(arena, element_add(arena, made, ns, children[i]),
			    element_text(arena, child));
	}
	return made;
}

static bool
is_autojoin(const struct element *conference)
{
	bool is_on = false;

	return data_form_bool(element_attribute(conference, "autojoin"), &is_on) && is_on;
}

static struct slice
text_of(struct arena *arena, const struct element *conference, const char *name)
{
	struct element *child = element_child(conference, conference->ns, name);

	return child == NULL ? SLICE_EMPTY : element_text(arena, child);
}

/* As far as the old specification can tell. */
static bool
says_the_same(struct arena *arena, const struct element *one, const struct element *other)
{
	if (is_autojoin(one) != is_autojoin(other) ||
	    !slice_equal(element_attribute(one, "name"), element_attribute(other, "name")))
		return false;
	for EACH (children, i)
		if (!slice_equal(text_of(arena, one, children[i]),
			text_of(arena, other, children[i])))
			return false;
	return true;
}

static struct slice
bytes_of(struct arena *arena, const struct element *element)
{
	size_t size = writer_write(element, NS_CLIENT, NULL, 0);
	char *bytes = arena_alloc(arena, size);

	writer_write(element, NS_CLIENT, bytes, size);
	return slice_of(bytes, size);
}

/* --- the other node --- */

struct following {
	struct pep_change  *change;
	struct pep	   *pep;
	struct arena	   *arena;
	struct turn_op	   *op;
	struct turn_request *request;
	struct pep_node	    other;
	bool		    existed;
};

/*
 * What comes from a node that is for the account alone is not shown to others: XEP-0411 6. A node made by the server is
 * above the number that the option allows.
 */
static void
find_other(struct following *following)
{
	const char *name = bookmarks_other(following->change->node.name);
	struct pep_config *config = &following->other.config;

	following->existed = pep_find_node(following->pep, slice_from_text(name),
	    &following->other);
	following->other.exists = true;
	config->access = PEP_WHITELIST;
	config->flags |= PEP_PERSIST_ITEMS;
	if (slice_is(following->other.name, BOOKMARKS_NODE))
		config->max_items = PEP_ITEMS_MAX;
}

static void
put(struct following *following, struct slice id, struct slice payload)
{
	struct pep_item old, item = { .id = id,
		.serial = ++following->other.serial,
		.time_us = clock_wall_us(),
		.payload = payload };
	bool replaces = following->existed &&
	    pep_find_item(following->pep, &following->other, id, &old);

	pep_put_item(following->pep, &following->other, &item, replaces ? &old : NULL,
	    following->request);
	following->op->also = pep_list_set(following->arena, following->op->also, id, 1);
}

static void
drop(struct following *following, const struct pep_item *item)
{
	pep_drop_item(following->pep, &following->other, item, following->request);
	following->op->also = pep_list_set(following->arena, following->op->also, item->id, 1);
}

/* Addresses as they are compared; what has none stays as it is. */
static void
prepare(struct arena *arena, struct element *storage)
{
	struct element *child = element_first(storage);
	struct slice room;

	for (; child != NULL; child = element_next(storage, child))
		if (read_room(arena, element_attribute(child, "jid"), &room))
			element_set(arena, child, "jid", room);
}

/* In a list that is prepared. */
static struct element *
find_room(const struct element *storage, struct slice room)
{
	struct element *child = element_first(storage);

	for (; child != NULL; child = element_next(storage, child))
		if (element_is(child, NS_BOOKMARKS_OLD, "conference") &&
		    slice_equal(room, element_attribute(child, "jid")))
			return child;
	return NULL;
}

/* --- items that were published: all of them are collated --- */

static void
apply_note(struct arena *arena, struct element *storage, const struct pep_note *note)
{
	struct element *conference, *found;
	struct slice room;

	if (!read_room(arena, note->id, &room))
		return;
	while ((found = find_room(storage, room)) != NULL)
		element_remove(storage, found);
	conference = note->payload.length == 0 ? NULL : fragment_read(arena, note->payload);
	if (conference == NULL)
		return;
	conference = translate(arena, conference, NS_BOOKMARKS_OLD);
	element_set(arena, conference, "jid", room);
	element_append(arena, storage, conference);
}

/* The newest of its items, should there be more; those that are not the current one go. */
static struct element *
read_storage(struct following *following)
{
	struct pep_item *items;
	struct element *storage = NULL;
	int count = following->existed
	    ? pep_items(following->pep, &following->other, &items)
	    : 0;

	if (count > 0)
		storage = fragment_read(following->arena, items[count - 1].payload);
	for (int i = 0; i < count; i++)
		if (!slice_is(items[i].id, CURRENT))
			drop(following, &items[i]);
	if (storage == NULL || !element_is(storage, NS_BOOKMARKS_OLD, "storage"))
		return element_new(following->arena, NS_BOOKMARKS_OLD, "storage");
	prepare(following->arena, storage);
	return storage;
}

static int
collate(struct following *following)
{
	const struct pep_change *change = following->change;
	struct element *storage = read_storage(following);
	struct slice bytes;

	for (int i = 0; i < change->note_count; i++)
		apply_note(following->arena, storage, &change->note[i]);
	bytes = bytes_of(following->arena, storage);
	if (bytes.length > (size_t)following->pep->server->config->pep_item_bytes)
		return STANZA_RESOURCE_CONSTRAINT;
	put(following, SLICE(CURRENT), bytes);
	return STANZA_PASS;
}

/* --- a list that was published: what differs is taken over --- */

/* What an item has that the list cannot tell stays (XEP-0402 3.4). */
static void
keep_extensions(struct arena *arena, const struct element *old, struct element *new)
{
	struct element *extensions = old == NULL
	    ? NULL
	    : element_child(old, NS_BOOKMARKS, "extensions");

	if (extensions != NULL)
		element_append(arena, new, element_copy(arena, extensions));
}

static bool
has_room(struct following *following)
{
	if (pep_has_room(following->request))
		return true;
	following->op->is_partial = true;
	return false;
}

/* The rooms of the items, in their order; empty where an id is none. */
static struct slice *
rooms_of(struct arena *arena, const struct pep_item *items, int count)
{
	struct slice *rooms = arena_alloc(arena, (size_t)count * sizeof(*rooms));

	for (int i = 0; i < count; i++)
		if (!read_room(arena, items[i].id, &rooms[i]))
			rooms[i] = SLICE_EMPTY;
	return rooms;
}

static const struct pep_item *
find_item(const struct pep_item *items, const struct slice *rooms, int count, struct slice room)
{
	for (int i = 0; i < count; i++)
		if (slice_equal(room, rooms[i]))
			return &items[i];
	return NULL;
}

static void
take_over(struct following *following, const struct element *listed, struct slice room,
    const struct pep_item *item)
{
	struct arena *arena = following->arena;
	struct element *old = item == NULL ? NULL : fragment_read(arena, item->payload);
	struct element *new;

	if (old != NULL && says_the_same(arena, old, listed))
		return;
	if (!has_room(following))
		return;
	new = translate(arena, listed, NS_BOOKMARKS);
	keep_extensions(arena, old, new);
	put(following, item == NULL ? room : arena_copy(arena, item->id), bytes_of(arena, new));
}

/* Empty where there is none any more. */
static struct element *
last_list(const struct pep_change *change, struct arena *arena)
{
	struct element *list = NULL;

	for (int i = change->note_count - 1; i >= 0 && list == NULL; i--)
		if (change->note[i].payload.length > 0)
			list = fragment_read(arena, change->note[i].payload);
	return list != NULL ? list : element_new(arena, NS_BOOKMARKS_OLD, "storage");
}

/* Of two entries for one room the first counts. */
static bool
is_room(const struct following *following, const struct element *list,
    const struct element *child)
{
	struct slice jid = element_attribute(child, "jid"), room;

	return element_is(child, NS_BOOKMARKS_OLD, "conference") &&
	    read_room(following->arena, jid, &room) && find_room(list, jid) == child;
}

static uint32_t
count_rooms(const struct following *following, const struct element *list)
{
	struct element *child = element_first(list);
	uint32_t count = 0;

	for (; child != NULL; child = element_next(list, child))
		count += is_room(following, list, child);
	return count;
}

/* What goes makes room for what comes, should both take more than one request. */
static int
take_list(struct following *following, struct element *list)
{
	struct element *child;
	struct pep_item *items = NULL;
	int count = following->existed ? pep_items(following->pep, &following->other, &items) : 0;
	struct slice *rooms = rooms_of(following->arena, items, count);

	prepare(following->arena, list);
	if (count_rooms(following, list) > following->change->most)
		return STANZA_RESOURCE_CONSTRAINT;
	for (int i = 0; i < count; i++)
		if (find_room(list, rooms[i]) == NULL && has_room(following))
			drop(following, &items[i]);
	for (child = element_first(list); child != NULL; child = element_next(list, child))
		if (is_room(following, list, child)) {
			struct slice room = element_attribute(child, "jid");

			take_over(following, child, room, find_item(items, rooms, count, room));
		}
	return STANZA_PASS;
}

int
bookmarks_follow(struct pep_change *change, struct turn_op *op, struct turn_request *request)
{
	struct following following = { .change = change,
		.pep = &change->pep,
		.arena = change->pep.arena,
		.op = op,
		.request = request };
	int verdict;

	if (change->note_count == 0 || bookmarks_other(change->node.name) == NULL)
		return STANZA_PASS;
	find_other(&following);
	verdict = slice_is(change->node.name, BOOKMARKS_NODE)
	    ? collate(&following)
	    : take_list(&following, last_list(change, following.arena));
	change->note_count = 0;
	if (verdict == STANZA_PASS)
		pep_put_node(&change->pep, &following.other, following.existed, request);
	return verdict;
}
