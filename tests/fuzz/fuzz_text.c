// SPDX-License-Identifier: BSD-2-Clause
/* The escapes on any bytes: JSON and shell words give them back, terminals get nothing that acts. */
#include "user/text.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE(CONDITION) ((void)((CONDITION) ? 0 : (abort(), 0)))

enum { BYTES = 8192, ROOM = 10 * BYTES };

static char out[ROOM], back[ROOM];

static void check_json(const char *bytes, size_t size)
{
	struct text text = TEXT_ON(out), undone = TEXT_ON(back);
	json_error_t error;
	json_t *value;

	text_json(&text, bytes, size);
	REQUIRE(!text.cut && text.length == strlen(out));
	value = json_loadb(out, text.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	REQUIRE(value);
	text_json_bytes(&undone, json_string_value(value), json_string_length(value));
	json_decref(value);
	REQUIRE(undone.length == size && memcmp(back, bytes, size) == 0);
}

/* any string a parser may hand over, also what text_json() never wrote */
static void check_json_bytes(const char *bytes, size_t size)
{
	struct text text = TEXT_ON(out);

	text_json_bytes(&text, bytes, size);
	REQUIRE(!text.cut && text.length <= size);
}

static void check_safe(const char *bytes, size_t size)
{
	struct text text = TEXT_ON(out);

	text_safe(&text, bytes, size);
	REQUIRE(!text.cut && text.length == strlen(out));
	for (size_t i = 0; i < text.length;) {
		uint32_t point = 0;
		size_t n = utf8_decode(out + i, text.length - i, &point);

		REQUIRE(n > 0 && point >= 0x20 && (point < 0x7f || point > 0x9f));
		REQUIRE(point != 0x61c && point != 0xfeff && !(point >= 0x200b && point <= 0x200f));
		REQUIRE(!(point >= 0x2028 && point <= 0x202e) && !(point >= 0x2066 && point <= 0x2069));
		i += n;
	}
}

static int hex(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* what bash makes of 'a'\''b', $'\x1b\'\\' and a plain word; -1: not one word of these forms */
static ssize_t unquote(const char *word, size_t length, char *ret)
{
	size_t n = 0, i = 0;

	if (length >= 3 && word[0] == '$') {
		for (i = 2; i < length && word[i] != '\''; i++) {
			if (word[i] != '\\')
				ret[n++] = word[i];
			else if (word[++i] == 'x')
				ret[n++] = (char)(hex(word[i + 1]) * 16 + hex(word[i + 2])), i += 2;
			else
				ret[n++] = word[i];
		}
		return i + 1 == length ? (ssize_t)n : -1;
	}
	for (bool quoted = false; i < length; i++) {
		if (word[i] == '\'')
			quoted = !quoted;
		else if (!quoted && word[i] == '\\')
			ret[n++] = word[++i];
		else if (!quoted && strchr(" \t\n;&|<>()$`\"*?[]{}~#!", word[i]))
			return -1;
		else
			ret[n++] = word[i];
	}
	return (ssize_t)n;
}

static void check_shell(const char *bytes, size_t size)
{
	struct text text = TEXT_ON(out);

	text_shell(&text, bytes, size);
	REQUIRE(!text.cut && text.length == strlen(out) && text.length > 0);
	for (size_t i = 0; i < text.length; i++)
		REQUIRE(out[i] >= 0x20 && out[i] < 0x7f);
	REQUIRE(unquote(out, text.length, back) == (ssize_t)size);
	REQUIRE(memcmp(back, bytes, size) == 0);
}

static void check_small(const char *bytes, size_t size, size_t room)
{
	static void (*const writers[])(struct text *, const char *, size_t) = {
		text_append, text_json, text_json_bytes, text_safe, text_shell,
	};
	char *small = malloc(room);

	REQUIRE(small);
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		struct text text = { .data = small, .size = room };

		small[0] = '\0';
		writers[i](&text, bytes, size);
		REQUIRE(text.length < room && small[text.length] == '\0');
	}
	REQUIRE(text_copy(small, room, bytes, size) == (size >= room));
	REQUIRE(memchr(small, '\0', room));
	free(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;

	size = size < BYTES ? size : BYTES;
	check_json(bytes, size);
	check_json_bytes(bytes, size);
	check_safe(bytes, size);
	check_shell(bytes, size);
	if (size)
		check_small(bytes + 1, size - 1, 1 + data[0] % 32);
	return 0;
}
