/* jid_fuzz.c -- any bytes as an address: what is let through is stable and not too long. */
#include "base/ensure.h"
#include "base/text.h"
#include "xmpp/jid.h"
#include "xmpp/jid_prepare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool prepare(struct arena *arena, struct slice text, struct slice *out);

static bool
is_utf8(struct slice text)
{
	uint32_t state = 0;

	return text_utf8_check(&state, text) && state == 0;
}

static void
check_part(struct arena *arena, prepare *call, struct slice text, size_t most)
{
	struct slice out, again;

	if (!call(arena, text, &out))
		return;
	ensure(out.length > 0 && out.length <= most);
	ensure(is_utf8(text) && is_utf8(out));
	ensure(call(arena, out, &again) && slice_equal(out, again));
}

static void
check_jid(struct arena *arena, struct slice text)
{
	struct jid jid, again;

	if (!jid_parse(arena, text, &jid))
		return;
	ensure(jid.full.length <= JID_MAX);
	jid_split(jid.full, &again);
	ensure(slice_equal(jid.local, again.local));
	ensure(slice_equal(jid.domain, again.domain));
	ensure(slice_equal(jid.resource, again.resource));
	ensure(slice_equal(jid.bare, again.bare));
	ensure(jid_parse(arena, jid.full, &again) && slice_equal(jid.full, again.full));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct arena arena;

	arena_init(&arena);
	check_jid(&arena, text);
	check_part(&arena, jid_prepare_local, text, JID_PART_MAX);
	check_part(&arena, jid_prepare_domain, text, JID_PART_MAX);
	check_part(&arena, jid_prepare_resource, text, JID_PART_MAX);
	check_part(&arena, jid_prepare_password, text, SIZE_MAX);
	arena_clear(&arena);
	return 0;
}
