/* config_network_test.c -- facts about networks: texts, prefixes, who is inside. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "config/network.h"

static bool
has(const char *network_text, const char *address_text)
{
	struct network network, address;

	assert_true(network_read(slice_from_text(network_text), &network));
	assert_true(network_read(slice_from_text(address_text), &address));
	return network_has(&network, &address);
}

static void
a_prefix_decides_who_is_inside(void **state)
{
	assert_true(has("192.0.2.0/24", "192.0.2.0"));
	assert_true(has("192.0.2.0/24", "192.0.2.255"));
	assert_false(has("192.0.2.0/24", "192.0.3.0"));
	assert_true(has("192.0.2.128/25", "192.0.2.129"));
	assert_false(has("192.0.2.128/25", "192.0.2.127"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_true(has("2001:db8::/32", "2001:db8:ffff::1"));
	assert_false(has("2001:db8::/32", "2001:db9::1"));
	assert_true(has("::/0", "2001:db8::1"));
	assert_true(has("192.0.2.7", "192.0.2.7"));
	assert_false(has("192.0.2.7", "192.0.2.6"));
}

static void
ipv4_is_the_same_by_either_socket(void **state)
{
	struct sockaddr_storage four = { .ss_family = AF_INET }, six = { .ss_family = AF_INET6 };
	struct network a, b;

	inet_pton(AF_INET, "192.0.2.7", &((struct sockaddr_in *)&four)->sin_addr);
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &((struct sockaddr_in6 *)&six)->sin6_addr);
	network_of(&four, &a);
	network_of(&six, &b);
	assert_memory_equal(a.bytes, b.bytes, 16);
	assert_true(network_is_ipv4(&b));
	assert_true(has("192.0.2.0/24", "::ffff:192.0.2.7"));
}

static void
what_counts_as_one_is_cut(void **state)
{
	struct network a, b;

	assert_true(network_read(SLICE("2001:db8:1:2:3:4:5:6"), &a));
	assert_true(network_read(SLICE("2001:db8:1:2::"), &b));
	network_cut(&a, 32, 64);
	assert_memory_equal(a.bytes, b.bytes, 16);
	assert_true(network_read(SLICE("192.0.2.7"), &a));
	assert_true(network_read(SLICE("192.0.2.0"), &b));
	network_cut(&a, 24, 48);
	assert_memory_equal(a.bytes, b.bytes, 16);
}

static void
other_texts_are_no_networks(void **state)
{
	static const char *const texts[] = { "", "/", "/8", "192.0.2.0/", "192.0.2.0/33",
		"192.0.2.1/24", "192.0.2/24", "2001:db8::/129", "2001:db8::1/64", "example.org",
		"192.0.2.0/24/8", "192.0.2.0/-1", "[::1]/128",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111" };
	struct network network;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (network_read(slice_from_text(texts[i]), &network))
			fail_msg("%s", texts[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_decides_who_is_inside),
		cmocka_unit_test(ipv4_is_the_same_by_either_socket),
		cmocka_unit_test(what_counts_as_one_is_cut),
		cmocka_unit_test(other_texts_are_no_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
