// SPDX-License-Identifier: BSD-2-Clause
#include "schema.h"

#include <string.h>

#include "diagnosis.h"
#include "ndjson.h"
#include "record.h"

/* what a line is made of, in its order */
static const struct record *const records[] = {
	&process_record, &cgroup_record, &container_record,
#define KIND(NAME, SYMPTOM, WORD) &NAME##_record,
#include "events/all.def"
	&start_record, &gap_record, &stop_record, &diagnosis_record,
};

enum { RECORDS = sizeof(records) / sizeof(records[0]) };

static const struct {
	const char *name, *type, *doc;
} head[] = {
	{ "time", "string", "when it happened: RFC 3339, UTC, nine digits" },
	{ "kind", "string", "what happened; the object of that name holds its fields" },
	{ "severity", "string", "debug info notice warning error critical" },
	{ "message", "string", "one sentence" },
	{ "host", "string", "node name" },
	{ "boot_ns", "integer", "when it happened on CLOCK_BOOTTIME" },
	{ "seq", "integer", "number of the line, gap-free per run: a hole means the pipeline lost one" },
	{ "id", "string", "unique for ever: boot, run, seq" },
	{ "schema", "string", "version of this contract: minor versions only add" },
};

static const char *json_type(const struct field *field)
{
	switch (field->meaning) {
	case MEANING_flag:
		return "\"boolean\"";
	case MEANING_flags:
	case MEANING_id:
	case MEANING_choice:
	case MEANING_text:
		return "\"string\"";
	case MEANING_bytes:
		return "[\"integer\",\"string\"]";
	case MEANING_words:
	case MEANING_numbers:
	case MEANING_list:
		return "\"array\"";
	case MEANING_part:
		return "\"object\"";
	default:
		return "\"integer\"";
	}
}

static void json_text(FILE *file, const char *string)
{
	char out[512];
	struct text text = TEXT_ON(out);

	text_json(&text, string, strlen(string));
	fputs(out, file);
}

static void json_members(FILE *file, const struct record *record);

static void json_field(FILE *file, const struct field *field)
{
	fprintf(file, "\"%s\":{\"type\":%s,\"description\":", field->name, json_type(field));
	json_text(file, field->doc);
	if (field->meaning == MEANING_choice) {
		fprintf(file, ",\"enum\":[");
		for (uint32_t i = 1; i < field->max; i++)
			fprintf(file, "%s\"%s\"", i > 1 ? "," : "", field->choices[i]);
		fprintf(file, "]");
	} else if (field->meaning == MEANING_words) {
		fprintf(file, ",\"maxItems\":%u,\"items\":{\"type\":\"string\"}", field->max);
	} else if (field->meaning == MEANING_numbers) {
		fprintf(file, ",\"maxItems\":%u,\"items\":{\"type\":\"integer\"}", field->max);
	} else if (field->meaning == MEANING_list) {
		fprintf(file, ",\"maxItems\":%u,\"items\":{\"type\":\"object\",", field->max);
		json_members(file, field->record);
		fprintf(file, "}");
	} else if (field->meaning == MEANING_part) {
		fprintf(file, ",");
		json_members(file, field->record);
	}
	fprintf(file, "}");
}

static void json_members(FILE *file, const struct record *record)
{
	fprintf(file, "\"properties\":{");
	for (uint32_t i = 0; i < record->field_count; i++) {
		fputs(i ? "," : "", file);
		json_field(file, &record->fields[i]);
	}
	fprintf(file, "}");
}

void schema_json(FILE *file)
{
	const size_t heads = sizeof(head) / sizeof(head[0]);

	fprintf(file, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"kwhy line\","
		      "\"type\":\"object\",\"required\":[");
	for (size_t i = 0; i < heads; i++)
		fprintf(file, "%s\"%s\"", i ? "," : "", head[i].name);
	fprintf(file, "],\"properties\":{");
	for (size_t i = 0; i < heads; i++) {
		fprintf(file, "\"%s\":{\"type\":\"%s\",\"description\":", head[i].name, head[i].type);
		json_text(file, head[i].doc);
		fprintf(file, "},");
	}
	for (int i = 0; i < RECORDS; i++) {
		fprintf(file, "\"%s\":{\"type\":\"object\",\"description\":", records[i]->name);
		json_text(file, records[i]->doc);
		fprintf(file, ",");
		json_members(file, records[i]);
		fprintf(file, "},");
	}
	fprintf(file, "\"truncated\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
		      "\"description\":\"fields that were cut so that the line stays below %d bytes\"}}}\n",
		LINE_BYTES);
}

static const char *type_word(const struct field *field)
{
	static const char *const words[] = {
		[MEANING_bytes] = "bytes, or \"max\"", [MEANING_nsec] = "nanoseconds",
		[MEANING_count] = "integer", [MEANING_pid] = "pid", [MEANING_uid] = "uid",
		[MEANING_flag] = "boolean", [MEANING_flags] = "hexadecimal string", [MEANING_id] = "decimal string",
		[MEANING_number] = "integer", [MEANING_choice] = "word", [MEANING_text] = "string",
		[MEANING_words] = "strings", [MEANING_numbers] = "integers", [MEANING_list] = "objects",
		[MEANING_part] = "object",
	};

	return words[field->meaning];
}

static void markdown_fields(FILE *file, const struct record *record, const char *prefix)
{
	char inner[128];

	for (uint32_t i = 0; i < record->field_count; i++) {
		const struct field *field = &record->fields[i];

		fprintf(file, "| `%s%s` | %s | %s", prefix, field->name, type_word(field), field->doc);
		for (uint32_t c = 1; field->meaning == MEANING_choice && c < field->max; c++)
			fprintf(file, "%s`%s`", c > 1 ? ", " : ": ", field->choices[c]);
		fprintf(file, " |\n");
		if (!field->record)
			continue;
		snprintf(inner, sizeof(inner), "%s%s%s.", prefix, field->name,
			 field->meaning == MEANING_list ? "[]" : "");
		markdown_fields(file, field->record, inner);
	}
}

static void markdown_rules(FILE *file, enum event_kind kind)
{
	const struct rule_table *table = rules_of(kind);

	fprintf(file, "\n## Rules of %s\n\nThe first that matches is taken.\n\n| rule | meaning |\n|---|---|\n",
		kind_names[kind]);
	for (unsigned int i = 0; i < table->count; i++)
		fprintf(file, "| `%s` | %s |\n", table->rules[i].id, table->rules[i].doc);
}

void schema_markdown(FILE *file)
{
	fprintf(file, "# Fields\n\nMade by `kwhy schema` from `bpf/events/*.def`. A field that is not known is "
		      "absent, never 0, \"\" or null.\n\n## Every line\n\n| key | type | meaning |\n|---|---|---|\n");
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		fprintf(file, "| `%s` | %s | %s |\n", head[i].name, head[i].type, head[i].doc);
	for (int i = 0; i < RECORDS; i++) {
		fprintf(file, "\n## %s\n\n%s.\n\n| key | type | meaning |\n|---|---|---|\n", records[i]->name,
			records[i]->doc);
		markdown_fields(file, records[i], "");
	}
	for (unsigned int kind = 1; kind < KIND_COUNT; kind++)
		markdown_rules(file, kind);
}
