/* config_address_test.c -- where to listen, in text. */
#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "unit.h"

static void
a_star_means_both_families(void **state)
{
	struct sockaddr_storage found[ADDRESS_MAX];
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&found[0];
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&found[1];
	const char *why = NULL;

	assert_int_equal(address_read(SLICE("*:5222"), found, &why), 2);
	assert_int_equal(ipv6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(ipv6->sin6_port), 5222);
	assert_memory_equal(&ipv6->sin6_addr, &in6addr_any, sizeof(in6addr_any));
	assert_int_equal(ipv4->sin_family, AF_INET);
	assert_int_equal(ntohs(ipv4->sin_port), 5222);
	assert_int_equal(ipv4->sin_addr.s_addr, htonl(INADDR_ANY));
}

static void
an_address_means_itself(void **state)
{
	struct sockaddr_storage found[ADDRESS_MAX];
	const char *why = NULL;

	assert_int_equal(address_read(SLICE("192.0.2.1:1"), found, &why), 1);
	assert_int_equal(((struct sockaddr_in *)&found[0])->sin_addr.s_addr,
	    htonl(0xc0000201));
	assert_int_equal(address_read(SLICE("[::1]:65535"), found, &why), 1);
	assert_int_equal(ntohs(((struct sockaddr_in6 *)&found[0])->sin6_port), 65535);
	assert_memory_equal(&((struct sockaddr_in6 *)&found[0])->sin6_addr, &in6addr_loopback,
	    sizeof(in6addr_loopback));
}

static void
anything_else_is_refused_with_a_reason(void **state)
{
	static const char *const texts[] = { "", ":", "*", "5222", "*:", "*:0", "*:65536",
		"*:+5", "*:-5", "*: 5", "*:5x", "*:99999999999999999999", ":5222", "::1:5222",
		"[::1]", "[]:5", "[::1:5", "::1]:5", "[192.0.2.1]:5", "[*]:5", "1.2.3:5",
		"1.2.3.4.5:5", "example.org:5", "[::1%lo]:5", " 1.2.3.4:5", "1.2.3.4 :5",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:5" };
	struct sockaddr_storage found[ADDRESS_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *why = NULL;

		assert_int_equal(address_read(slice_from_text(texts[i]), found, &why), 0);
		assert_non_null(why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_star_means_both_families),
		cmocka_unit_test(an_address_means_itself),
		cmocka_unit_test(anything_else_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
