/* im_login.c -- logins that bring a roster, the presence of contacts, and theirs to those. */
#include "tests/bench/im.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/bench/split.h"

static const struct im_options *options;
static uint8_t *seen; /* at each user, presence of each */
static uint8_t *has_roster;

static unsigned
sender_of(struct slice element)
{
	char from[32];
	const char *found = memmem(element.data, element.length, " from='", 7);
	size_t prefix = strlen(options->user);

	if (found == NULL)
		return UINT32_MAX;
	found += 7;
	snprintf(from, sizeof(from), "%.*s", (int)(element.data + element.length - found),
		 found);
	if (strncmp(from, options->user, prefix) != 0)
		return UINT32_MAX;
	return (unsigned)strtoul(from + prefix, NULL, 10);
}

static void
note_once(uint8_t *times)
{
	if ((*times)++ == 0)
		chat_counts.received++;
	else
		chat_counts.doubled++;
}

/* Either a contact's at an actor, or an actor's at a contact, or one's own. */
static void
on_presence(const struct peer *peer, struct slice element)
{
	unsigned from = sender_of(element);
	bool is_actor = peer->number >= options->contacts;

	if (!is_actor && (from < options->contacts || from == UINT32_MAX))
		return; /* contacts among themselves, before anything is measured */
	if (from >= options->users || split_tag_has(element, "type=") ||
	    (is_actor && from >= options->contacts && from != peer->number)) {
		chat_counts.damaged++;
		return;
	}
	note_once(&seen[(size_t)peer->number * options->users + from]);
}

static bool
on_element(struct peer *peer, struct slice element)
{
	if (split_is(element, "presence")) {
		on_presence(peer, element);
	} else if (split_is(element, "iq") && peer->number >= options->contacts) {
		if (im_count_text(element, "<item ") != options->entries)
			chat_counts.damaged++;
		note_once(&has_roster[peer->number]);
	}
	return !split_is(element, "stream:error");
}

bool
im_login_run(const struct im_options *given, struct login_options login,
	     struct peer *peers, struct im_figures *figures)
{
	struct usage_set before;

	options = given;
	seen = memory_new((size_t)options->users * options->users);
	has_roster = memory_new(options->users);
	login.on_element = on_element;
	if (!login_all(&login, peers, options->contacts))
		return false;
	im_wait_for_quiet(options);
	chat_expect(0);
	/* The roster; 20 contacts there, and as many that hear of it; and its own. */
	chat_counts.sent = (uint64_t)options->actors * (2 + 2 * options->contacts);
	usage_take(options->server, &before);
	login.greeting =
	    "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>"
	    "<presence/>";
	if (!login_all(&login, peers + options->contacts, options->actors))
		return false;
	chat_drain(UINT64_C(3000000000));
	im_wait_for_quiet(options);
	im_note_usage(options, &before, &figures->out, figures);
	return true;
}
