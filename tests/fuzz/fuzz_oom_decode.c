// SPDX-License-Identifier: BSD-2-Clause
/*
 * A ring buffer record from its arrival to its line. The kernel is trusted to
 * fill the fields it has with sane numbers; processes and cgroups chose names.
 */
#include "user/kinds/oom_kill.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE(CONDITION) ((void)((CONDITION) ? 0 : (fprintf(stderr, "not so: " #CONDITION "\n"), abort(), 0)))

static const struct style style = { .width = 80, .utc = true };

/* knows no field but those the kernel fills, each with a value it can have */
static void sane_record(const struct record *record, char *data, size_t seen)
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

static void sane(struct oom_victim_event *event)
{
	event->header.type = OOM_EVENT_VICTIM;
	event->header.size = sizeof(*event);
	event->header.boot_ns >>= 8;
	event->page_size = 4096;
	event->level_count %= OOM_LEVELS + 1;
	event->names_bytes %= sizeof(event->names) + 1;
	event->names_cut &= 1;
	for (int i = 0; i < OOM_LEVELS; i++) {
		event->level[i].usage_pages >>= 24;
		event->level[i].max_pages >>= 12;
	}
	sane_record(&process_record, (char *)&event->process, sizeof(event->process));
	sane_record(&cgroup_record, (char *)&event->cgroup, sizeof(event->cgroup));
	sane_record(&oom_kill_record, (char *)&event->oom, sizeof(event->oom));
}

static void check_people(const char *name, struct observation *o, struct verdict *v)
{
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
static void same(const struct record *record, const void *a, const void *b)
{
	static char first[256 * 1024], second[256 * 1024];
	struct text one = TEXT_ON(first), two = TEXT_ON(second);

	json_record(&one, record, a);
	json_record(&two, record, b);
	REQUIRE(!one.cut && strcmp(first, second) == 0);
}

/* as emit.c writes it: a whole line that fits, and that is read again */
static void check_line(struct observation *o, struct verdict *v)
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
	same(&oom_kill_record, &read.oom_kill, &o->oom_kill);
	same(&process_record, &read.process, &o->process);
	same(&cgroup_record, &read.cgroup, &o->cgroup);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct oom_victim_event event;
	static struct oom_incident incident;
	static struct verdict verdict;
	struct observation *o = &incident.observation;

	memset(&event, 0, sizeof(event));
	memset(&incident, 0, sizeof(incident));
	memcpy(&event, data, size < sizeof(event) ? size : sizeof(event));
	sane(&event);
	oom_decode(&incident, &event);
	REQUIRE(o->oom_kill.limits_count <= event.level_count);
	REQUIRE(memchr(o->cgroup.path, '\0', sizeof(o->cgroup.path)));
	for (uint64_t i = 0; i < o->oom_kill.limits_count; i++)
		REQUIRE(memchr(o->oom_kill.limits[i].path, '\0', sizeof(o->oom_kill.limits[i].path)));
	o->kind = KIND_oom_kill;
	oom_fit(o);
	diagnose(o, &verdict);
	check_people("card", o, &verdict);
	check_people("line", o, &verdict);
	/* a record that says nothing is none the kernel sends */
	if (event.process.known.pid && event.oom.known.killed)
		check_line(o, &verdict);
	return 0;
}
