// SPDX-License-Identifier: BSD-2-Clause
#include "recording.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

static bool read_text(const json_t *value, char *to, size_t size)
{
	struct text text = { .data = to, .size = size };

	if (!json_is_string(value))
		return false;
	memset(to, 0, size);
	text_json_bytes(&text, json_string_value(value), json_string_length(value));
	return true;
}

static bool read_digits(const json_t *value, int base, uint64_t *ret)
{
	const char *digits = json_string_value(value);
	char *end;

	if (!digits || *digits < '0' || *digits > '9')
		return false;
	errno = 0;
	*ret = strtoull(digits, &end, base);
	return !*end && !errno;
}

static bool read_choice(const struct field *field, const json_t *value, uint64_t *ret)
{
	const char *word = json_string_value(value);

	for (uint32_t i = 1; word && i < field->max; i++) {
		if (strcmp(field->choices[i], word) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/*
 * A line with an integer beyond 63 bits is parsed again with integers as real
 * numbers: then those count that a double holds exactly, the others are unknown.
 */
static bool integers_as_real;

static bool read_integer(const json_t *value, bool negative, int64_t *ret)
{
	int64_t number = json_integer_value(value);

	if (integers_as_real && json_is_real(value)) {
		double real = json_real_value(value);

		if (!(real > -9007199254740992.0 && real < 9007199254740992.0) || real != (double)(int64_t)real)
			return false;
		number = real;
	} else if (!json_is_integer(value)) {
		return false;
	}
	if (number < 0 && !negative)
		return false;
	*ret = number;
	return true;
}

static bool read_scalar(const struct field *field, const json_t *value, uint64_t *ret)
{
	switch (field->meaning) {
	case MEANING_flag:
		*ret = json_is_true(value);
		return json_is_boolean(value);
	case MEANING_flags:
		return read_digits(value, 16, ret);
	case MEANING_id:
		return read_digits(value, 10, ret);
	case MEANING_choice:
		return read_choice(field, value, ret);
	case MEANING_number:
		return read_integer(value, true, (int64_t *)ret);
	case MEANING_bytes:
		if (json_is_string(value) && strcmp(json_string_value(value), "max") == 0) {
			*ret = BYTES_MAX;
			return true;
		}
		/* fall through */
	default:
		return read_integer(value, false, (int64_t *)ret);
	}
}

static bool read_record(const struct record *record, const json_t *object, void *data);

static bool read_elements(const struct field *field, const json_t *array, char *at)
{
	uint64_t *count = (uint64_t *)at;
	char *element = at + sizeof(uint64_t);
	const json_t *value;
	size_t i;

	*count = 0;
	if (!json_is_array(array))
		return false;
	json_array_foreach(array, i, value) {
		bool ok;

		if (*count == field->max)
			break;
		if (field->meaning == MEANING_list)
			ok = read_record(field->record, value, element);
		else if (field->meaning == MEANING_words)
			ok = read_text(value, element, field->size);
		else
			ok = read_integer(value, false, (int64_t *)element);
		if (!ok)
			continue;
		++*count;
		element += field->size;
	}
	return true;
}

static bool read_record(const struct record *record, const json_t *object, void *data)
{
	char *at = (char *)data + sizeof(uint64_t);

	memset(data, 0, record->size);
	if (!json_is_object(object))
		return false;
	for (uint32_t i = 0; i < record->field_count; at += record->fields[i++].span) {
		const struct field *field = &record->fields[i];
		const json_t *value = json_object_get(object, field->name);
		uint64_t scalar = 0;
		bool ok;

		if (!value)
			continue;
		if (field->meaning == MEANING_text)
			ok = read_text(value, at, field->size);
		else if (field->meaning == MEANING_part)
			ok = read_record(field->record, value, at);
		else if (field->meaning >= MEANING_words)
			ok = read_elements(field, value, at);
		else
			ok = read_scalar(field, value, &scalar);
		if (ok && scalar)
			*(uint64_t *)at = scalar;
		field_set_known(data, i, ok);
	}
	return true;
}

/* 2026-11-21T10:42:17.305112233Z */
static bool read_time(const json_t *value, uint64_t *ret)
{
	struct tm tm = {};
	const char *end;
	unsigned long ns;
	char *rest;

	if (!json_is_string(value))
		return false;
	end = strptime(json_string_value(value), "%Y-%m-%dT%H:%M:%S.", &tm);
	if (!end || strspn(end, "0123456789") != 9)
		return false;
	ns = strtoul(end, &rest, 10);
	if (strcmp(rest, "Z") != 0 || tm.tm_year < 70)
		return false;
	/* 64 bits of nanoseconds end in 2554 */
	return !__builtin_mul_overflow((uint64_t)timegm(&tm), 1000000000ULL, ret) &&
	       !__builtin_add_overflow(*ret, ns, ret);
}

static enum event_kind kind_find(const char *name)
{
	for (unsigned int kind = 1; kind < KIND_COUNT; kind++)
		if (strcmp(kind_names[kind], name) == 0)
			return kind;
	return KIND_NONE;
}

static void read_kind(struct observation *o, const json_t *line)
{
	switch (o->kind) {
#define KIND(NAME, SYMPTOM, WORD) \
	case KIND_##NAME: read_record(&NAME##_record, json_object_get(line, #NAME), &o->NAME); break;
#include "events/all.def"
	default:
		break;
	}
}

static const char *read_observation(const json_t *line, struct observation *o)
{
	const json_t *value, *truncated = json_object_get(line, "truncated");
	size_t i;

	if (!read_time(json_object_get(line, "time"), &o->time_ns))
		return "its \"time\" is missing or not RFC 3339 with nine digits";
	if (!json_is_object(json_object_get(line, kind_names[o->kind])))
		return "it has no object named after its kind";
	read_integer(json_object_get(line, "boot_ns"), false, (int64_t *)&o->boot_ns);
	read_integer(json_object_get(line, "seq"), false, (int64_t *)&o->seq);
	read_text(json_object_get(line, "id"), o->id, sizeof(o->id));
	read_text(json_object_get(line, "host"), o->host, sizeof(o->host));
	read_record(&process_record, json_object_get(line, "process"), &o->process);
	read_record(&cgroup_record, json_object_get(line, "cgroup"), &o->cgroup);
	read_record(&container_record, json_object_get(line, "container"), &o->container);
	json_array_foreach(truncated, i, value) {
		if (o->truncated_count < sizeof(o->truncated) / sizeof(o->truncated[0]) &&
		    read_text(value, o->truncated[o->truncated_count], sizeof(o->truncated[0])))
			o->truncated_count++;
	}
	read_kind(o, line);
	return NULL;
}

static enum recording_line judge_line(const json_t *line, struct observation *ret, const char **ret_reason)
{
	const char *kind = json_string_value(json_object_get(line, "kind"));

	if (!kind) {
		*ret_reason = "it has no \"kind\"";
		return RECORDING_BAD;
	}
	if (strcmp(kind, "start") == 0 || strcmp(kind, "gap") == 0 || strcmp(kind, "stop") == 0)
		return RECORDING_STREAM;
	ret->kind = kind_find(kind);
	if (ret->kind == KIND_NONE)
		return RECORDING_UNKNOWN;
	*ret_reason = read_observation(line, ret);
	return *ret_reason ? RECORDING_BAD : RECORDING_OBSERVATION;
}

enum recording_line recording_read(const char *line, size_t length, struct observation *ret,
				   const char **ret_reason)
{
	static json_error_t error;
	enum recording_line judged;
	json_t *object;

	memset(ret, 0, sizeof(*ret));
	integers_as_real = false;
	object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	if (!object && json_error_code(&error) == json_error_numeric_overflow) {
		integers_as_real = true;
		object = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
	}
	if (!object) {
		*ret_reason = error.text;
		return RECORDING_BAD;
	}
	judged = judge_line(object, ret, ret_reason);
	json_decref(object);
	return judged;
}
