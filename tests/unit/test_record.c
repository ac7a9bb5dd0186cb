// SPDX-License-Identifier: BSD-2-Clause
/* The tables made of bpf/events, and records written as JSON and read back. */
#include "user/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "kinds.h"
#include "user/ndjson.h"
#include "user/recording.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static const struct record *const records[] = {
#define RECORD(NAME, DOC) &NAME##_record,
#include "events/all.def"
};

/* room for any record */
union any {
	uint64_t known;
	struct observation observation;
	struct diagnosis diagnosis;
	struct start start;
	struct stop stop;
	char bytes[128 * 1024];
};

/* ---- tables ------------------------------------------------------------- */

/* One place of a record in C, as a row of the table must describe it. */
static void check_place(const struct record *record, uint32_t n, const void *data, size_t offset, size_t size)
{
	size_t expected = sizeof(uint64_t);

	assert_true(n < record->field_count);
	for (uint32_t i = 0; i < n; i++)
		expected += record->fields[i].span;
	assert_int_equal(offset, expected);
	assert_int_equal(size, record->fields[n].span);
	assert_int_equal(*(const uint64_t *)data, 1ULL << n);
	for (uint32_t i = 0; i < record->field_count; i++)
		assert_int_equal(field_known(data, i), i == n);
}

/* known bit, offset and size of each field, from the compiler */
#define PLACE(NAME, SIZE) \
	memset(r, 0, sizeof(*r)); \
	r->known.NAME = 1; \
	check_place(record, n++, r, at(r, &r->NAME), SIZE);
static size_t at(const void *record, const void *member)
{
	return (const char *)member - (const char *)record;
}

