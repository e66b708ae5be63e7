/* pep.h -- what the files of personal eventing share. */
#pragma once

#include "features/pep_store.h"
#include "features/turn.h"

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
int	pep_on_subscribe(struct stanza *stanza, struct element *action);
int	pep_on_unsubscribe(struct stanza *stanza, struct element *action);
int	pep_on_subscriptions(struct stanza *stanza, struct element *action);
int	pep_on_subscribers_get(struct stanza *stanza, struct element *action);
int	pep_on_subscribers_set(struct stanza *stanza, struct element *action);
int	pep_on_affiliations(struct stanza *stanza, struct element *action);
int	pep_on_affiliates_get(struct stanza *stanza, struct element *action);
int	pep_on_affiliates_set(struct stanza *stanza, struct element *action);

/* --- one node, to be looked at or changed --- */

/* An item that is put or, with an empty payload, dropped. */
struct pep_note {
	struct slice id;
	struct slice payload;
};

struct pep_change {
	struct txn     *txn;
	struct pep	pep;
	struct pep_node node;
	uint32_t	most;		/* items a node may have */
	uint64_t	bytes;		/* of all the account's items, before */
	struct pep_note *note;		/* for who follows: bookmarks.h */
	int		note_count, note_room;
};

/* STANZA_PASS, and pep_end() follows; else the verdict. action names the node. */
int	pep_begin(struct stanza *stanza, uint64_t account, const struct element *action,
	    struct pep_change *change);
int	pep_begin_named(struct stanza *stanza, uint64_t account, struct slice name,
	    struct pep_change *change);
/* Like pep_put_item() and pep_drop_item(), and noted. */
void	pep_change_put(struct pep_change *change, const struct pep_item *item,
	    const struct pep_item *old, struct turn_request *request);
void	pep_change_drop(struct pep_change *change, const struct pep_item *item,
	    struct turn_request *request);
void	pep_note_item(struct pep_change *change, struct slice id, struct slice payload);
/* The verdict, or internal-server-error where something could not be read. */
int	pep_end(struct pep_change *change, int verdict);
/*
 * Adds what follows from the items that were noted, the node as it is now, and the account. STANZA_PASS, or the verdict
 * where something has grown too large.
 */
int	pep_follow(struct pep_change *change, struct turn_op *op, struct turn_request *request);
int	pep_write(struct pep_change *change, bool existed, struct turn_op *op,
	    struct turn_request *request);
/*
 * From a compute(): the owner's list, affiliations or subscriptions, entry by entry. set returns STANZA_PASS, or the verdict
 * with which nothing of it is written.
 */
int	pep_set_list(struct stanza *stanza, struct turn_op *op, struct turn_request *request,
	    int (*set)(struct stanza *stanza, struct pep_change *change, const struct element *entry));
/* A done() without more. */
int	pep_just_reply(struct stanza *stanza, struct turn_op *op);

/* --- who may do what (pep_access.c) --- */

/* XEP-0060 4.5: may who asks read what stands there? The owner always may. */
bool	pep_may_read(struct pep *pep, const struct pep_node *node, struct slice owner,
	    struct slice reader);
/* Why not. */
int	pep_refuse_reader(struct stanza *stanza, const struct pep_node *node);
/* 4.1 and 4.4. retract: also to take away what stands there. */
bool	pep_may_publish(const struct pep_node *node, struct slice owner, struct slice publisher,
	    bool retract);

/* --- what is told (pep_notify.c) --- */

/* <event xmlns='...#event'/> inside a message from the owner; event gets the children. */
struct element *pep_event(struct stanza *stanza, const struct pep_node *node, struct slice owner,
		    struct element **event);
/* The same with <items><item id=.../></items>, and the payload where it is delivered. */
struct element *pep_item_event(struct stanza *stanza, const struct pep_node *node,
		    struct slice owner, const struct pep_item *item);
/* From done(): to every resource that wants to hear of the node, and to subscribers. */
void	pep_notify(struct stanza *stanza, const struct pep_node *node, struct element *message);
/* That an item stands there now, or not any more. */
void	pep_notify_item(struct stanza *stanza, const struct pep_node *node, struct slice id);
/* Of op->also. */
void	pep_notify_also(struct stanza *stanza, const struct turn_op *op);
/* To one subscriber alone. */
void	pep_notify_one(struct stanza *stanza, const struct pep_node *node, struct slice subscriber,
	    struct element *message);
