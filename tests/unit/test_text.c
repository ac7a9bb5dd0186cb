// SPDX-License-Identifier: BSD-2-Clause
/* Words for sizes and times, UTF-8, and the escapes every hostile byte goes through. */
#include "user/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "random.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MS 1000000ULL
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void test_buffer(void **state)
{
	char data[8];
	struct text text = TEXT_ON(data);

	(void)state;
	text_add(&text, "abc");
	assert_false(text.cut);
	text_append(&text, "defg", 4);
	assert_string_equal(data, "abcdefg");
	assert_false(text.cut);
	text_add(&text, "h");
	assert_true(text.cut);
	assert_int_equal(text.length, 7);
	text_format(&text, "%d", 7);
	assert_string_equal(data, "abcdefg");
	text = (struct text)TEXT_ON(data);
	text_format(&text, "%s", "0123456789");
	assert_true(text.cut);
	assert_string_equal(data, "0123456");
	assert_int_equal(text.length, 7);
	text = (struct text)TEXT_ON(data);
	text_format(&text, "%s", "0123456");
	assert_false(text.cut);
	text_append(&text, "", 0);
	assert_false(text.cut);
}

static void test_number(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 9, 10, 99, 100, UINT32_MAX, INT64_MAX, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		char data[24], expected[24];
		struct text text = TEXT_ON(data);

		text_number(&text, numbers[i]);
		snprintf(expected, sizeof(expected), "%llu", (unsigned long long)numbers[i]);
		assert_string_equal(data, expected);
	}
}

static void check_bytes(uint64_t bytes, const char *expected)
{
	char data[64];
	struct text text = TEXT_ON(data);

	text_bytes(&text, bytes);
	assert_string_equal(data, expected);
}

static void test_bytes(void **state)
{
	(void)state;
	check_bytes(0, "0 B");
	check_bytes(12, "12 B");
	check_bytes(1023, "1023 B");
	check_bytes(KIB, "1 KiB");
	check_bytes(4096, "4 KiB");
	check_bytes(1536, "1.5 KiB");
	check_bytes(512 * MIB, "512 MiB");
	check_bytes(61 * MIB + 512 * KIB, "61.5 MiB");
	check_bytes(481 * MIB + 300 * KIB, "481 MiB");
	check_bytes(GIB, "1 GiB");
	check_bytes(1024 * GIB, "1 TiB");
	check_bytes(UINT64_MAX, "no limit");
	check_bytes(UINT64_MAX - 1, "16 EiB");
}

/* a carry in rounding goes into the next unit, and into no digit of its own */
static void test_bytes_carry(void **state)
{
	(void)state;
	check_bytes(MIB - 1, "1 MiB");
	check_bytes(GIB - 1, "1 GiB");
	check_bytes(100 * MIB - 1, "100 MiB");
}

static void check_duration(uint64_t ns, const char *expected)
{
	char data[64];
	struct text text = TEXT_ON(data);

	text_duration(&text, ns);
	assert_string_equal(data, expected);
}

static void test_duration(void **state)
{
	(void)state;
	check_duration(0, "0 us");
	check_duration(999, "0 us");
	check_duration(15000, "15 us");
	check_duration(340 * MS, "340 ms");
	check_duration(2400 * MS, "2.4 s");
	check_duration(59 * SECOND + 400 * MS, "59.4 s");
	check_duration(59 * SECOND + 990 * MS, "1 m");
	check_duration(60 * SECOND, "1 m");
	check_duration(12 * MINUTE + 5 * SECOND, "12 m 5 s");
	check_duration(HOUR - 1, "1 h");
	check_duration(2 * HOUR + 40 * MINUTE, "2 h 40 m");
	check_duration(DAY - 1, "1 d");
	check_duration(3 * DAY + 4 * HOUR, "3 d 4 h");
	check_duration(584 * 365 * DAY, "213160 d");
	check_duration(UINT64_MAX, "213503 d 23 h");
}

/* ---- UTF-8 ------------------------------------------------------------- */

