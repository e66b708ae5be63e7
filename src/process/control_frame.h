/* control_frame.h -- frames in and out of buffers, for both ends of the control socket. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "process/control_protocol.h"

/* A payload longer than CONTROL_PAYLOAD_MAX is cut. */
void	control_frame_write(struct buffer *out, enum control_verb verb, int result,
	    struct slice payload);

/*
 * The frame at the front of what was received: *payload is borrowed from the buffer until control_frame_drop().
 * RESULT_AGAIN: not all of it is there; RESULT_CORRUPT: too long, or of no verb; the connection is to be closed.
 */
int	control_frame_read(const struct buffer *in, struct control_header *header,
	    struct slice *payload);
void	control_frame_drop(struct buffer *in);
