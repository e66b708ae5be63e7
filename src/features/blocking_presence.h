/* blocking_presence.h -- XEP-0191 3.3 and 3.4: whom a block hides from, and whom its end shows again. */
#pragma once

#include "features/blocking_list.h"
#include "routing/router.h"

/*
 * Behind the stanza, an effect for each contact of the account that the addresses match. hide: contacts that saw its
 * resources see them go. show: they see them again, and it sees the contacts', where no block is left.
 */
void	blocking_hide(struct stanza *stanza, uint64_t account, const struct blocking_list *jids);
void	blocking_show(struct stanza *stanza, uint64_t account, const struct blocking_list *jids);
