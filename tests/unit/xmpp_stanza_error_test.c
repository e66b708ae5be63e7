/* xmpp_stanza_error_test.c -- error conditions, and the stanzas that carry them. */
#include "unit.h"

#include "xml/writer.h"
#include "xmpp/stanza_error.h"

static struct arena arena;

static int
clear_arena(void **state)
{
	arena_clear(&arena);
	return 0;
}

static struct element *
stanza(const char *name, const char *type)
{
	struct element *element = element_new(&arena, NS_CLIENT, name);

	element_set(&arena, element, "from", SLICE("romeo@a.lit/x"));
	element_set(&arena, element, "to", SLICE("juliet@a.lit"));
	element_set(&arena, element, "id", SLICE("7"));
	if (type != NULL)
		element_set(&arena, element, "type", slice_from_text(type));
	return element;
}

static void
assert_reply(struct element *reply, const char *expected)
{
	char out[512];
	size_t length = writer_write(reply, NS_CLIENT, out, sizeof(out));

	assert_slice(slice_of(out, length), expected);
}

static void
every_condition_has_a_name_and_a_type(void **state)
{
	static const char *const types[] = { "auth", "cancel", "continue", "modify", "wait" };

	for (int i = 1; i < STANZA_CONDITION_COUNT; i++) {
		const char *type = stanza_condition_type((enum stanza_condition)i);
		int known = 0;

		assert_non_null(stanza_condition_name((enum stanza_condition)i));
		for (size_t j = 0; j < sizeof(types) / sizeof(*types); j++)
			known += strcmp(type, types[j]) == 0;
		assert_int_equal(known, 1);
	}
	for (int i = 1; i < STREAM_CONDITION_COUNT; i++)
		assert_non_null(stream_condition_name((enum stream_condition)i));
	assert_string_equal(stanza_condition_name(STANZA_UNEXPECTED_REQUEST),
	    "unexpected-request");
	assert_string_equal(stream_condition_name(STREAM_UNSUPPORTED_VERSION),
	    "unsupported-version");
}

static void
a_reply_goes_back_with_the_same_id(void **state)
{
	assert_reply(stanza_error_reply(&arena, stanza("iq", "get"),
	    STANZA_SERVICE_UNAVAILABLE, NULL),
	    "<iq from='juliet@a.lit' to='romeo@a.lit/x' id='7' type='error'>"
	    "<error type='cancel'><service-unavailable "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
}

static void
a_text_says_its_language(void **state)
{
	assert_reply(stanza_error_reply(&arena, stanza("message", NULL), STANZA_BAD_REQUEST,
	    "no <body>"),
	    "<message from='juliet@a.lit' to='romeo@a.lit/x' id='7' type='error'>"
	    "<error type='modify'><bad-request "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>no &lt;body&gt;"
	    "</text></error></message>");
}

static void
what_is_absent_stays_absent(void **state)
{
	assert_reply(stanza_error_reply(&arena, element_new(&arena, NS_CLIENT, "presence"),
	    STANZA_GONE, NULL),
	    "<presence type='error'><error type='cancel'><gone "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");
}

static void
errors_and_results_are_not_answered(void **state)
{
	static const char *const names[] = { "iq", "message", "presence" };

	for (int i = 0; i < 3; i++)
		assert_null(stanza_error_reply(&arena, stanza(names[i], "error"),
		    STANZA_CONFLICT, NULL));
	assert_null(stanza_error_reply(&arena, stanza("iq", "result"), STANZA_CONFLICT,
	    NULL));
	assert_non_null(stanza_error_reply(&arena, stanza("message", "result"),
	    STANZA_CONFLICT, NULL));
}

static void
a_reply_needs_nothing_of_the_stanza(void **state)
{
	struct element *request, *reply;
	struct arena other;

	request = stanza("iq", "set");
	arena_init(&other);
	reply = stanza_error_reply(&other, request, STANZA_CONFLICT, NULL);
	arena_clear(&arena);
	assert_reply(reply,
	    "<iq from='juliet@a.lit' to='romeo@a.lit/x' id='7' type='error'>"
	    "<error type='cancel'><conflict "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
	arena_clear(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_condition_has_a_name_and_a_type),
		cmocka_unit_test(a_reply_goes_back_with_the_same_id),
		cmocka_unit_test(a_text_says_its_language),
		cmocka_unit_test(what_is_absent_stays_absent),
		cmocka_unit_test(errors_and_results_are_not_answered),
		cmocka_unit_test(a_reply_needs_nothing_of_the_stanza),
	};

	arena_init(&arena);
	return cmocka_run_group_tests(tests, NULL, clear_arena);
}