#define RECORD(RECORD_NAME, DOC) static void places_##RECORD_NAME(void) { \
	struct RECORD_NAME *r = calloc(1, sizeof(*r)); const struct record *record = &RECORD_NAME##_record; uint32_t n = 0; \
	assert_non_null(r); assert_int_equal(record->size, sizeof(*r)); assert_string_equal(record->name, #RECORD_NAME);
#define END(NAME) assert_int_equal(n, record->field_count); free(r); }
#define FIELD(MEANING, NAME, DOC) PLACE(NAME, sizeof(uint64_t))
#define CHOICE_NAMED(ENUMERATION, NAME, KEY, DOC) PLACE(NAME, sizeof(uint64_t))
#define TEXT(SIZE, NAME, DOC) PLACE(NAME, SIZE)
#define LISTED(NAME) memset(r, 0, sizeof(*r)); r->known.NAME = 1; \
	check_place(record, n++, r, at(r, &r->NAME##_count), sizeof(r->NAME##_count) + sizeof(r->NAME));
#define WORDS_NAMED(MAX, SIZE, NAME, KEY, DOC) LISTED(NAME)
#define NUMBERS(MAX, NAME, DOC) LISTED(NAME)
#define LIST(LISTED_NAME, MAX, NAME, DOC) LISTED(NAME)
#define PART(PART_NAME, NAME, DOC) PLACE(NAME, sizeof(struct PART_NAME))
#include "events/all.def"

static void test_places(void **state)
{
	(void)state;
#define RECORD(NAME, DOC) places_##NAME();
#include "events/all.def"
}

static void check_field(const struct record *record, uint32_t n)
{
	const struct field *field = &record->fields[n];

	assert_true(*field->name && *field->doc);
	assert_int_equal(strspn(field->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(field->name));
	for (uint32_t i = 0; i < n; i++)
		assert_string_not_equal(record->fields[i].name, field->name);
	assert_true((field->meaning == MEANING_list || field->meaning == MEANING_part) == (field->record != NULL));
	assert_true((field->meaning == MEANING_choice) == (field->choices != NULL));
	if (field->choices)
		assert_null(field->choices[0]);
	for (uint32_t i = 1; field->choices && i < field->max; i++)
		assert_non_null(field->choices[i]);
	if (field->meaning >= MEANING_words && field->meaning <= MEANING_list)
		assert_int_equal(field->span, sizeof(uint64_t) + (size_t)field->max * field->size);
	/* the unit is in the name */
	if (field->meaning == MEANING_nsec)
		assert_non_null(strstr(field->name, "_ns"));
	if (field->meaning == MEANING_bytes && record != &diagnosis_record)
		assert_non_null(strstr(field->name, "bytes"));
}

static void test_tables(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT(records); r++) {
		assert_true(*records[r]->doc);
		assert_true(records[r]->field_count <= 64);
		for (uint32_t i = 0; i < records[r]->field_count; i++)
			check_field(records[r], i);
	}
	for (unsigned int kind = 1; kind < KIND_COUNT; kind++)
		assert_non_null(kind_names[kind]);
	assert_null(kind_names[KIND_NONE]);
}

/* ---- JSON against the table, read by another's parser -------------------- */

static void check_object(const struct record *record, const void *data, const json_t *object);

static void check_string(const json_t *value, const char *string, size_t size)
{
	static char back[16 * 1024];
	struct text text = TEXT_ON(back);

	assert_true(json_is_string(value));
	text_json_bytes(&text, json_string_value(value), json_string_length(value));
	assert_int_equal(text.length, strnlen(string, size));
	assert_memory_equal(back, string, text.length);
}

static void check_scalar(const struct field *field, uint64_t value, const json_t *found)
{
	char expected[32];

	switch (field->meaning) {
	case MEANING_flag:
		assert_true(json_is_boolean(found) && json_is_true(found) == (value != 0));
		return;
	case MEANING_choice:
		assert_string_equal(json_string_value(found), field->choices[value]);
		return;
	case MEANING_flags:
		snprintf(expected, sizeof(expected), "0x%llx", (unsigned long long)value);
		assert_string_equal(json_string_value(found), expected);
		return;
	case MEANING_id:
		snprintf(expected, sizeof(expected), "%llu", (unsigned long long)value);
		assert_string_equal(json_string_value(found), expected);
		return;
	default:
		if (field->meaning == MEANING_bytes && value == BYTES_MAX) {
			assert_string_equal(json_string_value(found), "max");
			return;
		}
		assert_true(json_is_integer(found));
		assert_int_equal(json_integer_value(found), value);
	}
}

static void check_array(const struct field *field, const char *place, const json_t *array)
{
	uint64_t count = *(const uint64_t *)place;
	const char *element = place + sizeof(uint64_t);

	assert_true(json_is_array(array));
	assert_int_equal(json_array_size(array), count);
	for (uint64_t i = 0; i < count; i++, element += field->size) {
		const json_t *value = json_array_get(array, i);

		if (field->meaning == MEANING_list)
			check_object(field->record, element, value);
		else if (field->meaning == MEANING_words)
			check_string(value, element, field->size);
		else
			assert_int_equal(json_integer_value(value), *(const uint64_t *)element);
	}
}

static void check_object(const struct record *record, const void *data, const json_t *object)
{
	const char *place = (const char *)data + sizeof(uint64_t);
	size_t known = 0;

	assert_true(json_is_object(object));
	for (uint32_t i = 0; i < record->field_count; place += record->fields[i++].span) {
		const struct field *field = &record->fields[i];
		const json_t *value = json_object_get(object, field->name);

		assert_true(field_known(data, i) == (value != NULL));
		if (!value)
			continue;
		known++;
		if (field->meaning == MEANING_text)
			check_string(value, place, field->size);
		else if (field->meaning == MEANING_part)
			check_object(field->record, place, value);
		else if (field->meaning >= MEANING_words)
			check_array(field, place, value);
		else
			check_scalar(field, *(const uint64_t *)place, value);
	}
	assert_int_equal(json_object_size(object), known);
}

static void test_json(void **state)
{
	static char data[512 * 1024];
	static union any any;

	(void)state;
	for (size_t r = 0; r < COUNT(records); r++) {
		struct fill fill = { .random = r + 1 };

		assert_true(records[r]->size <= sizeof(any));
		for (unsigned int i = 0; i < 200; i++) {
			struct text text = TEXT_ON(data);
			json_error_t error;
			json_t *object;

			fill.all = i == 0;
			fill_record(&fill, records[r], &any);
			json_record(&text, records[r], &any);
			assert_false(text.cut);
			object = json_loadb(data, text.length, JSON_REJECT_DUPLICATES, &error);
			if (!object)
				fail_msg("%s: %s", records[r]->name, error.text);
			check_object(records[r], &any, object);
			json_decref(object);
		}
	}
}

/* ---- a whole observation, written and read back --------------------------- */

static void fill_observation(struct fill *fill, struct observation *ret, enum event_kind kind)
{
	fill_parts(fill, ret, kind);
	ret->time_ns = random_number(&fill->random, 63);
	ret->boot_ns = random_number(&fill->random, 63);
	ret->seq = random_number(&fill->random, 63);
	fill_string(fill, ret->id, sizeof(ret->id));
	fill_string(fill, ret->host, sizeof(ret->host));
	ret->truncated_count = random_below(&fill->random, COUNT(ret->truncated) + 1);
	for (uint64_t i = 0; i < ret->truncated_count; i++)
		fill_string(fill, ret->truncated[i], sizeof(ret->truncated[i]));
}

static void check_record(const struct record *record, const char *wrote, const char *read)
{
	const char *field = record->name;
	size_t place = sizeof(uint64_t);

	if (memcmp(wrote, read, record->size) == 0)
		return;
	for (uint32_t i = 0; i < record->field_count; place += record->fields[i++].span)
		if (field_known(wrote, i) != field_known(read, i) ||
		    memcmp(wrote + place, read + place, record->fields[i].span) != 0)
			field = record->fields[i].name;
	fail_msg("%s: '%s' is not what was written", record->name, field);
}

static void check_same(const struct observation *wrote, const struct observation *read)
{
	assert_int_equal(read->kind, wrote->kind);
	assert_int_equal(read->time_ns, wrote->time_ns);
	assert_int_equal(read->boot_ns, wrote->boot_ns);
	assert_int_equal(read->seq, wrote->seq);
	assert_string_equal(read->id, wrote->id);
	assert_string_equal(read->host, wrote->host);
	check_record(&process_record, (const char *)&wrote->process, (const char *)&read->process);
	check_record(&cgroup_record, (const char *)&wrote->cgroup, (const char *)&read->cgroup);
	check_record(&container_record, (const char *)&wrote->container, (const char *)&read->container);
	check_record(kind_record(wrote->kind), kind_part((struct observation *)wrote),
		     kind_part((struct observation *)read));
	assert_int_equal(read->truncated_count, wrote->truncated_count);
	assert_memory_equal(read->truncated, wrote->truncated, sizeof(read->truncated));
	assert_memory_equal(read, wrote, sizeof(*read));
}

static void round_trip(struct observation *wrote, struct verdict *verdict, size_t max)
{
	static struct observation read;
	static char data[768 * 1024];
	struct text text = TEXT_ON(data);
	enum recording_line found;
	const char *reason = "";

	ndjson_observation(&text, wrote, verdict);
	assert_false(text.cut);
	assert_int_equal(data[text.length - 1], '\n');
	if (text.length > max)
		fail_msg("a line of %zu bytes", text.length);
	memset(&read, 0x5a, sizeof(read));
	found = recording_read(data, text.length - 1, &read, &reason);
	if (found != RECORDING_OBSERVATION)
		fail_msg("%s: %.200s", reason, data);
	check_same(wrote, &read);
}

static void test_round_trip(void **state)
{
	static struct observation wrote;
	static struct verdict verdict = { .severity = SEVERITY_ERROR };
	struct fill fill = { .random = 11 };

	(void)state;
	for (unsigned int i = 0; i < 1000 * (KIND_COUNT - 1); i++) {
		fill.all = i < 2 * (KIND_COUNT - 1);
		fill.list_max = i % 7;
		fill.text_max = i % 5 ? 20 : 0;
		fill_observation(&fill, &wrote, 1 + i % (KIND_COUNT - 1));
		round_trip(&wrote, &verdict, SIZE_MAX);
	}
}

/* evidence gives way until the line fits, and the observation stays whole */
static void test_round_trip_cut(void **state)
{
	static struct observation wrote;
	static struct verdict verdict = { .severity = SEVERITY_ERROR };
	struct fill fill = { .random = 12, .list_max = 5, .text_max = 16 };
	unsigned int cut = 0;

	(void)state;
	for (unsigned int i = 0; i < 700 * (KIND_COUNT - 1); i++) {
		struct fill words = { .random = i, .all = true, .plain = true };

		fill_observation(&fill, &wrote, 1 + i % (KIND_COUNT - 1));
		wrote.truncated_count = 0;
		memset(wrote.truncated, 0, sizeof(wrote.truncated));
		fill_record(&words, &diagnosis_record, &verdict.diagnosis);
		verdict.diagnosis.advice_count = verdict.diagnosis.verify_count = 1;
		round_trip(&wrote, &verdict, LINE_BYTES);
		if (verdict.diagnosis.evidence_count == COUNT(verdict.diagnosis.evidence))
			continue;
		cut++;
		assert_int_equal(wrote.truncated_count, 1);
		assert_string_equal(wrote.truncated[0], "diagnosis.evidence");
	}
	if (cut < 100) fail_msg("only %u", cut);
}

/* an observation of which nothing is known but that it happened */
static void test_round_trip_empty(void **state)
{
	static struct observation wrote = { .time_ns = 1 };
	static struct verdict verdict = { .severity = SEVERITY_ERROR };

	(void)state;
	for (wrote.kind = 1; wrote.kind < KIND_COUNT; wrote.kind++)
		round_trip(&wrote, &verdict, LINE_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_round_trip_cut),
		cmocka_unit_test(test_round_trip_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