static size_t encode(uint32_t point, char *ret)
{
	unsigned char *b = (unsigned char *)ret;

	if (point < 0x80) {
		b[0] = point;
		return 1;
	}
	if (point < 0x800) {
		b[0] = 0xc0 | point >> 6;
		b[1] = 0x80 | (point & 0x3f);
		return 2;
	}
	if (point < 0x10000) {
		b[0] = 0xe0 | point >> 12;
		b[1] = 0x80 | (point >> 6 & 0x3f);
		b[2] = 0x80 | (point & 0x3f);
		return 3;
	}
	b[0] = 0xf0 | point >> 18;
	b[1] = 0x80 | (point >> 12 & 0x3f);
	b[2] = 0x80 | (point >> 6 & 0x3f);
	b[3] = 0x80 | (point & 0x3f);
	return 4;
}

static void test_utf8_every_point(void **state)
{
	(void)state;
	for (uint32_t point = 0; point <= 0x1fffff; point++) {
		bool valid = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
		uint32_t found = ~0U;
		char bytes[4];
		size_t length = encode(point, bytes);

		assert_int_equal(utf8_decode(bytes, length, &found), valid ? length : 0);
		assert_int_equal(found, valid ? point : ~0U);
		for (size_t cut = 0; cut < length; cut++)
			assert_int_equal(utf8_decode(bytes, cut, &found), 0);
	}
}

