/* pep_config.h -- how a personal node is configured: XEP-0060 8.2 and its publish-options, as one table of fields. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xml/element.h"

enum pep_access { PEP_OPEN, PEP_PRESENCE, PEP_WHITELIST, PEP_ROSTER, PEP_ACCESS_COUNT };
enum pep_send { PEP_SEND_NEVER, PEP_SEND_ON_SUB, PEP_SEND_ON_SUB_AND_PRESENCE, PEP_SEND_COUNT };
enum pep_publish { PEP_PUBLISHERS, PEP_SUBSCRIBERS, PEP_ANYBODY, PEP_PUBLISH_COUNT };

enum pep_flag {
	PEP_PERSIST_ITEMS = 1 << 0,
	PEP_NOTIFY_RETRACT = 1 << 1,
	PEP_NOTIFY_DELETE = 1 << 2,
	PEP_DELIVER_NOTIFICATIONS = 1 << 3,
	PEP_DELIVER_PAYLOADS = 1 << 4,
	PEP_NOTIFY_CONFIG = 1 << 5,
	PEP_NORMAL_MESSAGES = 1 << 6,	/* not headlines */
};

enum pep_text { PEP_TITLE, PEP_DESCRIPTION, PEP_TYPE, PEP_TEXT_COUNT };

#define PEP_ITEMS_MAX UINT32_MAX	/* "max": as many as the server allows */

struct pep_config {
	uint8_t	 access;		/* enum pep_access */
	uint8_t	 send_last;		/* enum pep_send */
	uint8_t	 publish;		/* enum pep_publish */
	uint32_t flags;			/* enum pep_flag */
	uint32_t max_items;
	uint32_t payload_bytes;		/* the largest item; 0: what the server allows */
	struct slice text[PEP_TEXT_COUNT];
	struct slice groups;		/* of the owner's roster, for PEP_ROSTER: a pep_list */
};

/* XEP-0163 5: presence, one item, sent again with presence. Bookmarks are the account's own affair (XEP-0402 3.3). */
void	pep_config_default(struct slice node, struct pep_config *config);

/* ACCESS: the access model is one of XEP-0060's that this server does not have. */
enum pep_form { PEP_FORM_OK, PEP_FORM_INVALID, PEP_FORM_UNSUPPORTED, PEP_FORM_ACCESS };

/*
 * Changes what the form names. form_type: what its FORM_TYPE must be. INVALID: it is no such form; UNSUPPORTED: a
 * field, or a value, that this server does not have. most: items that options allow.
 */
enum pep_form pep_config_submit(struct arena *arena, const struct element *x,
		    const char *form_type, uint32_t most, struct pep_config *config);

bool	pep_config_equal(const struct pep_config *a, const struct pep_config *b, uint32_t most);
/* How many items are kept. */
uint32_t pep_config_items(const struct pep_config *config, uint32_t most);

/* The form that shows it. */
struct element *pep_config_form(struct arena *arena, const struct pep_config *config);
