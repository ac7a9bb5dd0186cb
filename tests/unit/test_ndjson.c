// SPDX-License-Identifier: BSD-2-Clause
/* Lines as a log pipeline needs them: common keys in order, whole, never too long. */
#include "user/ndjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "random.h"
#include "user/kinds/oom_kill.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static const char *const common[] = { "time", "kind", "severity", "message", "host", "boot_ns", "seq", "id", "schema" };

static void check_time(uint64_t time_ns, const char *expected)
{
	char data[64];
	struct text text = TEXT_ON(data);

	text_time(&text, time_ns);
	assert_string_equal(data, expected);
}

static void test_time(void **state)
{
	(void)state;
	check_time(0, "1970-01-01T00:00:00.000000000Z");
	check_time(1, "1970-01-01T00:00:00.000000001Z");
	check_time(999999999, "1970-01-01T00:00:00.999999999Z");
	check_time(951782400ULL * 1000000000, "2000-02-29T00:00:00.000000000Z");
	check_time(1795257737305112233ULL, "2026-11-21T10:42:17.305112233Z");
	check_time(UINT64_MAX, "2554-07-21T23:34:33.709551615Z");
}

static json_t *parse(const struct text *text)
{
	json_error_t error;
	json_t *line;

	assert_true(text->length > 1);
	assert_int_equal(text->data[text->length - 1], '\n');
	assert_null(memchr(text->data, '\n', text->length - 1));
	for (size_t i = 0; i + 1 < text->length; i++)
		assert_true((unsigned char)text->data[i] >= 0x20 && text->data[i] != 0x7f);
	line = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, &error);
	if (!line)
		fail_msg("%s: ...%.100s", error.text, text->data + (text->length > 100 ? text->length - 100 : 0));
	return line;
}

static void check_order(const json_t *line)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)line, key, value) {
		if (n < COUNT(common))
			assert_string_equal(key, common[n]);
		n++;
	}
	assert_true(n >= COUNT(common));
	assert_string_equal(json_string_value(json_object_get(line, "schema")), SCHEMA_VERSION);
}

static void observe(struct fill *fill, struct observation *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->kind = KIND_oom_kill;
	ret->time_ns = 1795257737305112233ULL;
	ret->boot_ns = 81234567890123;
	ret->seq = 2;
	strcpy(ret->id, "0f3c9a1e-49e2314fca10-2");
	strcpy(ret->host, "db1");
	fill_record(fill, &process_record, &ret->process);
	fill_record(fill, &cgroup_record, &ret->cgroup);
	fill_record(fill, &container_record, &ret->container);
	fill_record(fill, &oom_kill_record, &ret->oom_kill);
	KNOW(&ret->oom_kill, killed, 1);
	/* as it is: one level bound, sizes below 16 TiB */
	for (uint64_t i = 0; i < ret->oom_kill.limits_count; i++)
		KNOW(&ret->oom_kill.limits[i], binding, i == ret->oom_kill.limits_count / 2);
}

static void test_common_keys(void **state)
{
	static struct observation o;
	static struct verdict verdict;
	static char data[LINE_BYTES + 1024];
	struct fill fill = { .random = 21, .text_max = 10, .list_max = 2 };
	struct text text = TEXT_ON(data);
	json_t *line;

	(void)state;
	observe(&fill, &o);
	diagnose(&o, &verdict);
	ndjson_observation(&text, &o, &verdict);
	line = parse(&text);
	check_order(line);
	assert_string_equal(json_string_value(json_object_get(line, "time")), "2026-11-21T10:42:17.305112233Z");
	assert_string_equal(json_string_value(json_object_get(line, "kind")), "oom_kill");
	assert_int_equal(json_integer_value(json_object_get(line, "boot_ns")), 81234567890123);
	assert_int_equal(json_integer_value(json_object_get(line, "seq")), 2);
	json_decref(line);
}

/* design 5: fields that are unknown are absent, never 0, "" or null */
static void test_unknown_is_absent(void **state)
{
	static struct observation o = { .kind = KIND_oom_kill, .time_ns = 1 };
	static struct verdict verdict;
	char data[LINE_BYTES + 1024];
	struct text text = TEXT_ON(data);
	json_t *line;

	(void)state;
	KNOW(&o.process, pid, 4121);
	diagnose(&o, &verdict);
	ndjson_observation(&text, &o, &verdict);
	line = parse(&text);
	assert_null(json_object_get(line, "host"));
	assert_null(json_object_get(line, "boot_ns"));
	assert_null(json_object_get(line, "id"));
	assert_null(json_object_get(line, "cgroup"));
	assert_null(json_object_get(line, "container"));
	json_decref(line);
}

