/* content.h -- what a message carries, as bits: by these it is kept, copied, or may wait. */
#pragma once

#include "routing/stanza.h"

enum content {
	CONTENT_BODY = 1 << 0,
	CONTENT_SUBJECT = 1 << 1,
	CONTENT_THREAD = 1 << 2,
	CONTENT_CHAT_STATE = 1 << 3,	/* XEP-0085 */
	CONTENT_RECEIPT = 1 << 4,	/* XEP-0184 */
	CONTENT_MARKER = 1 << 5,	/* XEP-0333 */
	CONTENT_INVITE = 1 << 6,	/* XEP-0249, and mediated ones of XEP-0045 */
	CONTENT_ROOM = 1 << 7,		/* of a room, but no invitation: XEP-0045 */
	CONTENT_CALL = 1 << 8,		/* XEP-0353 */
	CONTENT_ENCRYPTED = 1 << 9,	/* XEP-0380, and what came before it */
	CONTENT_NO_STORE = 1 << 10,	/* the hints of XEP-0334 */
	CONTENT_NO_PERMANENT_STORE = 1 << 11,
	CONTENT_NO_COPY = 1 << 12,
	CONTENT_STORE = 1 << 13,
	CONTENT_PRIVATE = 1 << 14,	/* XEP-0280 */
	CONTENT_SENT = 1 << 15,
	CONTENT_RECEIVED = 1 << 16,
	CONTENT_DELAY = 1 << 17,
	CONTENT_ERROR = 1 << 18,
	CONTENT_OTHER = 1 << 19,
};

unsigned content_of(const struct element *message);

/*
 * XEP-0160 3: conversations are kept, but not what says only that somebody is typing, nor what carries nothing; the
 * hints of XEP-0334 decide first.
 */
bool	content_is_kept(enum stanza_type type, unsigned content);
