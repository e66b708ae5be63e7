/* features_csi_test.c -- which stanzas may wait while a client is inactive. */
#include "tests/unit/unit.h"

#include "config/config.h"
#include "features/feature.h"
#include "shm/layout.h"

extern const struct feature csi_feature;

enum { NOW = 0, WAITS = ENTRY_CAN_WAIT, REPLACES = ENTRY_CAN_WAIT | ENTRY_REPLACES };

static struct arena arena;
static struct config config;

static int
setup(void **state)
{
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	arena_clear(&arena);
	return 0;
}

static void
presences_wait_unless_they_ask_for_something(void **state)
{
	static const struct {
		const char *type;
		int	    flags;
	} rows[] = {
		{ NULL, REPLACES },
		{ "unavailable", REPLACES },
		{ "subscribe", NOW },
		{ "subscribed", NOW },
		{ "unsubscribe", NOW },
		{ "unsubscribed", NOW },
		{ "error", NOW },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct element *presence = element_new(&arena, NS_CLIENT, "presence");

		if (rows[i].type != NULL)
			element_set(&arena, presence, "type", slice_from_text(rows[i].type));
		assert_int_equal(csi_feature.flags_of(&config, KIND_PRESENCE, presence), rows[i].flags);
	}
}

static struct element *
message_with(const char *type, enum xml_namespace ns, const char *name)
{
	struct element *message = element_new(&arena, NS_CLIENT, "message");

	if (type != NULL)
		element_set(&arena, message, "type", slice_from_text(type));
	element_add(&arena, message, ns, name);
	return message;
}

static struct element *
copy_of(const char *how, struct element *inner)
{
	struct element *message = message_with("chat", NS_CARBONS, how);
	struct element *forwarded = element_add(&arena, element_first(message), NS_FORWARD,
	    "forwarded");

	element_append(&arena, forwarded, inner);
	return message;
}

static void
messages_wait_unless_somebody_wants_to_see_them(void **state)
{
	static const struct {
		const char	  *type;
		enum xml_namespace ns;
		const char	  *name;
		int		   flags, of_copy;
	} rows[] = {
		{ "chat", NS_CLIENT, "body", NOW, NOW },
		{ NULL, NS_CLIENT, "body", NOW, NOW },
		{ "groupchat", NS_CLIENT, "body", NOW, NOW },
		{ "groupchat", NS_CLIENT, "subject", NOW, NOW },
		{ "chat", NS_OMEMO, "encrypted", NOW, NOW },
		{ NULL, NS_DIRECT_INVITE, "x", NOW, NOW },
		{ "chat", NS_JINGLE_MESSAGE, "propose", NOW, NOW },
		{ "error", NS_CHAT_STATES, "active", NOW, NOW },
		{ "chat", NS_CHAT_STATES, "active", WAITS, WAITS },
		{ "chat", NS_RECEIPTS, "received", WAITS, WAITS },
		{ "chat", NS_MARKERS, "displayed", WAITS, WAITS },
		{ "headline", NS_CLIENT, "body", WAITS, WAITS },
		{ NULL, NS_MUC_USER, "x", WAITS, WAITS },
		{ NULL, NS_DATA_FORMS, "x", WAITS, WAITS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct element *message = message_with(rows[i].type, rows[i].ns, rows[i].name);

		if (csi_feature.flags_of(&config, KIND_MESSAGE, message) != rows[i].flags)
			fail_msg("row %zu", i);
		message = copy_of("received", message);
		if (csi_feature.flags_of(&config, KIND_MESSAGE, message) != rows[i].of_copy)
			fail_msg("row %zu, its copy", i);
	}
}

/* It shows that another device is in use. */
static void
what_the_account_itself_sends_does_not_wait(void **state)
{
	struct element *typing = message_with("chat", NS_CHAT_STATES, "active");

	assert_int_equal(csi_feature.flags_of(&config, KIND_MESSAGE, copy_of("sent", typing)), NOW);
	assert_int_equal(csi_feature.flags_of(&config, KIND_IQ, element_new(&arena, NS_CLIENT, "iq")),
	    NOW);
}

/* Nothing says what was copied: it may be anything, and is judged as it stands. */
static void
a_copy_without_a_message_waits(void **state)
{
	assert_int_equal(csi_feature.flags_of(&config, KIND_MESSAGE,
			     message_with("chat", NS_CARBONS, "received")),
	    WAITS);
}

/* The administrator's list, of elements and of namespaces as a whole. */
static void
what_the_administrator_names_is_told_at_once(void **state)
{
	static const char *const items[] = { "{urn:xmpp:attention:0}attention", "{urn:alert}" };
	static const struct {
		const char *ns;
		const char *name;
		int	    flags;
	} rows[] = {
		{ "urn:xmpp:attention:0", "attention", NOW },
		{ "urn:xmpp:attention:0", "other", WAITS },
		{ "urn:xmpp:attention:0:x", "attention", WAITS },
		{ "urn:alert", "fire", NOW },
		{ "urn:alert2", "fire", WAITS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct element *message = message_with("chat", NS_OTHER, rows[i].name);

		element_first(message)->ns_uri = slice_from_text(rows[i].ns);
		assert_int_equal(csi_feature.flags_of(&config, KIND_MESSAGE, message), WAITS);
		config.csi_important_payloads = (struct option_list){ items, 2 };
		assert_int_equal(csi_feature.flags_of(&config, KIND_MESSAGE, message),
		    rows[i].flags);
		element_set(&arena, message, "type", SLICE("headline"));
		assert_int_equal(csi_feature.flags_of(&config, KIND_MESSAGE, message), WAITS);
		config.csi_important_payloads = (struct option_list){ NULL, 0 };
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(presences_wait_unless_they_ask_for_something),
		TEST(messages_wait_unless_somebody_wants_to_see_them),
		TEST(what_the_account_itself_sends_does_not_wait),
		TEST(a_copy_without_a_message_waits),
		TEST(what_the_administrator_names_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
