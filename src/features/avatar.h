/* avatar.h -- XEP-0398: the picture of an account is one, in its nodes, its card and its presence. */
#pragma once

/*
 * It is kept in the account's nodes (XEP-0084), and shown in the card to whoever may read them. What a client puts
 * into the card is published there.
 */

#include "routing/stanza.h"

struct server;

/* From the handler of a get: the card as it is shown; NULL where there is neither card nor picture. */
struct element *avatar_in_card(struct stanza *stanza, struct element *card);

/* The account's card is committed. */
void	avatar_publish_card(struct stanza *stanza);

/* Before it is kept: whether the card's picture is larger than the option allows. */
bool	avatar_is_too_large(struct stanza *stanza, const struct element *card);

/* --- between avatar.c and avatar_presence.c --- */

enum picture { PICTURE_UNKNOWN, PICTURE_NONE, PICTURE_THERE };

/* What all may know who see the account's presence; the id is in the arena. */
enum picture avatar_of(struct server *server, struct arena *arena, uint64_t account,
		    struct slice *id);

/* From a publish of the account in stanza->account: its presence will tell. */
void	avatar_on_published(struct stanza *stanza, struct slice node);
