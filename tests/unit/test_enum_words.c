// SPDX-License-Identifier: BSD-2-Clause
/* Enumerations of kernels that are made here, and of the one that runs. */
#include "user/enum_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>
#include <cmocka.h>
#include <errno.h>

#include "user/kernel.h"

/* before and after what is looked for, and in names that hold it */
static struct btf *make_btf(void)
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	assert_true(btf__add_int(btf, "int", 4, BTF_INT_SIGNED) > 0);
	/* declared, and told later */
	assert_true(btf__add_enum(btf, "drop_reason", 4) > 0);
	assert_true(btf__add_enum(btf, NULL, 4) > 0);
	assert_int_equal(btf__add_enum_value(btf, "MIB_NUM", 0), 0);
	assert_int_equal(btf__add_enum_value(btf, "MIB_LISTENOVERFLOWSX", 21), 0);
	assert_int_equal(btf__add_enum_value(btf, "MIB_LISTENOVERFLOWS", 22), 0);
	assert_true(btf__add_enum(btf, "drop_reason", 4) > 0);
	assert_int_equal(btf__add_enum_value(btf, "NOT_DROPPED_YET", 0), 0);
	assert_int_equal(btf__add_enum_value(btf, "DROP_NOT_SPECIFIED", 2), 0);
	assert_int_equal(btf__add_enum_value(btf, "DROP_NETFILTER", 9), 0);
	assert_int_equal(btf__add_enum_value(btf, "DROP_FIREWALL", 9), 0);
	assert_int_equal(btf__add_enum_value(btf, "DROP_", 10), 0);
	assert_int_equal(btf__add_enum_value(btf, "XDROP_", 11), 0);
	assert_int_equal(btf__add_enum_value(btf, "DROP_MASK", 0xffff0000), 0);
	assert_true(btf__add_enum64(btf, "wide", 8, false) > 0);
	assert_int_equal(btf__add_enum64_value(btf, "WIDE_TOP", 1ULL << 63), 0);
	assert_int_equal(btf__add_enum64_value(btf, "WIDE_ONE", 1), 0);
	assert_true(btf__add_enum(btf, "signed", 4) > 0);
	assert_int_equal(btf__add_enum_value(btf, "SIGNED_LOW", -1), 0);
	assert_int_equal(btf__add_enum_value(btf, "SIGNED_HIGH", 1), 0);
	assert_true(btf__add_struct(btf, "plain", 4) > 0);
	return btf;
}

static void test_words(void **state)
{
	struct enum_words words = { 0 };
	struct btf *btf = make_btf();

	(void)state;
	assert_int_equal(enum_words_open(&words, btf, "drop_reason", "DROP_"), 0);
	/* copies */
	btf__free(btf);
	assert_string_equal(enum_words_find(&words, 0), "NOT_DROPPED_YET");
	assert_null(enum_words_find(&words, 1));
	assert_string_equal(enum_words_find(&words, 2), "NOT_SPECIFIED");
	assert_string_equal(enum_words_find(&words, 9), "NETFILTER");
	/* nothing would be left, and not at the beginning */
	assert_string_equal(enum_words_find(&words, 10), "DROP_");
	assert_string_equal(enum_words_find(&words, 11), "XDROP_");
	assert_string_equal(enum_words_find(&words, 0xffff0000), "MASK");
	assert_null(enum_words_find(&words, 0xffffffffffff0000));
	enum_words_close(&words);
	assert_null(enum_words_find(&words, 2));
	enum_words_close(&words);
}

static void test_widths(void **state)
{
	struct btf *btf = make_btf();
	struct enum_words words;

	(void)state;
	assert_int_equal(enum_words_open(&words, btf, "wide", ""), 0);
	assert_string_equal(enum_words_find(&words, 1ULL << 63), "WIDE_TOP");
	assert_string_equal(enum_words_find(&words, 1), "WIDE_ONE");
	enum_words_close(&words);
	assert_int_equal(enum_words_open(&words, btf, "signed", "SIGNED_"), 0);
	assert_string_equal(enum_words_find(&words, UINT64_MAX), "LOW");
	assert_string_equal(enum_words_find(&words, 1), "HIGH");
	enum_words_close(&words);
	btf__free(btf);
}

static void test_missing(void **state)
{
	struct enum_words words = { .count = 99 };
	struct btf *btf = make_btf();

	(void)state;
	assert_int_equal(enum_words_open(&words, btf, "drop_reasons", ""), -ENOENT);
	assert_int_equal(enum_words_open(&words, btf, "plain", ""), -ENOENT);
	assert_int_equal(enum_words_open(&words, btf, "int", ""), -ENOENT);
	assert_int_equal(words.count, 99);
	btf__free(btf);
}

static void test_value(void **state)
{
	struct kernel kernel = { .btf = make_btf() };

	(void)state;
	assert_int_equal(kernel_enum_value(&kernel, "MIB_LISTENOVERFLOWS"), 22);
	assert_int_equal(kernel_enum_value(&kernel, "MIB_NUM"), 0);
	assert_int_equal(kernel_enum_value(&kernel, "DROP_NETFILTER"), 9);
	assert_int_equal(kernel_enum_value(&kernel, "WIDE_ONE"), 1);
	assert_int_equal(kernel_enum_value(&kernel, "MIB_LISTENOVERFLOW"), -ENOENT);
	assert_int_equal(kernel_enum_value(&kernel, "plain"), -ENOENT);
	assert_int_equal(kernel_enum_value(&kernel, ""), -ENOENT);
	kernel_close(&kernel);
}

static void test_this_kernel(void **state)
{
	struct enum_words words;
	struct kernel kernel;

	(void)state;
	if (kernel_open(&kernel, NULL))
		skip();
	assert_in_range(kernel_enum_value(&kernel, "LINUX_MIB_LISTENOVERFLOWS"), 10, 60);
	assert_int_equal(kernel_enum_value(&kernel, "LINUX_MIB_LISTENOVERFLOWED"), -ENOENT);
	/* since 5.17 */
	if (enum_words_open(&words, kernel.btf, "skb_drop_reason", "SKB_DROP_REASON_") == 0) {
		long value = kernel_enum_value(&kernel, "SKB_DROP_REASON_NOT_SPECIFIED");

		assert_string_equal(enum_words_find(&words, value), "NOT_SPECIFIED");
		enum_words_close(&words);
	}
	kernel_close(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
