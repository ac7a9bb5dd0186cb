/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold of every observation, whatever names it was made of. */
#ifndef KWHY_FUZZ_CHECK_H
#define KWHY_FUZZ_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/kinds.h"
#include "user/ndjson.h"
#include "user/recording.h"
#include "user/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE(CONDITION) ((void)((CONDITION) ? 0 : (fprintf(stderr, "not so: " #CONDITION "\n"), abort(), 0)))

/* knows no field but those the kernel fills, each with a value it can have */
static inline void sane_record(const struct record *record, char *data, size_t seen)
{
	size_t at = sizeof(uint64_t);
	uint32_t i = 0;

	for (; i < record->field_count && at < seen; at += record->fields[i++].span) {
		const struct field *field = &record->fields[i];
		uint64_t value;

		if (!field_known(data, i)) {
			memset(data + at, 0, field->span);
			continue;
		}
		if (field->meaning == MEANING_text) {
			size_t length = strnlen(data + at, field->size - 1);

			memset(data + at + length, 0, field->size - length);
			continue;
		}
		memcpy(&value, data + at, sizeof(value));
		if (field->meaning == MEANING_flag)
			value &= 1;
		else if (field->meaning == MEANING_choice)
			value = 1 + value % (field->max - 1);
		else if (field->meaning == MEANING_number)
			value = (uint64_t)((int64_t)value >> 32);
		else
			value >>= 16;
		memcpy(data + at, &value, sizeof(value));
	}
	for (; i < 64; i++)
		field_set_known(data, i, false);
}

static inline void check_people(const char *name, struct observation *o, struct verdict *v)
{
	static const struct style style = { .width = 80, .utc = true };
	static char out[64 * 1024];
	struct text text = TEXT_ON(out);

	renderer_find(name)->observation(&text, &style, o, v);
	REQUIRE(!text.cut && text.length == strlen(out));
	for (size_t i = 0; i < text.length;) {
		uint32_t point = 0;
		size_t n = utf8_decode(out + i, text.length - i, &point);

		REQUIRE(n > 0 && (point >= 0x20 || point == '\n') && (point < 0x7f || point > 0x9f));
		i += n;
	}
}

/* behind the end of a list there may be what was dropped from it: as JSON, not as bytes */
static inline void same_json(const struct record *record, const void *a, const void *b)
{
	static char first[256 * 1024], second[256 * 1024];
	struct text one = TEXT_ON(first), two = TEXT_ON(second);

	json_record(&one, record, a);
	json_record(&two, record, b);
	REQUIRE(!one.cut && strcmp(first, second) == 0);
}

/* as emit.c writes it: a whole line that fits, and that is read again */
static inline void check_line(struct observation *o, struct verdict *v)
{
	static char out[LINE_BYTES + 1024];
	static struct observation read;
	struct text text = TEXT_ON(out);
	const char *reason;

	ndjson_observation(&text, o, v);
	REQUIRE(!text.cut);
	REQUIRE(text.length <= LINE_BYTES);
	REQUIRE(out[text.length - 1] == '\n');
	REQUIRE(recording_read(out, text.length - 1, &read, &reason) == RECORDING_OBSERVATION);
	same_json(kind_record(o->kind), kind_part(&read), kind_part(o));
	same_json(&process_record, &read.process, &o->process);
	same_json(&cgroup_record, &read.cgroup, &o->cgroup);
}

#endif
