/* xmpp_domain_test.c -- facts about domainparts. */
#include "tests/unit/xmpp_support.h"

#include "xmpp/domain.h"
#include "xmpp/jid.h"
#include "xmpp/jid_prepare.h"

static void
names_are_ldh_labels(void **state)
{
	static const struct prepared_row rows[] = {
		{ "localhost", "localhost" },
		{ "EXAMPLE.Com", "example.com" },
		{ "a-b.3c.4", "a-b.3c.4" },
		{ "example.com.", "example.com" },
		{ "EXAMPLE.COM.", "example.com" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.256", "192.0.2.256" }, /* a name, by first match */
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ "example.com..", NULL },
		{ ".example.com", NULL },
		{ "a..b", NULL },
		{ "-a.b", NULL },
		{ "a-.b", NULL },
		{ "a.-", NULL },
		{ "a_b", NULL },
		{ "a b", NULL },
		{ "a@b", NULL },
		{ "a:5222", NULL },
		{ "a/b", NULL },
		{ "a\tb", NULL },
		{ "ab--c.d", NULL }, /* reserved */
	};

	ASSERT_PREPARES(jid_prepare_domain, rows);
}

static void
names_are_mapped_as_rfc_5895_says(void **state)
{
	static const struct prepared_row rows[] = {
		{ "fu\u00dfball.example", "fu\u00dfball.example" },
		{ "B\u00dcCHER.example", "b\u00fccher.example" },
		{ "bu\u0308cher.example", "b\u00fccher.example" },
		{ "\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45", "example" },
		{ "\uff21.b", "a.b" },
		{ "\u4e2d\u3002\u56fd", "\u4e2d.\u56fd" },
		{ "a\uff0eb\uff61c", "a.b.c" },
		{ "a.b\u3002", "a.b" },
		{ "\u0391\u03a3.gr", "\u03b1\u03c3.gr" },
		{ "gr.\u0391\u03a3", "gr.\u03b1\u03c3" }, /* not the final sigma */
		{ "a\uff0fb", NULL },
		{ "a\uff20b", NULL },
	};

	ASSERT_PREPARES(jid_prepare_domain, rows);
}

static void
a_labels_become_u_labels(void **state)
{
	static const struct prepared_row rows[] = {
		{ "xn--fuball-cta.example", "fu\u00dfball.example" },
		{ "XN--FUBALL-CTA.example.", "fu\u00dfball.example" },
		{ "www.xn--bcher-kva.example", "www.b\u00fccher.example" },
		{ "xn--tda.xn--tda", "\u00fc.\u00fc" },
		{ "\uff58\uff4e--tda", "\u00fc" },
		{ "xn--", NULL },
		{ "xn--a", NULL },
		{ "xn--abc-", NULL },	  /* ASCII in disguise */
		{ "xn--n3h.com", NULL },  /* a snowman, which IDNA 2008 does not know */
		{ "xn--fuball-ctb", NULL },
		{ "xn--b\u00fccher", NULL },
		{ "xn--tda-", NULL },
		{ "xn--bcher-Kva!", NULL },
	};

	ASSERT_PREPARES(jid_prepare_domain, rows);
}

static void
u_labels_are_those_of_idna_2008(void **state)
{
	static const struct prepared_row rows[] = {
		{ "col\u00b7lega.cat", "col\u00b7lega.cat" },
		{ "a\u00b7b.cat", NULL },
		{ "\u0628\u200c\u0628.example", "\u0628\u200c\u0628.example" },
		{ "\u00fc\u200cb.example", NULL },
		{ "\u2603.com", NULL },
		{ "\U0001f40e.com", NULL },
		{ "\u00fc_", NULL },
		{ "\u00fc b", NULL },
		{ "-\u00fc", NULL },
		{ "\u00fc-", NULL },
		{ "a\u00fc--b", NULL },
		{ "\u0301a", NULL },
		{ "a.\u0301b", NULL },
		{ "\u00fc\u00ad", NULL },
		{ "\u2163.example", NULL },
		{ "\u0378.example", NULL },
	};

	ASSERT_PREPARES(jid_prepare_domain, rows);
}

static void
one_label_from_right_to_left_binds_all(void **state)
{
	static const struct prepared_row rows[] = {
		{ "\u05d0\u05d1.com", "\u05d0\u05d1.com" },
		{ "www.\u05d0\u05d11.com", "www.\u05d0\u05d11.com" },
		{ "\u05d0a.com", NULL },
		{ "1\u05d0.com", NULL },
		{ "1a.\u05d0\u05d1", NULL },
		{ "\u05d0\u05d1.3com", NULL },
		{ "1a.com", "1a.com" },
	};

	ASSERT_PREPARES(jid_prepare_domain, rows);
}

static void
a_nul_does_not_hide_what_follows(void **state)
{
	static const struct slice texts[] = {
		SLICE("a\0b"),	       SLICE("\u00fc\0b"),   SLICE("xn--tda\0b"),
		SLICE("\u00fc\0@\u00fc"), SLICE("[::1\0]"), SLICE("[::1]\0"),
		SLICE("example.com\0"), SLICE("\0"),
	};
	struct arena arena;
	struct slice out;

	arena_init(&arena);
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(jid_prepare_domain(&arena, texts[i], &out));
	arena_clear(&arena);
}

