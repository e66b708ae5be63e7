/* adhoc.h -- ad-hoc commands of a host (XEP-0050): what a command is, and how it answers. */
#pragma once

#include "routing/router.h"
#include "xmpp/data_form.h"

#define ADHOC_ID_LENGTH 24

struct adhoc_command;

/* One execution, to be copied where the answer comes later. */
struct adhoc_run {
	const struct adhoc_command *command;
	char			    id[ADHOC_ID_LENGTH + 1];
};

/* Of one form at most. Nobody but administrators of the host comes this far. */
struct adhoc_command {
	const char *node;
	const char *name;
	/* The form to fill in; NULL: it runs at once, with form NULL. */
	struct element *(*make_form)(struct arena *arena);
	/*
	 * adhoc_complete(), STANZA_LATER, or a condition: then the form may be sent again. The stanza that comes back to a
	 * callback may lack its payload.
	 */
	int (*run)(struct stanza *stanza, const struct adhoc_run *run, struct data_form *form);
};

/* Answers that it is done, with a result where form is not NULL. */
int	adhoc_complete(struct stanza *stanza, const struct adhoc_run *run, struct element *form);

/* admin_commands.c: those of XEP-0133; ends with node NULL. */
extern const struct adhoc_command admin_commands[];
#define ADMIN_FORM_TYPE "http://jabber.org/protocol/admin"
