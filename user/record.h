/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of bpf/events as tables: what writes JSON, reads it back, prints
 * the schema and fills random records for tests walks these and nothing else.
 */
#ifndef KWHY_RECORD_H
#define KWHY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "events.h"

enum field_meaning {
	MEANING_bytes,
	MEANING_nsec,
	MEANING_count,
	MEANING_pid,
	MEANING_uid,
	MEANING_flag,
	MEANING_flags,
	MEANING_id,
	MEANING_number,
	MEANING_choice,
	MEANING_text,
	MEANING_words,
	MEANING_numbers,
	MEANING_list,
	MEANING_part,
};

struct record;

/*
 * A record has no holes: the first field follows the known bits, every other
 * the span of the one before. Words, numbers and lists begin with their count.
 */
struct field {
	const char *name;
	const char *doc;
	const char *key;	/* ,"name": as JSON has it */
	uint32_t key_length;
	enum field_meaning meaning;
	uint32_t span;		/* bytes in the record */
	uint32_t size;		/* of one element, or of a text with its NUL */
	uint32_t max;		/* elements; choice: number of words */
	const struct record *record;		/* list, part */
	const char *const *choices;		/* choice: words by value, NULL first */
};

struct record {
	const char *name;
	const char *doc;
	const struct field *fields;
	uint32_t field_count;
	uint32_t size;		/* of the struct */
};

#define RECORD(NAME, DOC) extern const struct record NAME##_record;
#include "events/all.def"

/* Words of the enumerations by value; [0] is NULL. */
#define CHOICES(NAME) extern const char *const NAME##_words[];
#define VALUE(NAME, WORD)
#define END_CHOICES(NAME)
#include "events/choices.def"
#undef CHOICES
#undef VALUE
#undef END_CHOICES

/* Names of the kinds by enum event_kind; [0] is NULL. */
extern const char *const kind_names[KIND_COUNT];

/* The known bits of a record are its first word, in the order of its fields. */
static inline bool field_known(const void *data, unsigned int index)
{
	return *(const uint64_t *)data >> index & 1;
}

static inline void field_set_known(void *data, unsigned int index, bool known)
{
	*(uint64_t *)data = (*(uint64_t *)data & ~(1ULL << index)) | (uint64_t)known << index;
}

#endif