static void
ipv6_literals_have_one_form(void **state)
{
	static const struct prepared_row rows[] = {
		{ "[::1]", "[::1]" },
		{ "[2001:DB8:0:0:0:0:0:1]", "[2001:db8::1]" },
		{ "[2001:db8::0001]", "[2001:db8::1]" },
		{ "[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]" },
		{ "[2001:db8:1111:2222:3333:4444:5555:6666]",
		  "[2001:db8:1111:2222:3333:4444:5555:6666]" },
		{ "[", NULL },
		{ "[]", NULL },
		{ "[::1", NULL },
		{ "[::1].", NULL },
		{ "[::1]:5222", NULL },
		{ "[::g]", NULL },
		{ "[192.0.2.1]", NULL },
		{ "[fe80::1%25eth0]", NULL },
		{ "[v1.a]", NULL },
		{ "::1", NULL },
		{ "[[::1]]", NULL },
		{ "[00000000000000000000000000000000000000000000000000000001::]", NULL },
	};

	ASSERT_PREPARES(jid_prepare_domain, rows);
}

/* count times unit. */
static struct slice
repeat(struct arena *arena, const char *unit, size_t count)
{
	size_t length = strlen(unit);
	char *bytes = arena_alloc(arena, length * count);

	for (size_t i = 0; i < count; i++)
		memcpy(bytes + i * length, unit, length);
	return slice_of(bytes, length * count);
}

static void
labels_have_63_bytes_in_the_dns(void **state)
{
	struct arena arena;
	struct slice out;

	arena_init(&arena);
	assert_true(jid_prepare_domain(&arena, repeat(&arena, "a", 63), &out));
	assert_false(jid_prepare_domain(&arena, repeat(&arena, "a", 64), &out));
	assert_true(jid_prepare_domain(&arena, repeat(&arena, "A", 63), &out));
	assert_false(jid_prepare_domain(&arena, repeat(&arena, "A", 64), &out));
	assert_true(jid_prepare_domain(&arena, repeat(&arena, "\u00fc", 57), &out));
	assert_false(jid_prepare_domain(&arena, repeat(&arena, "\u00fc", 58), &out));
	assert_false(jid_prepare_domain(&arena, repeat(&arena, "\u00fc", 64), &out));
	arena_clear(&arena);
}

static void
names_have_1023_bytes(void **state)
{
	struct arena arena;
	struct slice out, name;

	arena_init(&arena);
	for (size_t count = 127; count <= 511; count++) { /* 254 bytes and more */
		name = repeat(&arena, "a.", count);
		name.length--;
		assert_true(jid_prepare_domain(&arena, name, &out));
		assert_true(slice_equal(out, name));
	}
	name = arena_printf(&arena, SLICE_FMT "b", SLICE_ARG(repeat(&arena, "a.", 511)));
	assert_int_equal(name.length, JID_PART_MAX);
	assert_true(jid_prepare_domain(&arena, name, &out));
	assert_true(slice_equal(out, name));
	name = arena_printf(&arena, SLICE_FMT ".", SLICE_ARG(name));
	assert_true(jid_prepare_domain(&arena, name, &out)); /* without its dot */
	assert_int_equal(out.length, JID_PART_MAX);
	name = arena_printf(&arena, SLICE_FMT "bb", SLICE_ARG(repeat(&arena, "a.", 511)));
	assert_int_equal(name.length, JID_PART_MAX + 1);
	assert_false(jid_prepare_domain(&arena, name, &out));
	arena_clear(&arena);
}

static void
lengths_are_those_of_u_labels(void **state)
{
	struct arena arena;
	struct slice out, name;

	arena_init(&arena);
	name = repeat(&arena, "\u00fc.", 341);
	assert_true(jid_prepare_domain(&arena, name, &out));
	assert_int_equal(out.length, 1022);
	name = arena_printf(&arena, SLICE_FMT "aa", SLICE_ARG(name));
	assert_false(jid_prepare_domain(&arena, name, &out));
	assert_true(jid_prepare_domain(&arena, repeat(&arena, "xn--tda.", 341), &out));
	assert_int_equal(out.length, 1022);
	assert_false(jid_prepare_domain(&arena, repeat(&arena, "xn--tda.", 342), &out));
	assert_false(jid_prepare_domain(&arena, repeat(&arena, "\u4e2d.", 1000), &out));
	arena_clear(&arena);
}

static void
plain_names_come_out_the_long_way_as_they_are(void **state)
{
	static const char *const names[] = {
		"a",
		"example.com",
		"a-b.3c.4",
		"192.0.2.1",
	};
	struct arena arena;
	struct slice out;

	arena_init(&arena);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_true(domain_is_plain(slice_from_text(names[i])));
		assert_true(domain_prepare(&arena, slice_from_text(names[i]), &out));
		assert_slice(out, names[i]);
	}
	assert_false(domain_is_plain(SLICE("xn--tda")));
	assert_false(domain_is_plain(SLICE("a.")));
	assert_false(domain_is_plain(SLICE("A")));
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_ldh_labels),
		cmocka_unit_test(names_are_mapped_as_rfc_5895_says),
		cmocka_unit_test(a_labels_become_u_labels),
		cmocka_unit_test(u_labels_are_those_of_idna_2008),
		cmocka_unit_test(one_label_from_right_to_left_binds_all),
		cmocka_unit_test(a_nul_does_not_hide_what_follows),
		cmocka_unit_test(ipv6_literals_have_one_form),
		cmocka_unit_test(labels_have_63_bytes_in_the_dns),
		cmocka_unit_test(names_have_1023_bytes),
		cmocka_unit_test(lengths_are_those_of_u_labels),
		cmocka_unit_test(plain_names_come_out_the_long_way_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
