// SPDX-License-Identifier: BSD-2-Clause
/* Paths from the names the probes send, whatever the bytes and the sizes, and the texts that are cut to fit a line. */
#include "user/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "user/kinds/fit.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static void test_path(void **state)
{
	static const struct {
		const char *names;
		size_t size;
		unsigned int leaf;
		bool cut;
		const char *path;
	} rows[] = {
		{ "", 0, 0, false, "/" },
		{ "a", 2, 0, false, "/a" },
		{ "b\0a", 4, 0, false, "/a/b" },
		{ "c\0b\0a", 6, 1, false, "/a/b" },
		{ "c\0b\0a", 6, 2, false, "/a" },
		{ "c\0b\0a", 6, 3, false, "/" },
		{ "c\0b\0a", 6, 99, false, "/" },
		{ "b\0a", 4, 0, true, "/.../a/b" },
		{ "", 0, 0, true, "/..." },
		/* the last has no NUL: the record ended within it */
		{ "b\0a", 3, 0, false, "/b" },
		{ "b", 1, 0, false, "/" },
		/* an empty name is a name */
		{ "", 1, 0, false, "/" },
		{ "\0a", 3, 0, false, "/a/" },
		{ "a b\n\xff\0\xc3\xa9", 9, 0, false, "/\xc3\xa9/a b\n\xff" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char data[64];
		struct text text = TEXT_ON(data);

		names_path(&text, rows[i].names, rows[i].size, rows[i].leaf, rows[i].cut);
		assert_string_equal(data, rows[i].path);
		assert_false(text.cut);
	}
}

/* deeper than there are places: the lowest are kept, and nothing is written beyond them */
static void test_deep(void **state)
{
	static char names[400], data[1024];
	struct text text = TEXT_ON(data);

	(void)state;
	for (size_t i = 0; i < sizeof(names); i += 2)
		names[i] = 'x';
	names_path(&text, names, sizeof(names), 0, false);
	assert_int_equal(strncmp(data, "/x/x", 4), 0);
	assert_true(text.length <= 400 && text.length >= 128);
}

/* exact sizes, so that a sanitizer sees the byte behind */
static void test_random(void **state)
{
	uint64_t random = 61;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		size_t size = random_below(&random, 300), room = 1 + random_below(&random, 80);
		char *names = malloc(size ? size : 1), *data = malloc(room);
		struct text text = { .data = data, .size = room };

		assert_non_null(names);
		assert_non_null(data);
		for (size_t n = 0; n < size; n++)
			names[n] = random_below(&random, 5) ? random_next(&random) : 0;
		names_path(&text, names, size, random_below(&random, 4), random_below(&random, 2));
		assert_int_equal(strlen(data), text.length);
		assert_true(text.length < room);
		free(names);
		free(data);
	}
}

static void test_fit_text(void **state)
{
	char text[64];

	(void)state;
	strcpy(text, "/usr/lib/a/long/path/program");
	assert_true(fit_text(text, sizeof(text), 12));
	assert_string_equal(text, "/...path/program");
	assert_false(fit_text(text, sizeof(text), 12));
	strcpy(text, "short");
	assert_false(fit_text(text, sizeof(text), 12));
	assert_string_equal(text, "short");
	/* not half a character; and bytes that are none do not lead it astray */
	strcpy(text, "0123456789\xe2\x82\xac" "abc");
	assert_true(fit_text(text, sizeof(text), 5));
	assert_string_equal(text, "/...abc");
	memset(text, 0x80, 40);
	text[40] = '\0';
	assert_true(fit_text(text, sizeof(text), 20));
	assert_string_equal(text, "/...\x80");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_fit_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