static void test_stream(void **state)
{
	static const struct record *const records[] = { &start_record, &gap_record, &stop_record };
	static char data[1024 * 1024];
	static union {
		uint64_t known;
		struct start start;
		struct stop stop;
		struct gap gap;
	} any;
	struct fill fill = { .random = 22 };

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		const struct record *record = records[i % COUNT(records)];
		struct line_head head = { .time_ns = i, .kind = record->name, .severity = SEVERITY_WARNING,
					  .message = "m\n\xff", .host = "h", .boot_ns = i + 1, .seq = i + 1, .id = "i" };
		struct text text = TEXT_ON(data);
		json_t *line;

		do
			fill_record(&fill, record, &any);
		while (!any.known);
		ndjson_stream(&text, &head, record, &any);
		line = parse(&text);
		check_order(line);
		assert_true(json_is_object(json_object_get(line, record->name)));
		json_decref(line);
	}
}

/* a start line holds what the user typed: at most 8000 bytes like every other */
static void test_start_fits(void **state)
{
	static struct start start;
	static char data[LINE_BYTES + 1024];
	struct fill fill = { .random = 23, .all = true };
	struct line_head head = { .kind = "start", .severity = SEVERITY_INFO, .message = "", .host = "", .id = "" };
	struct text text = TEXT_ON(data);

	(void)state;
	fill_record(&fill, &start_record, &start);
	start.hooks_count = 1;
	start.hooks[0].fields_lost_count = 2;
	ndjson_stream(&text, &head, &start_record, &start);
	json_decref(parse(&text));
	assert_true(text.length <= LINE_BYTES);
}

/* the way of a live event: oom_fit(), diagnose(), one line into emit.c's buffer */
static void check_fits(struct fill *fill)
{
	static struct observation o;
	static struct verdict verdict;
	static char data[LINE_BYTES + 1024];
	struct text text = TEXT_ON(data);
	json_t *line;

	observe(fill, &o);
	oom_fit(&o);
	diagnose(&o, &verdict);
	ndjson_observation(&text, &o, &verdict);
	line = parse(&text);
	check_order(line);
	json_decref(line);
	if (text.length > LINE_BYTES)
		fail_msg("a line of %zu bytes", text.length);
}

static void test_fits(void **state)
{
	struct fill fill = { .random = 24, .bits = 44, .plain = true };

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		fill.all = i % 16 == 0;
		fill.text_max = i % 3 ? 64 : 0;
		check_fits(&fill);
	}
}

/* whoever may name a cgroup or a process chooses these bytes */
static void test_fits_hostile(void **state)
{
	struct fill fill = { .random = 25, .bits = 44 };

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		fill.all = i % 16 == 0;
		fill.text_max = i % 3 ? 64 : 0;
		check_fits(&fill);
	}
}

/* an old recording was not fitted by this version's measure: explain writes it all the same */
static void test_fits_recorded(void **state)
{
	static struct observation o;
	static struct verdict verdict;
	static char data[LINE_BYTES + 8192];
	struct fill fill = { .random = 26, .bits = 44, .plain = true, .all = true };
	struct text text = TEXT_ON(data);

	(void)state;
	observe(&fill, &o);
	o.oom_kill.limits_count = o.process.args_count = 1;
	o.cgroup.path[300] = o.oom_kill.limits[0].path[300] = 0;
	KNOW(&o.oom_kill.limits[0], binding, 1);
	while (ndjson_observation_bytes(&o) > 7400)
		o.oom_kill.history_count--;
	diagnose(&o, &verdict);
	ndjson_observation(&text, &o, &verdict);
	json_decref(parse(&text));
	if (text.length > LINE_BYTES)
		fail_msg("a line of %zu bytes", text.length);
}

/* what is cut is named once, and nothing is named that was not cut */
static void test_truncated(void **state)
{
	static struct observation o;

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "list%u", i % 10);
		observation_truncated(&o, name);
		observation_truncated(&o, "list0");
	}
	assert_int_equal(o.truncated_count, COUNT(o.truncated));
	assert_string_equal(o.truncated[0], "list0");
	assert_string_equal(o.truncated[7], "list7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_common_keys),
		cmocka_unit_test(test_unknown_is_absent),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_start_fits),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_fits_hostile),
		cmocka_unit_test(test_fits_recorded),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
