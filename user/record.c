// SPDX-License-Identifier: BSD-2-Clause
#include "record.h"

/* bit n of the first word is field n: true where bit-fields start at the low end */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "known bits are read as a number");

#define CHOICES(NAME) const char *const NAME##_words[] = { NULL,
#define VALUE(NAME, WORD) WORD,
#define END_CHOICES(NAME) };
#include "events/choices.def"
#undef CHOICES
#undef VALUE
#undef END_CHOICES

const char *const kind_names[KIND_COUNT] = {
#define KIND(NAME, SYMPTOM, WORD) [KIND_##NAME] = #NAME,
#include "events/all.def"
};

/*
 * Three readings: the size a record must have when it has no holes, the field
 * tables, the records.
 */
#define RECORD(NAME, DOC) enum { NAME##_sum = sizeof(struct NAME##_known)
#define END(NAME) }; _Static_assert((int)sizeof(struct NAME) == (int)NAME##_sum, "hole in " #NAME);
#define FIELD(MEANING, NAME, DOC) + sizeof(uint64_t)
#define CHOICE_NAMED(ENUMERATION, NAME, KEY, DOC) + sizeof(uint64_t)
#define TEXT(SIZE, NAME, DOC) + (SIZE)
#define WORDS_NAMED(MAX, SIZE, NAME, KEY, DOC) + sizeof(uint64_t) + (MAX) * (SIZE)
#define NUMBERS(MAX, NAME, DOC) + sizeof(uint64_t) + (MAX) * sizeof(uint64_t)
#define LIST(RECORD_NAME, MAX, NAME, DOC) + sizeof(uint64_t) + (MAX) * sizeof(struct RECORD_NAME)
#define PART(RECORD_NAME, NAME, DOC) + sizeof(struct RECORD_NAME)
#include "events/all.def"

#define KEYED(KEY) .name = KEY, .key = ",\"" KEY "\":", .key_length = sizeof(KEY) + 3
#define RECORD(NAME, DOC) static const struct field NAME##_fields[] = {
#define END(NAME) };
#define FIELD(MEANING, NAME, DOC) { KEYED(#NAME), .doc = DOC, .meaning = MEANING_##MEANING, \
	.span = sizeof(uint64_t) },
#define CHOICE_NAMED(ENUMERATION, NAME, KEY, DOC) { KEYED(KEY), .doc = DOC, .meaning = MEANING_choice, \
	.span = sizeof(uint64_t), .choices = ENUMERATION##_words, \
	.max = sizeof(ENUMERATION##_words) / sizeof(char *) },
#define TEXT(SIZE, NAME, DOC) { KEYED(#NAME), .doc = DOC, .meaning = MEANING_text, \
	.span = SIZE, .size = SIZE },
#define WORDS_NAMED(MAX, SIZE, NAME, KEY, DOC) { KEYED(KEY), .doc = DOC, .meaning = MEANING_words, \
	.span = sizeof(uint64_t) + (MAX) * (SIZE), .size = SIZE, .max = MAX },
#define NUMBERS(MAX, NAME, DOC) { KEYED(#NAME), .doc = DOC, .meaning = MEANING_numbers, \
	.span = sizeof(uint64_t) * (1 + (MAX)), .size = sizeof(uint64_t), .max = MAX },
#define LIST(RECORD_NAME, MAX, NAME, DOC) { KEYED(#NAME), .doc = DOC, .meaning = MEANING_list, \
	.span = sizeof(uint64_t) + (MAX) * sizeof(struct RECORD_NAME), \
	.size = sizeof(struct RECORD_NAME), .max = MAX, .record = &RECORD_NAME##_record },
#define PART(RECORD_NAME, NAME, DOC) { KEYED(#NAME), .doc = DOC, .meaning = MEANING_part, \
	.span = sizeof(struct RECORD_NAME), .record = &RECORD_NAME##_record },
#include "events/all.def"

#define RECORD(NAME, DOC) const struct record NAME##_record = { #NAME, DOC, NAME##_fields, \
	sizeof(NAME##_fields) / sizeof(struct field), sizeof(struct NAME) };
#include "events/all.def"
