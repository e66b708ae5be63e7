/* roster_item.c -- one contact of an account: what is kept of it, and how clients see it. */
#include "features/roster_item.h"

#include <string.h>

#include "features/subscription.h"
#include "xml/writer.h"

/* What stands first; then the address, the name, the groups with their lengths before them, the request. */
struct item_record {
	uint16_t flags;
	uint16_t jid_length;
	uint16_t name_length;
	uint16_t group_count;
	uint32_t request_length;
};

static size_t
packed_size(const struct roster_item *item, struct slice request)
{
	size_t size = sizeof(struct item_record) + item->jid.length + item->name.length +
	    request.length;

	for (unsigned i = 0; i < item->group_count; i++)
		size += sizeof(uint16_t) + item->group[i].length;
	return size;
}

struct slice
roster_item_pack(struct arena *arena, const struct roster_item *item, bool with_request)
{
	struct slice request = with_request ? item->request : SLICE_EMPTY;
	struct item_record record = { .flags = (uint16_t)item->flags,
		.jid_length = (uint16_t)item->jid.length,
		.name_length = (uint16_t)item->name.length,
		.group_count = (uint16_t)item->group_count,
		.request_length = (uint32_t)request.length };
	size_t size = packed_size(item, request);
	char *bytes = arena_alloc(arena, size);
	char *at = slice_copy(bytes, slice_of(&record, sizeof(record)));

	at = slice_copy(at, item->jid);
	at = slice_copy(at, item->name);
	for (unsigned i = 0; i < item->group_count; i++) {
		uint16_t length = (uint16_t)item->group[i].length;

		at = slice_copy(at, slice_of(&length, sizeof(length)));
		at = slice_copy(at, item->group[i]);
	}
	slice_copy(at, request);
	return slice_of(bytes, size);
}

static bool
take(struct slice *rest, size_t length, struct slice *taken)
{
	if (rest->length < length)
		return false;
	*taken = slice_of(rest->data, length);
	*rest = slice_after(*rest, length);
	return true;
}

static bool
take_record(struct slice *rest, struct item_record *record)
{
	struct slice taken;

	if (!take(rest, sizeof(*record), &taken))
		return false;
	memcpy(record, taken.data, sizeof(*record));
	return record->jid_length > 0 && record->group_count <= ROSTER_GROUPS_MAX;
}

static bool
take_group(struct slice *rest, struct slice *group)
{
	struct slice taken;
	uint16_t length;

	if (!take(rest, sizeof(length), &taken))
		return false;
	memcpy(&length, taken.data, sizeof(length));
	return take(rest, length, group);
}

bool
roster_item_unpack(struct slice bytes, struct roster_item *item)
{
	struct item_record record;

	if (!take_record(&bytes, &record) || !take(&bytes, record.jid_length, &item->jid) ||
	    !take(&bytes, record.name_length, &item->name))
		return false;
	item->flags = record.flags;
	item->group_count = record.group_count;
	for (unsigned i = 0; i < item->group_count; i++)
		if (!take_group(&bytes, &item->group[i]))
			return false;
	return take(&bytes, record.request_length, &item->request) && bytes.length == 0 &&
	    subscription_is_state(item->flags);
}

bool
roster_item_peek(struct slice bytes, struct slice *jid, unsigned *flags)
{
	struct item_record record;

	if (!take_record(&bytes, &record))
		return false;
	*flags = record.flags;
	return take(&bytes, record.jid_length, jid);
}

static const char *
subscription_name(unsigned flags)
{
	static const char *const names[] = { "none", "to", "from", "both" };

	return flags & ROSTER_REMOVED ? "remove" : names[flags & ROSTER_BOTH];
}

void
roster_item_show(struct arena *arena, struct element *query, const struct roster_item *item)
{
	struct element *element = element_add(arena, query, NS_ROSTER, "item");

	element_set(arena, element, "jid", item->jid);
	element_set(arena, element, "subscription",
	    slice_from_text(subscription_name(item->flags)));
	if (item->flags & ROSTER_REMOVED)
		return;
	if (item->name.length > 0)
		element_set(arena, element, "name", item->name);
	if (item->flags & ROSTER_ASK)
		element_set(arena, element, "ask", SLICE("subscribe"));
	if (item->flags & ROSTER_APPROVED)
		element_set(arena, element, "approved", SLICE("true"));
	for (unsigned i = 0; i < item->group_count; i++)
		element_add_text(arena, element_add(arena, element, NS_ROSTER, "group"),
		    item->group[i]);
}

size_t
roster_item_size(struct arena *arena, const struct roster_item *item)
{
	struct element *query = element_new(arena, NS_ROSTER, "query");

	roster_item_show(arena, query, item);
	return writer_write(element_first(query), NS_ROSTER, NULL, 0);
}
