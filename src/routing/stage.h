/* stage.h -- the stations of a stanza's way; within one, features are asked in the order of features.c. */
#pragma once

#include "routing/stanza.h"
#include "shm/registry.h"

enum stage {
	STAGE_SUBMIT,		/* from a client, before anything was decided */
	STAGE_OUTGOING,		/* on the sender's side; "to" is known */
	STAGE_INCOMING,		/* on the recipient's side, for a local account */
	STAGE_OFFLINE,		/* a message that no resource may have; STANZA_PASS from all: service-unavailable */
	STAGE_SENT,		/* a client's, once it has gone its way, whatever became of it */
	STAGE_DELIVERED,	/* a message whose recipients are chosen, or that is kept: stanza->recipients */
	STAGE_ANSWER,		/* an iq result or error for a host: whoever asked knows it by its id */
	STAGE_COUNT
};

#define RECIPIENTS_MAX 64

/* The resources of the account a message is for, best priority first, and who gets it as its recipient. */
struct recipients {
	struct route route[RECIPIENTS_MAX];
	bool	     got[RECIPIENTS_MAX];
	int	     count;
};

/*
 * STANZA_PASS: the next one is asked. STANZA_DONE: all that was to be done is done. STANZA_LATER: a callback
 * will answer by id. A condition: the router answers with that error.
 */
typedef int stage_fn(struct stanza *stanza);

struct stage_row {
	enum stage  stage;
	const char *name;	/* of the feature: what the trace shows */
	stage_fn   *handle;
};

const char *stage_name(enum stage stage);
