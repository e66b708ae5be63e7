/* avatar.h -- XEP-0398: the picture of an account is one, in its nodes, its card and its presence. */
#pragma once

/*
 * It is kept in the account's nodes (XEP-0084), and shown in the card to whoever may read them. What a client puts
 * into the card is published there.
 */

#include "routing/stanza.h"

/* From the handler of a get: the card as it is shown; NULL where there is neither card nor picture. */
struct element *avatar_in_card(struct stanza *stanza, struct element *card);

/* The account's card is committed. */
void	avatar_publish_card(struct stanza *stanza);
