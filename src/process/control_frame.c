/* control_frame.c -- frames in and out of buffers, for both ends of the control socket. */
#include "process/control_frame.h"

#include <string.h>

#include "base/result.h"

static bool
is_verb(uint16_t verb)
{
	return (verb >= CONTROL_STATUS && verb <= CONTROL_UPGRADE) || verb == CONTROL_LINE ||
	    verb == CONTROL_DONE;
}

void
control_frame_write(struct buffer *out, enum control_verb verb, int result,
    struct slice payload)
{
	struct control_header header = { .verb = (uint16_t)verb, .result = (int16_t)result };

	if (payload.length > CONTROL_PAYLOAD_MAX)
		payload.length = CONTROL_PAYLOAD_MAX;
	header.length = (uint32_t)payload.length;
	buffer_append(out, slice_of(&header, sizeof(header)));
	buffer_append(out, payload);
}

int
control_frame_read(const struct buffer *in, struct control_header *header,
    struct slice *payload)
{
	struct slice bytes = buffer_slice(in);

	if (bytes.length < sizeof(*header))
		return RESULT_AGAIN;
	memcpy(header, bytes.data, sizeof(*header));
	if (header->length > CONTROL_PAYLOAD_MAX || !is_verb(header->verb))
		return RESULT_CORRUPT;
	bytes = slice_after(bytes, sizeof(*header));
	if (bytes.length < header->length)
		return RESULT_AGAIN;
	*payload = slice_of(bytes.data, header->length);
	return RESULT_OK;
}

void
control_frame_drop(struct buffer *in)
{
	struct control_header header;
	struct slice payload;

	if (control_frame_read(in, &header, &payload) == RESULT_OK)
		buffer_take(in, sizeof(header) + header.length);
}
