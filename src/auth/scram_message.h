/* scram_message.h -- what a SCRAM client says, by the grammar of RFC 5802 7. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/slice.h"

/* All of it runs of the message. */
struct scram_first {
	struct slice gs2_header;	/* with its last comma */
	struct slice flag;		/* "n", "y", "p=..." or something wrong */
	struct slice authzid;		/* a saslname; empty: none */
	struct slice bare;
	struct slice name;		/* a saslname */
	struct slice nonce;
};

struct scram_final {
	struct slice binding;		/* base64 */
	struct slice nonce;
	struct slice proof;		/* base64 */
	struct slice without_proof;
};

/* False: against the grammar, or an extension that must be understood (m=). */
bool	scram_message_parse_first(struct slice data, struct scram_first *first);
bool	scram_message_parse_final(struct slice data, struct scram_final *final);

/* A saslname: =2C and =3D are decoded, any other sign of equality is refused. */
bool	scram_message_decode_name(struct slice text, struct buffer *out);
