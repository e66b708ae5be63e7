/* routing_stanza_test.c -- kind and type of a stanza. */
#include "routing/stanza.h"

#include "tests/unit/unit.h"

static bool
classify(const char *name, const char *type, struct stanza *stanza)
{
	struct arena arena;
	bool known;

	arena_init(&arena);
	*stanza = (struct stanza){ .arena = &arena };
	stanza->element = element_new(&arena, NS_CLIENT, name);
	if (type != NULL)
		element_set(&arena, stanza->element, "type", slice_from_text(type));
	known = stanza_classify(stanza);
	arena_clear(&arena);
	return known;
}

static void
every_type_of_the_rfcs_is_known(void **state)
{
	static const struct {
		const char	 *name, *type;
		enum stanza_type expected;
	} rows[] = {
		{ "message", NULL, TYPE_NORMAL }, { "message", "normal", TYPE_NORMAL },
		{ "message", "chat", TYPE_CHAT }, { "message", "groupchat", TYPE_GROUPCHAT },
		{ "message", "headline", TYPE_HEADLINE }, { "message", "error", TYPE_ERROR },
		{ "presence", NULL, TYPE_AVAILABLE },
		{ "presence", "unavailable", TYPE_UNAVAILABLE },
		{ "presence", "subscribe", TYPE_SUBSCRIBE },
		{ "presence", "subscribed", TYPE_SUBSCRIBED },
		{ "presence", "unsubscribe", TYPE_UNSUBSCRIBE },
		{ "presence", "unsubscribed", TYPE_UNSUBSCRIBED },
		{ "presence", "probe", TYPE_PROBE }, { "presence", "error", TYPE_ERROR },
		{ "iq", "get", TYPE_GET }, { "iq", "set", TYPE_SET },
		{ "iq", "result", TYPE_RESULT }, { "iq", "error", TYPE_ERROR },
	};
	struct stanza stanza;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(classify(rows[i].name, rows[i].type, &stanza));
		assert_int_equal(stanza.type, rows[i].expected);
	}
}

static void
a_message_of_an_unknown_type_is_normal(void **state)
{
	struct stanza stanza;

	assert_true(classify("message", "shout", &stanza));
	assert_int_equal(stanza.type, TYPE_NORMAL);
}

static void
an_iq_or_presence_of_an_unknown_type_is_wrong(void **state)
{
	struct stanza stanza;

	assert_false(classify("iq", NULL, &stanza));
	assert_false(classify("iq", "put", &stanza));
	assert_false(classify("presence", "here", &stanza));
	assert_false(classify("presence", "available", &stanza));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_of_the_rfcs_is_known),
		cmocka_unit_test(a_message_of_an_unknown_type_is_normal),
		cmocka_unit_test(an_iq_or_presence_of_an_unknown_type_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
