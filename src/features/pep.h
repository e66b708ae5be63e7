/* pep.h -- what the files of personal eventing share. */
#pragma once

#include "features/pep_turn.h"

#define PEP_NAME_MAX 1023	/* bytes of a node's name, and of an item's id */

/* Answers with the condition and XEP-0060's own, named; STANZA_DONE. */
int	pep_refuse(struct stanza *stanza, enum stanza_condition condition, const char *specific);
/* The same with <unsupported feature=.../>. */
int	pep_unsupported(struct stanza *stanza, const char *feature);

/* A node's name as the element tells it; STANZA_PASS, or the verdict where there is none or it is too long. */
int	pep_node_name(struct stanza *stanza, const struct element *element, struct slice *name);

/* The child of <pubsub/> that says what is asked, and the handlers for each. */
int	pep_on_items(struct stanza *stanza, struct element *action);
int	pep_on_publish(struct stanza *stanza, struct element *action);
int	pep_on_retract(struct stanza *stanza, struct element *action);
int	pep_on_create(struct stanza *stanza, struct element *action);
int	pep_on_delete(struct stanza *stanza, struct element *action);
int	pep_on_purge(struct stanza *stanza, struct element *action);
int	pep_on_configure_get(struct stanza *stanza, struct element *action);
int	pep_on_configure_set(struct stanza *stanza, struct element *action);
int	pep_on_default(struct stanza *stanza, struct element *action);

/* XEP-0060 4.5 for PEP: may who asks read what stands there? The owner always may. */
bool	pep_may_read(struct pep *pep, const struct pep_config *config, struct slice owner,
	    struct slice reader);

/* <event xmlns='...#event'/> inside a headline from the owner; event gets the children. */
struct element *pep_event(struct stanza *stanza, struct slice owner, struct element **event);
/* From done(): to every resource that wants to hear of the node. */
void	pep_notify(struct stanza *stanza, const struct pep_config *config, struct slice node,
	    struct element *message);