static void test_utf8_invalid(void **state)
{
	static const char *const invalid[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80", "\xfe", "\xff", "\xc3(", "\xe2(\xa1", "\xe2\x82(", "\xf0\x9f\x92(",
	};
	uint32_t point = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(invalid); i++)
		assert_int_equal(utf8_decode(invalid[i], strlen(invalid[i]), &point), 0);
	assert_int_equal(point, 7);
}

/* ---- JSON -------------------------------------------------------------- */

/* text_json -> a strict parser -> text_json_bytes */
static void check_json(const char *bytes, size_t length)
{
	static char json[8192], back[8192];
	struct text text = TEXT_ON(json), undone = TEXT_ON(back);
	json_error_t error;
	json_t *value;

	text_json(&text, bytes, length);
	assert_false(text.cut);
	for (size_t i = 0; i < text.length; i++)
		assert_true((unsigned char)json[i] >= 0x20 && json[i] != 0x7f);
	value = json_loadb(json, text.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!value)
		fail_msg("%s: %s", error.text, json);
	text_json_bytes(&undone, json_string_value(value), json_string_length(value));
	json_decref(value);
	assert_int_equal(undone.length, length);
	assert_memory_equal(back, bytes, length);
}

static void test_json_words(void **state)
{
	static const struct {
		const char *bytes, *json;
	} rows[] = {
		{ "", "\"\"" },
		{ "a/b c", "\"a/b c\"" },
		{ "\"\\\n\t\r\x01\x7f", "\"\\\"\\\\\\n\\t\\u000d\\u0001\\u007f\"" },
		{ "\xc3\xa9\xf0\x9f\x92\xa9", "\"\xc3\xa9\xf0\x9f\x92\xa9\"" },
		{ "\xff", "\"\\uf7ff\"" },
		{ "\xc3", "\"\\uf7c3\"" },
		{ "\xc3(", "\"\\uf7c3(\"" },
		{ "\xef\x9f\xbf", "\"\\uf7ef\\uf79f\\uf7bf\"" },	/* a genuine U+F7FF */
		{ "\xef\x9d\xbf", "\"\xef\x9d\xbf\"" },			/* U+F77F is none of ours */
		{ "\xed\xa0\x80", "\"\\uf7ed\\uf7a0\\uf780\"" },	/* a surrogate */
		{ "\xc0\xaf", "\"\\uf7c0\\uf7af\"" },			/* overlong */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char data[128];
		struct text text = TEXT_ON(data);

		text_json(&text, rows[i].bytes, strlen(rows[i].bytes));
		assert_string_equal(data, rows[i].json);
		check_json(rows[i].bytes, strlen(rows[i].bytes));
	}
}

/* each byte first, in the middle and last of plain text, sequences and escapes */
static void test_json_every_byte(void **state)
{
	static const char *const around[] = { "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\xa9", "\xef\x9f\xbf",
					      "\xff\xff", "\xe2\x82", "\xf0", "\xef\x9f", "\\u", "\"" };

	(void)state;
	for (unsigned int byte = 0; byte < 256; byte++) {
		for (size_t i = 0; i < COUNT(around); i++) {
			size_t length = strlen(around[i]);

			for (size_t at = 0; at <= length; at++) {
				char bytes[16];

				memcpy(bytes, around[i], at);
				bytes[at] = (char)byte;
				memcpy(bytes + at + 1, around[i] + at, length - at);
				check_json(bytes, length + 1);
			}
		}
		for (unsigned int second = 0; second < 256; second++) {
			const char pair[] = { (char)byte, (char)second };

			check_json(pair, 2);
		}
	}
}

static size_t random_string(uint64_t *random, char *ret, size_t size)
{
	static const char *const pieces[] = { "\xef\x9f", "\xef\x9e", "\xf0\x9f", "\xe2\x80\xae", "\\uf7", "\xed\xa0" };
	size_t length = random_below(random, size - 8), i = 0;
	bool high = random_below(random, 2);

	while (i < length) {
		const char *piece = pieces[random_below(random, COUNT(pieces))];

		if (random_below(random, 8) == 0) {
			memcpy(ret + i, piece, strlen(piece));
			i += strlen(piece);
			continue;
		}
		ret[i++] = (char)(high ? 0x80 | random_next(random) : random_next(random));
	}
	return i;
}

static void test_json_random(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		char bytes[64];

		check_json(bytes, random_string(&random, bytes, sizeof(bytes)));
	}
}

/* ---- terminals ---------------------------------------------------------- */

static bool is_harmful(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||	/* C0, DEL, C1 */
	       point == 0x61c || (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2060 && point <= 0x2069) || point == 0xfeff || (point >= 0xe0000 && point <= 0xe007f);
}

static void check_safe(const char *bytes, size_t length)
{
	char data[2048];
	struct text text = TEXT_ON(data);

	text_safe(&text, bytes, length);
	assert_false(text.cut);
	for (size_t i = 0; i < text.length;) {
		uint32_t point;
		size_t n = utf8_decode(data + i, text.length - i, &point);

		assert_true(n > 0);
		assert_false(is_harmful(point));
		i += n;
	}
}

static void test_safe(void **state)
{
	static const char *const harmful[] = { "\u180e", "\U0001d173", "\U000e0001" };
	char data[64];
	struct text text = TEXT_ON(data);
	uint64_t random = 2;

	(void)state;
	text_safe(&text, "a\x1b[31m\xc3\xa9\xff\u202e", 12);
	assert_string_equal(data, "a\\x1b[31m\xc3\xa9\\xff\\u{202e}");
	for (uint32_t point = 0; point <= 0x10ffff; point++) {
		char bytes[4];

		check_safe(bytes, encode(point, bytes));
	}
	for (unsigned int i = 0; i < 20000; i++) {
		char bytes[64];

		check_safe(bytes, random_string(&random, bytes, sizeof(bytes)));
	}
	/* zero-width characters: text.h promises that none gets through */
	for (size_t i = 0; i < COUNT(harmful); i++) {
		text = (struct text)TEXT_ON(data);
		text_safe(&text, harmful[i], strlen(harmful[i]));
		assert_int_equal(data[0], '\\');
	}
}

/* what does not fit is cut between characters: half of one is no UTF-8 */
static void test_cut(void **state)
{
	(void)state;
	for (size_t size = 2; size < 12; size++) {
		char data[12] = "";
		struct text text = { .data = data, .size = size };

		text_safe(&text, "a\xe2\x82\xac\xf0\x9f\x92\xa9" "b\xc3\xa9", 11);
		for (size_t i = 0; i < text.length;) {
			uint32_t point;
			size_t n = utf8_decode(data + i, text.length - i, &point);

			if (!n)
				fail_msg("cut to %zu bytes inside a character", size - 1);
			i += n;
		}
	}
}

static void test_copy(void **state)
{
	char to[6];

	(void)state;
	assert_false(text_copy(to, sizeof(to), "abcde", 5));
	assert_string_equal(to, "abcde");
	assert_true(text_copy(to, sizeof(to), "abcdef", 6));
	assert_string_equal(to, "abcde");
	assert_true(text_copy(to, sizeof(to), "abcd\xc3\xa9", 6));
	assert_string_equal(to, "abcd");
	assert_true(text_copy(to, sizeof(to), "ab\xf0\x9f\x92\xa9", 6));
	assert_string_equal(to, "ab");
	memset(to, 'x', sizeof(to));
	assert_false(text_copy(to, sizeof(to), "a", 1));
	assert_memory_equal(to, "a\0\0\0\0", 6);
}

/* bytes that are no UTF-8 have no boundary: at most three are given up */
static void test_copy_invalid(void **state)
{
	char to[16];

	(void)state;
	assert_true(text_copy(to, sizeof(to), "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 16));
	assert_true(strlen(to) >= 12);
}

/* ---- shells ------------------------------------------------------------- */

static void test_shell_words(void **state)
{
	static const struct {
		const char *bytes, *word;
	} rows[] = {
		{ "", "''" },
		{ "/sys/fs/cgroup/a.slice", "/sys/fs/cgroup/a.slice" },
		{ "a b", "'a b'" },
		{ "it's", "'it'\\''s'" },
		{ "$(id)`id`", "'$(id)`id`'" },
		{ "a\nb", "$'a\\x0ab'" },
		{ "a\\'\x1b", "$'a\\\\\\'\\x1b'" },
		{ "~root", "'~root'" },
		{ "*", "'*'" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char data[128];
		struct text text = TEXT_ON(data);

		text_shell(&text, rows[i].bytes, strlen(rows[i].bytes));
		assert_string_equal(data, rows[i].word);
	}
}

/* bash gives back the very bytes, for strings of every kind */
static void test_shell_bash(void **state)
{
	enum { STRINGS = 3000 };
	static char expected[STRINGS * 64], got[STRINGS * 64];
	char script[] = "/tmp/kwhy-shell-XXXXXX", command[64];
	int fd = mkstemp(script);
	FILE *file = fdopen(fd, "w");
	uint64_t random = 3;
	size_t length = 0, n;

	(void)state;
	assert_non_null(file);
	for (unsigned int i = 0; i < STRINGS; i++) {
		char bytes[48], word[512];
		struct text text = TEXT_ON(word);
		size_t size = i < 255 ? 1 : random_string(&random, bytes, sizeof(bytes));

		if (i < 255)
			bytes[0] = (char)(i + 1);
		for (size_t at = 0; at < size; at++)
			bytes[at] = bytes[at] ? bytes[at] : 'x';
		text_shell(&text, bytes, size);
		fprintf(file, "printf '%%s\\0' %s\n", word);
		memcpy(expected + length, bytes, size);
		length += size;
		expected[length++] = '\0';
	}
	fclose(file);
	snprintf(command, sizeof(command), "LC_ALL=C /bin/bash %s", script);
	file = popen(command, "r");
	assert_non_null(file);
	n = fread(got, 1, sizeof(got), file);
	assert_int_equal(pclose(file), 0);
	unlink(script);
	assert_int_equal(n, length);
	assert_memory_equal(got, expected, length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bytes_carry),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_utf8_every_point),
		cmocka_unit_test(test_utf8_invalid),
		cmocka_unit_test(test_json_words),
		cmocka_unit_test(test_json_every_byte),
		cmocka_unit_test(test_json_random),
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_invalid),
		cmocka_unit_test(test_shell_words),
		cmocka_unit_test(test_shell_bash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
