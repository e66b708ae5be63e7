/* features_caps_test.c -- facts about verification strings: the XEP's examples, what is ill-formed, what is wanted. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "features/caps.h"
#include "xml/fragment.h"

#define QUERY(inside)                                                               \
	"<query xmlns='http://jabber.org/protocol/disco#info'>" inside "</query>"

#define FEATURES                                                                    \
	"<feature var='http://jabber.org/protocol/muc'/>"                           \
	"<feature var='http://jabber.org/protocol/disco#items'/>"                   \
	"<feature var='http://jabber.org/protocol/caps'/>"                          \
	"<feature var='http://jabber.org/protocol/disco#info'/>"

#define FORM_TYPE(value)                                                            \
	"<field var='FORM_TYPE' type='hidden'><value>" value "</value></field>"

#define FORM(inside) "<x xmlns='jabber:x:data' type='result'>" inside "</x>"

static struct arena arena;

static struct slice
hash_of(const char *function, const char *text)
{
	struct element *query = fragment_read(&arena, slice_from_text(text));

	assert_non_null(query);
	return caps_hash(&arena, slice_from_text(function), query);
}

static void
the_simple_example_has_its_hash(void **state)
{
	assert_slice(hash_of("sha-1",
			 QUERY("<identity category='client' type='pc' name='Exodus 0.9.1'/>" FEATURES)),
	    "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

static void
the_complex_example_has_its_hash(void **state)
{
	assert_slice(
	    hash_of("sha-1",
		QUERY("<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
		      "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>" FEATURES
		      FORM("<field var='software_version'><value>0.11</value></field>"
			   FORM_TYPE("urn:xmpp:dataforms:softwareinfo")
			   "<field var='os_version'><value>10.5.1</value></field>"
			   "<field var='ip_version'><value>ipv6</value><value>ipv4</value></field>"
			   "<field var='os'><value>Mac</value></field>"
			   "<field var='software'><value>Psi</value></field>"))),
	    "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

/* XEP-0115 5.4 */
static void
what_is_said_twice_is_ill_formed(void **state)
{
	static const char *const texts[] = {
		QUERY("<feature var='a'/><feature var='b'/><feature var='a'/>"),
		QUERY("<identity category='c' type='t'/><identity category='c' type='t'/>"),
		QUERY(FORM(FORM_TYPE("a")) FORM(FORM_TYPE("a"))),
		QUERY(FORM("<field var='FORM_TYPE' type='hidden'><value>a</value><value>b</value></field>")),
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_null(hash_of("sha-1", texts[i]).data);
}

static void
a_form_without_hidden_form_type_does_not_count(void **state)
{
	struct slice plain = hash_of("sha-1", QUERY(FEATURES));

	assert_true(slice_equal(plain,
	    hash_of("sha-1",
		QUERY(FEATURES FORM("<field var='FORM_TYPE'><value>a</value></field>")))));
	assert_true(slice_equal(plain,
	    hash_of("sha-1", QUERY(FEATURES FORM("<field var='b'><value>a</value></field>")))));
}

static void
other_functions_are_known_or_not(void **state)
{
	assert_int_equal(hash_of("sha-256", QUERY(FEATURES)).length, 44);
	assert_int_equal(hash_of("sha-512", QUERY(FEATURES)).length, 88);
	assert_null(hash_of("md5", QUERY(FEATURES)).data);
}

static void
a_node_is_wanted_by_its_whole_name(void **state)
{
	struct slice wanted = SLICE("urn:a\0urn:bb\0");

	assert_true(caps_wants(wanted, SLICE("urn:a")));
	assert_true(caps_wants(wanted, SLICE("urn:bb")));
	assert_false(caps_wants(wanted, SLICE("urn:b")));
	assert_false(caps_wants(wanted, SLICE("")));
	assert_false(caps_wants(SLICE_EMPTY, SLICE("urn:a")));
}

static int
begin(void **state)
{
	arena_init(&arena);
	return 0;
}

static int
end(void **state)
{
	arena_clear(&arena);
	return 0;
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(the_simple_example_has_its_hash),
		FACT(the_complex_example_has_its_hash),
		FACT(what_is_said_twice_is_ill_formed),
		FACT(a_form_without_hidden_form_type_does_not_count),
		FACT(other_functions_are_known_or_not),
		FACT(a_node_is_wanted_by_its_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
