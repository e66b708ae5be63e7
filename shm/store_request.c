/* store_request.c -- a request to a store as a record of its ring: written, read, and its place in the log. */
#include "shm/store_request.h"

#include <endian.h>
#include <string.h>

#include "base/buffer.h"
#include "base/result.h"

static size_t
padded(size_t length)
{
	return (length + 7) / 8 * 8;
}

static void
append_padded(struct buffer *buffer, struct slice bytes)
{
	static const char zeros[8];

	buffer_append(buffer, bytes);
	buffer_append(buffer, slice_of(zeros, padded(bytes.length) - bytes.length));
}

static void
append_change(struct buffer *buffer, const struct store_change *change)
{
	struct change_head head = {
		.verb = change->verb,
		.hashes = change->hashes,
		.table = change->table,
		.key_length = (uint32_t)change->key.length,
		.version = change->version,
		.value_length = change->value.length,
	};

	buffer_append(buffer, slice_of(&head, sizeof(head)));
	append_padded(buffer, change->key);
	append_padded(buffer, change->value);
}

static bool
take_bytes(struct slice *record, uint64_t length, struct slice *out)
{
	if (length > record->length || padded((size_t)length) > record->length)
		return false;
	*out = slice_of(record->data, (size_t)length);
	*record = slice_after(*record, padded((size_t)length));
	return true;
}

static bool
read_change(struct slice *record, struct store_change *change)
{
	struct change_head head;
	struct slice bytes;

	if (!take_bytes(record, sizeof(head), &bytes))
		return false;
	memcpy(&head, bytes.data, sizeof(head));
	change->verb = (enum store_verb)head.verb;
	change->hashes = head.hashes;
	change->table = head.table;
	change->version = head.version;
	return take_bytes(record, head.key_length, &change->key) &&
	    take_bytes(record, head.value_length, &change->value);
}

bool
store_request_write(struct buffer *record, const struct store_context *context,
    const struct store_change *changes, int count)
{
	struct request_head head = { .context = *context, .count = (uint32_t)count };

	if (count < 1 || count > STORE_CHANGES_MAX)
		return false;
	buffer_empty(record);
	buffer_append(record, slice_of(&head, sizeof(head)));
	for (int i = 0; i < count; i++) {
		if (changes[i].key.length > UINT32_MAX)
			return false;
		append_change(record, &changes[i]);
	}
	return true;
}

uint64_t
store_request_place(struct slice record)
{
	const size_t start = sizeof(struct request_head) + sizeof(struct change_head);
	struct change_head head;
	uint64_t place;

	if (record.length < start + sizeof(place))
		return 0;
	memcpy(&head, record.data + sizeof(struct request_head), sizeof(head));
	if (head.verb != STORE_SET || head.table != STORE_STANZA ||
	    head.key_length != sizeof(place))
		return 0;
	memcpy(&place, record.data + start, sizeof(place));
	place = be64toh(place);
	return place < UINT64_MAX ? place : UINT64_MAX - 1;
}

int
store_request_read(struct slice record, struct request_head *head, struct store_change *changes)
{
	struct slice bytes;

	memset(head, 0, sizeof(*head));
	if (!take_bytes(&record, sizeof(*head), &bytes))
		return RESULT_CORRUPT;
	memcpy(head, bytes.data, sizeof(*head));
	if (head->count < 1 || head->count > STORE_CHANGES_MAX)
		return RESULT_CORRUPT;
	for (uint32_t i = 0; i < head->count; i++)
		if (!read_change(&record, &changes[i]))
			return RESULT_CORRUPT;
	return RESULT_OK;
}
