/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers, strings and records for tests: the same seed, the same bytes. */
#ifndef KWHY_TESTS_RANDOM_H
#define KWHY_TESTS_RANDOM_H

#include <stdint.h>
#include <string.h>

#include "user/record.h"

/* splitmix64 */
static inline uint64_t random_next(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint64_t random_below(uint64_t *random, uint64_t end)
{
	return random_next(random) % end;
}

/* every width alike, so that small numbers are not rare */
static inline uint64_t random_number(uint64_t *random, unsigned int bits)
{
	uint64_t width = 1 + random_below(random, bits);

	return random_next(random) & (width == 64 ? ~0ULL : (1ULL << width) - 1);
}

/* How the strings of a record look, and how full it is. */
struct fill {
	uint64_t random;
	bool all;		/* every field is known, every list full */
	bool plain;		/* strings of letters, slashes and blanks */
	uint32_t text_max, list_max;	/* 0: as much as fits */
	unsigned int bits;		/* of quantities; 0: 63 */
};

static inline void fill_string(struct fill *fill, char *to, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz/ -.";
	static const char *const pieces[] = { "\xc3\xa9", "\xe2\x80\xae", "\xf0\x9f\x92\xa9", "\xef\x9f\xbf",
					      "\xef\x9e\x80", "\xc2\x9b", "\xed\xa0\x80", "\"", "\\", "\n" };
	size_t room = fill->text_max && fill->text_max < size ? fill->text_max : size, length = 0;
	size_t end = fill->all ? room - 1 : random_below(&fill->random, room);

	memset(to, 0, size);
	while (length < end) {
		const char *piece = pieces[random_below(&fill->random, 10)];

		if (fill->plain) {
			to[length++] = letters[random_below(&fill->random, sizeof(letters) - 1)];
		} else if (random_below(&fill->random, 4) == 0 && length + strlen(piece) <= end) {
			memcpy(to + length, piece, strlen(piece));
			length += strlen(piece);
		} else {
			to[length++] = 1 + random_below(&fill->random, 255);
		}
	}
}

static inline uint64_t fill_scalar(struct fill *fill, const struct field *field)
{
	unsigned int bits = fill->bits ? fill->bits : 63;

	switch (field->meaning) {
	case MEANING_flag:
		return random_below(&fill->random, 2);
	case MEANING_flags:
	case MEANING_id:
		return random_number(&fill->random, 64);
	case MEANING_number:
		return random_number(&fill->random, bits) * (random_below(&fill->random, 2) ? 1 : ~0ULL);
	case MEANING_choice:
		return 1 + random_below(&fill->random, field->max - 1);
	case MEANING_bytes:
		return random_below(&fill->random, 8) ? random_number(&fill->random, bits) : BYTES_MAX;
	default:
		return random_number(&fill->random, bits);
	}
}

static inline void fill_record(struct fill *fill, const struct record *record, void *data);

static inline void fill_elements(struct fill *fill, const struct field *field, char *at)
{
	uint64_t max = fill->list_max && fill->list_max < field->max ? fill->list_max : field->max;
	uint64_t count = fill->all ? max : random_below(&fill->random, max + 1);
	char *element = at + sizeof(uint64_t);

	memcpy(at, &count, sizeof(count));
	for (uint64_t i = 0; i < count; i++, element += field->size) {
		uint64_t number = random_number(&fill->random, 63);

		if (field->meaning == MEANING_list)
			fill_record(fill, field->record, element);
		else if (field->meaning == MEANING_words)
			fill_string(fill, element, field->size);
		else
			memcpy(element, &number, sizeof(number));
	}
}

/* Random fields become known and get random values; the rest is zero. */
static inline void fill_record(struct fill *fill, const struct record *record, void *data)
{
	char *at = (char *)data + sizeof(uint64_t);

	memset(data, 0, record->size);
	for (uint32_t i = 0; i < record->field_count; at += record->fields[i++].span) {
		const struct field *field = &record->fields[i];
		uint64_t value;

		if (!fill->all && random_below(&fill->random, 4) == 0)
			continue;
		field_set_known(data, i, true);
		if (field->meaning == MEANING_text) {
			fill_string(fill, at, field->size);
		} else if (field->meaning == MEANING_part) {
			fill_record(fill, field->record, at);
		} else if (field->meaning >= MEANING_words) {
			fill_elements(fill, field, at);
		} else {
			value = fill_scalar(fill, field);
			memcpy(at, &value, sizeof(value));
		}
	}
}

#endif
