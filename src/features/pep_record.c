/* pep_record.c -- a personal node between memory and the bytes of its record. */
#include "features/pep_list.h"
#include "features/pep_store.h"

/* Then the name, and the lists and texts of a node that has any. */
struct node_record {
	uint64_t serial;
	uint32_t items;
	uint32_t max_items;
	uint32_t flags;
	uint8_t	 access;
	uint8_t	 send_last;
	uint16_t name_length;
	uint32_t payload_bytes;
	uint8_t	 publish;
	uint8_t	 reserved[3];
};

/* Texts, groups, affiliations, subscriptions: their lengths stand before the first. */
#define PARTS (PEP_TEXT_COUNT + 3)

static struct slice *
part_of(struct pep_node *node, int part)
{
	switch (part - PEP_TEXT_COUNT) {
	case 0:
		return &node->config.groups;
	case 1:
		return &node->affiliations;
	case 2:
		return &node->subscriptions;
	default:
		return &node->config.text[part];
	}
}

static bool
unpack_parts(struct slice bytes, struct pep_node *node)
{
	uint32_t length[PARTS] = { 0 };

	if (bytes.length > 0) {
		if (bytes.length < sizeof(length))
			return false;
		memcpy(length, bytes.data, sizeof(length));
		bytes = slice_after(bytes, sizeof(length));
	}
	for (int i = 0; i < PARTS; i++) {
		if (bytes.length < length[i])
			return false;
		*part_of(node, i) = slice_of(bytes.data, length[i]);
		bytes = slice_after(bytes, length[i]);
	}
	return bytes.length == 0 && pep_list_is_valid(node->config.groups) &&
	    pep_list_is_valid(node->affiliations) && pep_list_is_valid(node->subscriptions);
}

bool
pep_node_unpack(struct slice bytes, struct pep_node *node)
{
	struct node_record record;

	if (bytes.length < sizeof(record))
		return false;
	memcpy(&record, bytes.data, sizeof(record));
	bytes = slice_after(bytes, sizeof(record));
	if (bytes.length < record.name_length || record.access >= PEP_ACCESS_COUNT ||
	    record.send_last >= PEP_SEND_COUNT || record.publish >= PEP_PUBLISH_COUNT)
		return false;
	node->exists = true;
	node->serial = record.serial;
	node->items = record.items;
	node->config = (struct pep_config){ .access = record.access,
		.send_last = record.send_last,
		.publish = record.publish,
		.flags = record.flags,
		.max_items = record.max_items,
		.payload_bytes = record.payload_bytes };
	node->name = slice_of(bytes.data, record.name_length);
	return unpack_parts(slice_after(bytes, record.name_length), node);
}

/* Without lists and texts: the record and the name alone. */
static size_t
size_of_parts(struct pep_node *node)
{
	size_t size = 0;

	for (int i = 0; i < PARTS; i++)
		size += part_of(node, i)->length;
	return size == 0 ? 0 : size + PARTS * sizeof(uint32_t);
}

static void
pack_parts(struct pep_node *node, char *at)
{
	for (int i = 0; i < PARTS; i++) {
		uint32_t length = (uint32_t)part_of(node, i)->length;

		memcpy(at, &length, sizeof(length));
		at += sizeof(length);
	}
	for (int i = 0; i < PARTS; i++) {
		struct slice part = *part_of(node, i);

		if (part.length > 0)
			memcpy(at, part.data, part.length);
		at += part.length;
	}
}

struct slice
pep_node_pack(struct arena *arena, const struct pep_node *node)
{
	struct node_record record = { .serial = node->serial,
		.items = node->items,
		.max_items = node->config.max_items,
		.flags = node->config.flags,
		.access = node->config.access,
		.send_last = node->config.send_last,
		.publish = node->config.publish,
		.payload_bytes = node->config.payload_bytes,
		.name_length = (uint16_t)node->name.length };
	struct pep_node copy = *node;
	size_t head = sizeof(record) + node->name.length, parts = size_of_parts(&copy);
	char *value = arena_alloc(arena, head + parts);

	memcpy(value, &record, sizeof(record));
	memcpy(value + sizeof(record), node->name.data, node->name.length);
	if (parts > 0)
		pack_parts(&copy, value + head);
	return slice_of(value, head + parts);
}
