/* features_content_test.c -- facts about what a message carries, and which is worth keeping. */
#include "tests/unit/unit.h"

#include "features/content.h"

static struct arena arena;

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

#define MOST 3

struct child {
	enum xml_namespace ns;
	const char	  *name;
};

#define BODY	{ NS_CLIENT, "body" }
#define TYPING	{ NS_CHAT_STATES, "composing" }
#define HINT(x) { NS_HINTS, x }

static unsigned
content(const struct child *children)
{
	struct element *message = element_new(&arena, NS_CLIENT, "message");

	for (int i = 0; i < MOST && children[i].name != NULL; i++)
		element_add(&arena, message, children[i].ns, children[i].name);
	return content_of(message);
}

static void
each_child_is_known_by_its_namespace_and_name(void **state)
{
	static const struct {
		struct child child;
		unsigned     content;
	} rows[] = {
		{ BODY, CONTENT_BODY },
		{ { NS_CLIENT, "subject" }, CONTENT_SUBJECT },
		{ { NS_CLIENT, "thread" }, CONTENT_THREAD },
		{ { NS_CLIENT, "error" }, CONTENT_ERROR },
		{ TYPING, CONTENT_CHAT_STATE },
		{ { NS_RECEIPTS, "request" }, CONTENT_RECEIPT },
		{ { NS_RECEIPTS, "received" }, CONTENT_RECEIPT },
		{ { NS_MARKERS, "displayed" }, CONTENT_MARKER },
		{ { NS_DIRECT_INVITE, "x" }, CONTENT_INVITE },
		{ { NS_MUC_USER, "x" }, CONTENT_ROOM },
		{ { NS_JINGLE_MESSAGE, "propose" }, CONTENT_CALL },
		{ { NS_JINGLE_MESSAGE_1, "accept" }, CONTENT_CALL },
		{ { NS_ENCRYPTION, "encryption" }, CONTENT_ENCRYPTED },
		{ { NS_OMEMO, "encrypted" }, CONTENT_ENCRYPTED },
		{ { NS_OMEMO_2, "encrypted" }, CONTENT_ENCRYPTED },
		{ { NS_OPENPGP, "openpgp" }, CONTENT_ENCRYPTED },
		{ { NS_OPENPGP_OLD, "x" }, CONTENT_ENCRYPTED },
		{ HINT("no-store"), CONTENT_NO_STORE },
		{ HINT("no-permanent-store"), CONTENT_NO_PERMANENT_STORE },
		{ HINT("no-copy"), CONTENT_NO_COPY },
		{ HINT("store"), CONTENT_STORE },
		{ { NS_CARBONS, "private" }, CONTENT_PRIVATE },
		{ { NS_CARBONS, "sent" }, CONTENT_SENT },
		{ { NS_CARBONS, "received" }, CONTENT_RECEIVED },
		{ { NS_DELAY, "delay" }, CONTENT_DELAY },
		{ { NS_CARBONS, "body" }, CONTENT_OTHER },
		{ { NS_CLIENT, "no-store" }, CONTENT_OTHER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child children[MOST] = { rows[i].child };

		if (content(children) != rows[i].content)
			fail_msg("%s: %x", rows[i].child.name, content(children));
	}
}

static void
a_mediated_invitation_is_more_than_news_of_a_room(void **state)
{
	struct element *message = element_new(&arena, NS_CLIENT, "message");
	struct element *x = element_add(&arena, message, NS_MUC_USER, "x");

	element_add(&arena, x, NS_MUC_USER, "invite");
	assert_int_equal(content_of(message), CONTENT_INVITE);
}

static void
conversations_are_kept_and_what_goes_along_with_them_is_not(void **state)
{
	static const struct {
		struct child children[MOST];
		bool	     is_kept;
	} rows[] = {
		{ { BODY }, true },
		{ { { NS_CLIENT, "subject" } }, true },
		{ { BODY, TYPING }, true },
		{ { { NS_OMEMO, "encrypted" } }, true },
		{ { { NS_RECEIPTS, "received" } }, true },
		{ { { NS_CARBONS, "data" } }, true },
		{ { { NS_NONE, NULL } }, false },
		{ { TYPING }, false },
		{ { TYPING, { NS_CLIENT, "thread" } }, false },
		{ { TYPING, HINT("no-copy"), { NS_CARBONS, "private" } }, false },
		{ { { NS_DELAY, "delay" } }, false },
		{ { TYPING, HINT("store") }, true },
		{ { BODY, HINT("no-store") }, false },
		{ { BODY, HINT("no-store"), HINT("store") }, false },
		{ { BODY, HINT("no-permanent-store") }, true },
		{ { TYPING, HINT("no-permanent-store") }, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned found = content(rows[i].children);

		if (content_is_kept(TYPE_CHAT, found) != rows[i].is_kept ||
		    content_is_kept(TYPE_NORMAL, found) != rows[i].is_kept)
			fail_msg("row %zu", i);
		assert_false(content_is_kept(TYPE_HEADLINE, found));
		assert_false(content_is_kept(TYPE_GROUPCHAT, found));
		assert_false(content_is_kept(TYPE_ERROR, found));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(each_child_is_known_by_its_namespace_and_name),
		TEST(a_mediated_invitation_is_more_than_news_of_a_room),
		TEST(conversations_are_kept_and_what_goes_along_with_them_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
