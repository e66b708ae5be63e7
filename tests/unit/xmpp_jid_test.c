/* xmpp_jid_test.c -- facts about whole addresses. */
#include "tests/unit/xmpp_support.h"

#include "xmpp/jid.h"

static bool
parse_full(struct arena *arena, struct slice text, struct slice *out)
{
	struct jid jid;
	bool is_good = jid_parse(arena, text, &jid);

	*out = jid.full;
	return is_good;
}

/* Table 1; rows 9 and 10 are one address, 11 is another. */
static void
legal_examples_of_rfc_7622_are_let_through(void **state)
{
	static const struct prepared_row rows[] = {
		{ "juliet@example.com", "juliet@example.com" },
		{ "juliet@example.com/foo", "juliet@example.com/foo" },
		{ "juliet@example.com/foo bar", "juliet@example.com/foo bar" },
		{ "juliet@example.com/foo@bar", "juliet@example.com/foo@bar" },
		{ "foo\\20bar@example.com", "foo\\20bar@example.com" },
		{ "fussball@example.com", "fussball@example.com" },
		{ "fu\u00dfball@example.com", "fu\u00dfball@example.com" },
		{ "\u03c0@example.com", "\u03c0@example.com" },
		{ "\u03a3@example.com/foo", "\u03c3@example.com/foo" },
		{ "\u03c3@example.com/foo", "\u03c3@example.com/foo" },
		{ "\u03c2@example.com/foo", "\u03c2@example.com/foo" },
		{ "king@example.com/\u265a", "king@example.com/\u265a" },
		{ "example.com", "example.com" },
		{ "example.com/foobar", "example.com/foobar" },
		{ "a.example.com/b@example.net", "a.example.com/b@example.net" },
	};

	ASSERT_PREPARES(parse_full, rows);
}

/* Table 2, without its leading space in a resource, which erratum 4560 takes back. */
static void
illegal_examples_of_rfc_7622_are_refused(void **state)
{
	static const struct prepared_row rows[] = {
		{ "\"juliet\"@example.com", NULL },
		{ "foo bar@example.com", NULL },
		{ "@example.com/", NULL },
		{ "henry\u2163@example.com", NULL },
		{ "\u265a@example.com", NULL },
		{ "juliet@", NULL },
		{ "/foobar", NULL },
	};
	static const struct prepared_row erratum[] = {
		{ "juliet@example.com/ foo", "juliet@example.com/ foo" },
	};

	ASSERT_PREPARES(parse_full, rows);
	ASSERT_PREPARES(parse_full, erratum);
}

static void
parts_that_are_there_and_empty_are_refused(void **state)
{
	static const struct prepared_row rows[] = {
		{ "", NULL },	      { "@", NULL },
		{ "/", NULL },	      { "@/", NULL },
		{ "a@/b", NULL },     { "@example.com", NULL },
		{ "a@b/", NULL },     { "example.com/", NULL },
		{ "@b/c", NULL },     { "a@.", NULL },
		{ "a@b@c/d", NULL }, /* the first '@' splits, the domain has the other */
	};

	ASSERT_PREPARES(parse_full, rows);
}

static void
the_first_slash_splits_then_the_first_at_before_it(void **state)
{
	struct arena arena;
	struct jid jid;

	arena_init(&arena);
	assert_true(jid_parse(&arena, SLICE("Juliet@EXAMPLE.com./a/b@C d"), &jid));
	assert_slice(jid.local, "juliet");
	assert_slice(jid.domain, "example.com");
	assert_slice(jid.resource, "a/b@C d");
	assert_slice(jid.bare, "juliet@example.com");
	assert_slice(jid.full, "juliet@example.com/a/b@C d");
	assert_ptr_equal(jid.bare.data, jid.full.data);
	assert_ptr_equal(jid.local.data, jid.full.data);
	assert_ptr_equal(jid.resource.data, jid.full.data + jid.bare.length + 1);
	assert_true(jid_parse(&arena, SLICE("example.com/x@y"), &jid));
	assert_int_equal(jid.local.length, 0);
	assert_slice(jid.domain, "example.com");
	assert_slice(jid.resource, "x@y");
	arena_clear(&arena);
}

static void
a_parsed_jid_outlives_its_text(void **state)
{
	char text[] = "juliet@example.com/balcony";
	struct arena arena;
	struct jid jid;

	arena_init(&arena);
	assert_true(jid_parse(&arena, slice_from_text(text), &jid));
	memset(text, 'x', sizeof(text));
	assert_slice(jid.full, "juliet@example.com/balcony");
	arena_clear(&arena);
}

/* count bytes of c, then text. */
static struct slice
repeat(struct arena *arena, char c, size_t count, const char *text)
{
	char *bytes = arena_alloc(arena, count + strlen(text));

	memset(bytes, c, count);
	memcpy(bytes + count, text, strlen(text));
	return slice_of(bytes, count + strlen(text));
}

