// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a recorded line: what is taken can be judged and rendered, and
 * the JSON made of it is taken again and says the same.
 */
#include "user/recording.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE(CONDITION) ((void)((CONDITION) ? 0 : (fprintf(stderr, "not so: " #CONDITION "\n"), abort(), 0)))

enum { OUT_BYTES = 256 * 1024 };

static const struct style style = { .width = 80, .utc = true };

static void render(const char *name, struct observation *o, struct verdict *v, char *out)
{
	struct text text = { .data = out, .size = OUT_BYTES };

	out[0] = '\0';
	renderer_find(name)->observation(&text, &style, o, v);
	REQUIRE(!text.cut && text.length && text.length == strlen(out) && out[text.length - 1] == '\n');
}

/* nothing that moves the cursor, and only UTF-8 */
static void check_clean(const char *out)
{
	size_t length = strlen(out);

	for (size_t i = 0; i < length;) {
		uint32_t point = 0;
		size_t n = utf8_decode(out + i, length - i, &point);

		REQUIRE(n > 0);
		REQUIRE(point >= 0x20 || point == '\n');
		REQUIRE(point < 0x7f || point > 0x9f);
		i += n;
	}
}

/* as a pipeline's process has it: a buffer that does not grow */
static void render_small(struct observation *o, struct verdict *v)
{
	for (size_t size = 1; size < 2000; size += 331) {
		char *out = malloc(size);
		struct text text = { .data = out, .size = size };

		out[0] = '\0';
		renderer_find("card")->observation(&text, &style, o, v);
		REQUIRE(text.length < size && text.length == strlen(out));
		free(out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char card[OUT_BYTES], line[OUT_BYTES], json[OUT_BYTES], again[OUT_BYTES];
	static struct observation o;
	static struct verdict v;
	enum recording_line found;
	const char *reason = NULL;

	memset(&o, 0x5a, sizeof(o));
	found = recording_read((const char *)data, size, &o, &reason);
	REQUIRE(found != RECORDING_BAD || (reason && *reason));
	if (found != RECORDING_OBSERVATION)
		return 0;
	diagnose(&o, &v);
	render("card", &o, &v, card);
	render("line", &o, &v, line);
	check_clean(card);
	check_clean(line);
	REQUIRE(strchr(line, '\n') == line + strlen(line) - 1);
	render_small(&o, &v);
	render("json", &o, &v, json);
	REQUIRE(strchr(json, '\n') == json + strlen(json) - 1);
	found = recording_read(json, strlen(json) - 1, &o, &reason);
	if (found != RECORDING_OBSERVATION)
		fprintf(stderr, "%s: %s", reason, json);
	REQUIRE(found == RECORDING_OBSERVATION);
	diagnose(&o, &v);
	render("card", &o, &v, again);
	REQUIRE(strcmp(again, card) == 0);
	render("line", &o, &v, again);
	REQUIRE(strcmp(again, line) == 0);
	render("json", &o, &v, again);
	REQUIRE(strcmp(again, json) == 0);
	return 0;
}

/* end of the JSON value that begins at data: what stands at its own depth before the next , ] or } */
static size_t value_end(const uint8_t *data, size_t size)
{
	unsigned int depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (quoted && data[i] == '\\')
			i++;
		else if (data[i] == '"')
			quoted = !quoted;
		else if (!quoted && (data[i] == '{' || data[i] == '['))
			depth++;
		else if (!quoted && depth && (data[i] == '}' || data[i] == ']'))
			depth--;
		else if (!quoted && !depth && (data[i] == ',' || data[i] == '}' || data[i] == ']'))
			return i;
	}
	return size;
}

/* Bytes alone hardly ever make another good line: mostly a value becomes another one. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static const char *const values[] = {
		"0", "1", "-1", "4096", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.5",
		"true", "false", "null", "\"\"", "\"max\"", "\"global\"", "\"memcg\"", "\"other\"", "\"0x1\"", "\"7\"",
		"\"/a  b/\\u001b'\\uf7ff\"", "\"a\\nb\\u202e\"", "{}", "[]", "[{}]", "[0,\"x\"]", "536870912",
	};
	const char *value = values[seed % (sizeof(values) / sizeof(values[0]))];
	size_t length = strlen(value), at = size ? seed / 64 % size : 0, end;

	while (at < size && data[at] != ':')
		at++;
	if (seed / 32 % 4 == 0 || ++at >= size)
		return LLVMFuzzerMutate(data, size, max_size);
	end = at + value_end(data + at, size - at);
	if (size - (end - at) + length > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	memmove(data + at + length, data + end, size - end);
	memcpy(data + at, value, length);
	return size - (end - at) + length;
}
