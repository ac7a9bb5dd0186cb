// SPDX-License-Identifier: BSD-2-Clause
#include "ndjson.h"

#include <string.h>
#include <time.h>

static void json_scalar(struct text *text, const struct field *field, const void *at)
{
	uint64_t value = *(const uint64_t *)at;

	switch (field->meaning) {
	case MEANING_flag:
		text_add(text, value ? "true" : "false");
		break;
	case MEANING_flags:
		text_format(text, "\"0x%llx\"", (unsigned long long)value);
		break;
	case MEANING_id:
		text_format(text, "\"%llu\"", (unsigned long long)value);
		break;
	case MEANING_number:
		text_signed(text, value);
		break;
	case MEANING_choice:
		text_format(text, "\"%s\"", value && value < field->max ? field->choices[value] : "unknown");
		break;
	case MEANING_bytes:
		if (value == BYTES_MAX) {
			text_add(text, "\"max\"");
			break;
		}
		/* fall through */
	default:
		/* parsers take 63 bits; nothing real is larger */
		text_number(text, value > INT64_MAX ? INT64_MAX : value);
	}
}

static void json_elements(struct text *text, const struct field *field, const char *at)
{
	uint64_t count = *(const uint64_t *)at;
	const char *element = at + sizeof(uint64_t);

	text_append(text, "[", 1);
	for (uint64_t i = 0; i < count && i < field->max; i++, element += field->size) {
		if (i)
			text_append(text, ",", 1);
		if (field->meaning == MEANING_list)
			json_record(text, field->record, element);
		else if (field->meaning == MEANING_words)
			text_json(text, element, strnlen(element, field->size));
		else
			text_number(text, *(const uint64_t *)element);
	}
	text_append(text, "]", 1);
}

void json_record(struct text *text, const struct record *record, const void *data)
{
	const char *at = (const char *)data + sizeof(uint64_t);
	bool first = true;

	text_append(text, "{", 1);
	for (uint32_t i = 0; i < record->field_count; at += record->fields[i++].span) {
		const struct field *field = &record->fields[i];

		if (!field_known(data, i))
			continue;
		text_append(text, field->key + first, field->key_length - first);
		first = false;
		switch (field->meaning) {
		case MEANING_text:
			text_json(text, at, strnlen(at, field->size));
			break;
		case MEANING_words:
		case MEANING_numbers:
		case MEANING_list:
			json_elements(text, field, at);
			break;
		case MEANING_part:
			json_record(text, field->record, at);
			break;
		default:
			json_scalar(text, field, at);
		}
	}
	text_append(text, "}", 1);
}

void text_time(struct text *text, uint64_t time_ns)
{
	time_t seconds = time_ns / 1000000000;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	text_digits(text, tm.tm_year + 1900, 4);
	text_append(text, "-", 1);
	text_digits(text, tm.tm_mon + 1, 2);
	text_append(text, "-", 1);
	text_digits(text, tm.tm_mday, 2);
	text_append(text, "T", 1);
	text_digits(text, tm.tm_hour, 2);
	text_append(text, ":", 1);
	text_digits(text, tm.tm_min, 2);
	text_append(text, ":", 1);
	text_digits(text, tm.tm_sec, 2);
	text_append(text, ".", 1);
	text_digits(text, time_ns % 1000000000, 9);
	text_append(text, "Z", 1);
}

static void json_head(struct text *text, const struct line_head *head)
{
	text_add(text, "{\"time\":\"");
	text_time(text, head->time_ns);
	text_format(text, "\",\"kind\":\"%s\",\"severity\":\"%s\",\"message\":", head->kind,
		    severity_words[head->severity]);
	text_json(text, head->message, strlen(head->message));
	if (*head->host) {
		text_add(text, ",\"host\":");
		text_json(text, head->host, strlen(head->host));
	}
	if (head->boot_ns)
		text_format(text, ",\"boot_ns\":%llu", (unsigned long long)head->boot_ns);
	if (head->seq)
		text_format(text, ",\"seq\":%llu", (unsigned long long)head->seq);
	if (*head->id) {
		text_add(text, ",\"id\":");
		text_json(text, head->id, strlen(head->id));
	}
	text_add(text, ",\"schema\":\"" SCHEMA_VERSION "\"");
}

static void json_object(struct text *text, const char *name, const struct record *record, const void *data)
{
	if (!*(const uint64_t *)data)
		return;
	text_format(text, ",\"%s\":", name);
	json_record(text, record, data);
}

static void json_facts(struct text *text, const struct observation *o)
{
	json_object(text, "process", &process_record, &o->process);
	json_object(text, "cgroup", &cgroup_record, &o->cgroup);
	json_object(text, "container", &container_record, &o->container);
	switch (o->kind) {
#define KIND(NAME, SYMPTOM, WORD) \
	case KIND_##NAME: text_add(text, ",\"" #NAME "\":"); json_record(text, &NAME##_record, &o->NAME); break;
#include "events/all.def"
	default:
		break;
	}
	if (!o->truncated_count)
		return;
	text_add(text, ",\"truncated\":[");
	for (uint64_t i = 0; i < o->truncated_count; i++) {
		text_append(text, ",", i > 0);
		text_json(text, o->truncated[i], strlen(o->truncated[i]));
	}
	text_append(text, "]", 1);
}

size_t ndjson_observation_bytes(const struct observation *observation)
{
	static char scratch[256 * 1024];
	struct text text = TEXT_ON(scratch);

	json_facts(&text, observation);
	return text.length;
}

static void halve(char *string)
{
	size_t length = strlen(string) / 2;

	while (length && ((unsigned char)string[length] & 0xc0) == 0x80)
		length--;
	string[length] = '\0';
}

/* What can be missed first goes first. False when there is nothing left to give. */
static bool shorten(struct observation *o, struct verdict *v)
{
	struct diagnosis *d = &v->diagnosis;

	if (d->evidence_count) {
		d->evidence_count--;
		observation_truncated(o, "diagnosis.evidence");
	} else if (d->advice_count + d->verify_count) {
		d->advice_count ? d->advice_count-- : d->verify_count--;
		observation_truncated(o, "diagnosis.do");
	} else if (strlen(d->cause) + strlen(d->title) + strlen(v->message) > 64) {
		halve(d->cause);
		halve(d->title);
		halve(v->message);
		observation_truncated(o, "diagnosis.cause");
	} else {
		return false;
	}
	return true;
}

void ndjson_observation(struct text *text, struct observation *o, struct verdict *verdict)
{
	const struct line_head head = {
		.time_ns = o->time_ns, .kind = kind_names[o->kind], .severity = verdict->severity,
		.message = verdict->message, .host = o->host, .boot_ns = o->boot_ns, .seq = o->seq,
		.id = o->id,
	};
	size_t start = text->length;

	for (;;) {
		json_head(text, &head);
		json_facts(text, o);
		json_object(text, "diagnosis", &diagnosis_record, &verdict->diagnosis);
		text_add(text, "}\n");
		if ((text->length - start <= LINE_BYTES && !text->cut) || !shorten(o, verdict))
			return;
		text->length = start;
		text->data[start] = '\0';
		text->cut = false;
	}
}

void ndjson_stream(struct text *text, const struct line_head *head, const struct record *record,
		   const void *data)
{
	json_head(text, head);
	json_object(text, record->name, record, data);
	text_add(text, "}\n");
}