static void
each_part_may_have_1023_bytes(void **state)
{
	struct arena arena;
	struct jid jid;
	struct slice domain, text;
	char *dots;

	arena_init(&arena);
	domain = repeat(&arena, 'd', JID_PART_MAX, "");
	dots = (char *)domain.data;
	for (size_t i = 63; i < JID_PART_MAX; i += 64)
		dots[i] = '.';
	text = arena_printf(&arena, SLICE_FMT "@" SLICE_FMT "/" SLICE_FMT,
			    SLICE_ARG(repeat(&arena, 'l', JID_PART_MAX, "")),
			    SLICE_ARG(domain),
			    SLICE_ARG(repeat(&arena, 'r', JID_PART_MAX, "")));
	assert_int_equal(text.length, JID_MAX);
	assert_true(jid_parse(&arena, text, &jid));
	assert_true(slice_equal(jid.full, text));
	assert_true(slice_equal(jid.domain, domain));

	assert_false(jid_parse(&arena, repeat(&arena, 'l', 1024, "@a/b"), &jid));
	text = arena_printf(&arena, "a@b/" SLICE_FMT,
			    SLICE_ARG(repeat(&arena, 'r', 1024, "")));
	assert_false(jid_parse(&arena, text, &jid));
	text = arena_printf(&arena, "a@d." SLICE_FMT "/b", SLICE_ARG(domain));
	assert_false(jid_parse(&arena, text, &jid));
	arena_clear(&arena);
}

static void
utf8_cut_at_the_limit_is_refused_and_not_mended(void **state)
{
	static const char *const tails[] = { "\xc3@b", "\xe2\x99@b", "\xf0\x9f\x90@b" };
	struct arena arena;
	struct jid jid;

	arena_init(&arena);
	for (size_t i = 0; i < COUNT(tails); i++) {
		for (size_t count = 1015; count < 1030; count++)
			assert_false(jid_parse(&arena,
					       repeat(&arena, 'a', count, tails[i]),
					       &jid));
	}
	arena_clear(&arena);
}

static void
a_jid_is_made_of_its_parts(void **state)
{
	struct arena arena;
	struct jid jid, copy;

	arena_init(&arena);
	jid_make(&arena, SLICE("juliet"), SLICE("example.com"), SLICE("balcony"), &jid);
	assert_slice(jid.full, "juliet@example.com/balcony");
	assert_slice(jid.bare, "juliet@example.com");
	assert_false(jid_is_bare(&jid));
	assert_false(jid_is_domain(&jid));
	jid_copy(&arena, &jid, &copy);
	assert_slice(copy.full, "juliet@example.com/balcony");
	assert_slice(copy.resource, "balcony");
	assert_ptr_not_equal(copy.full.data, jid.full.data);
	jid_make(&arena, jid.local, jid.domain, SLICE_EMPTY, &copy);
	assert_slice(copy.full, "juliet@example.com");
	assert_true(jid_is_bare(&copy));
	jid_make(&arena, SLICE_EMPTY, jid.domain, SLICE_EMPTY, &copy);
	assert_slice(copy.full, "example.com");
	assert_slice(copy.bare, "example.com");
	assert_true(jid_is_domain(&copy));
	jid_make(&arena, slice_of(NULL, 0), jid.domain, jid.resource, &copy);
	assert_slice(copy.full, "example.com/balcony");
	arena_clear(&arena);
}

static void
a_prepared_jid_is_split_without_a_copy(void **state)
{
	struct slice text = SLICE("juliet@example.com/a/b@c");
	struct jid jid;

	jid_split(text, &jid);
	assert_ptr_equal(jid.full.data, text.data);
	assert_slice(jid.full, "juliet@example.com/a/b@c");
	assert_slice(jid.bare, "juliet@example.com");
	assert_slice(jid.local, "juliet");
	assert_slice(jid.domain, "example.com");
	assert_slice(jid.resource, "a/b@c");
	jid_split(SLICE("example.com"), &jid);
	assert_true(jid_is_domain(&jid));
	assert_slice(jid.bare, "example.com");
	jid_split(SLICE_EMPTY, &jid);
	assert_true(jid_is_domain(&jid));
	assert_int_equal(jid.domain.length, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_examples_of_rfc_7622_are_let_through),
		cmocka_unit_test(illegal_examples_of_rfc_7622_are_refused),
		cmocka_unit_test(parts_that_are_there_and_empty_are_refused),
		cmocka_unit_test(the_first_slash_splits_then_the_first_at_before_it),
		cmocka_unit_test(a_parsed_jid_outlives_its_text),
		cmocka_unit_test(each_part_may_have_1023_bytes),
		cmocka_unit_test(utf8_cut_at_the_limit_is_refused_and_not_mended),
		cmocka_unit_test(a_jid_is_made_of_its_parts),
		cmocka_unit_test(a_prepared_jid_is_split_without_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
