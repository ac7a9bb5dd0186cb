// SPDX-License-Identifier: BSD-2-Clause
/* Addresses, endpoints and subnets of both families in words. */
#include "user/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

struct address {
	uint8_t bytes[16];
};

/* as the kernel's records have it */
static struct address address(const char *words)
{
	struct address a;
	uint8_t v4[4];

	if (inet_pton(AF_INET6, words, a.bytes) == 1)
		return a;
	if (inet_pton(AF_INET, words, v4) != 1)
		abort();
	address_of_v4(a.bytes, v4);
	return a;
}

static void test_text(void **state)
{
	static const struct {
		const char *words, *text, *endpoint, *subnet;
		bool v4, link_local;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", "10.0.0.1:80", "10.0.0.0/24", true, false },
		{ "0.0.0.0", "0.0.0.0", "0.0.0.0:80", "0.0.0.0/24", true, false },
		{ "255.255.255.255", "255.255.255.255", "255.255.255.255:80", "255.255.255.0/24", true, false },
		{ "::ffff:10.0.3.7", "10.0.3.7", "10.0.3.7:80", "10.0.3.0/24", true, false },
		{ "169.254.169.254", "169.254.169.254", "169.254.169.254:80", "169.254.169.0/24", true, false },
		{ "::", "::", "[::]:80", "::/64", false, false },
		{ "::1", "::1", "[::1]:80", "::/64", false, false },
		{ "fe80::1", "fe80::1", "[fe80::1]:80", "fe80::/64", false, true },
		{ "febf::1", "febf::1", "[febf::1]:80", "febf::/64", false, true },
		{ "fec0::1", "fec0::1", "[fec0::1]:80", "fec0::/64", false, false },
		{ "fe7f::1", "fe7f::1", "[fe7f::1]:80", "fe7f::/64", false, false },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "[2001:db8:1:2:3:4:5:6]:80", "2001:db8:1:2::/64", false, false },
		/* neither mapped: what IPv4 was to be in, and one bit off */
		{ "64:ff9b::10.0.0.1", "64:ff9b::a00:1", "[64:ff9b::a00:1]:80", "64:ff9b::/64", false, false },
		{ "::fffe:10.0.0.1", "::fffe:a00:1", "[::fffe:a00:1]:80", "::/64", false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a = address(rows[i].words);
		char text[48], endpoint[56], subnet[56];

		address_text(text, a.bytes);
		endpoint_text(endpoint, a.bytes, 80);
		subnet_text(subnet, a.bytes);
		assert_string_equal(text, rows[i].text);
		assert_string_equal(endpoint, rows[i].endpoint);
		assert_string_equal(subnet, rows[i].subnet);
		assert_int_equal(address_is_v4(a.bytes), rows[i].v4);
		assert_int_equal(address_is_link_local(a.bytes), rows[i].link_local);
		endpoint_text(endpoint, a.bytes, 0);
		assert_string_equal(endpoint, rows[i].text);
	}
}

static void test_longest(void **state)
{
	struct address a = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	char endpoint[56], subnet[56];

	(void)state;
	endpoint_text(endpoint, a.bytes, 65535);
	assert_string_equal(endpoint, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	subnet_text(subnet, a.bytes);
	assert_string_equal(subnet, "ffff:ffff:ffff:ffff::/64");
}

static void test_subnet_in_place(void **state)
{
	struct address a = address("10.0.3.7"), b = address("2001:db8:1:2:3:4:5:6");

	(void)state;
	subnet_of(a.bytes, a.bytes);
	subnet_of(b.bytes, b.bytes);
	assert_memory_equal(a.bytes, address("10.0.3.0").bytes, 16);
	assert_memory_equal(b.bytes, address("2001:db8:1:2::").bytes, 16);
}

/* whatever the bytes: what is said can be read back, and stays within its room */
static void test_random(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct address a = address(i % 2 ? "0.0.0.0" : "::"), back;
		char text[48 + 8], endpoint[56 + 8];

		for (int n = i % 2 ? 12 : 0; n < 16; n++)
			a.bytes[n] = random_below(&random, 3) ? random_next(&random) : 0;
		memset(text, 0x5a, sizeof(text));
		memset(endpoint, 0x5a, sizeof(endpoint));
		address_text(text, a.bytes);
		endpoint_text(endpoint, a.bytes, random_next(&random));
		back = address(text);
		assert_memory_equal(a.bytes, back.bytes, 16);
		assert_true(strlen(endpoint) < 56);
		assert_int_equal(text[48], 0x5a);
		assert_int_equal(endpoint[56], 0x5a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_subnet_in_place),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
