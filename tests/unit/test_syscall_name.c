// SPDX-License-Identifier: BSD-2-Clause
/* Names of system calls: the compiler's own numbers, the 32-bit table, and numbers of nothing. */
#include "user/syscall_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

static void check(uint64_t number, bool compat, const char *expected)
{
	char name[64];

	memset(name, 0x5a, sizeof(name));
	syscall_name(name, sizeof(name), number, compat);
	assert_string_equal(name, expected);
}

static void test_native(void **state)
{
	(void)state;
	check(SYS_openat, false, "openat");
	check(SYS_accept4, false, "accept4");
	check(SYS_socket, false, "socket");
	check(SYS_epoll_create1, false, "epoll_create1");
	check(SYS_pidfd_open, false, "pidfd_open");
	check(SYS_openat2, false, "openat2");
#ifdef SYS_open
	check(SYS_open, false, "open");
#endif
}

/* two numbers that mean one thing in one table and something else in the other */
static void test_compat(void **state)
{
	(void)state;
#if defined(__x86_64__)
	check(5, true, "open");
	check(295, true, "openat");
	check(102, true, "socketcall");
	check(5, false, "fstat");
#elif defined(__aarch64__)
	check(5, true, "open");
	check(322, true, "openat");
	check(5, false, "setxattr");
#endif
}

static void test_unknown(void **state)
{
	(void)state;
	check(99999, false, "syscall 99999");
	check(99999, true, "syscall 99999");
	check(0x80000000, false, "syscall 2147483648");
	check((uint64_t)-1, false, "syscall 18446744073709551615");
	/* libseccomp's numbers of what this architecture does not have */
	check((uint64_t)-10001, true, "syscall 18446744073709541615");
	/* not cut to 32 bits */
	check(0x100000000ULL, false, "syscall 4294967296");
}

static void test_room(void **state)
{
	char name[5] = "1234";

	(void)state;
	syscall_name(name, 0, SYS_openat, false);
	assert_string_equal(name, "1234");
	syscall_name(name, sizeof(name), SYS_openat, false);
	assert_string_equal(name, "open");
	syscall_name(name, 1, SYS_openat, false);
	assert_string_equal(name, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_compat),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
