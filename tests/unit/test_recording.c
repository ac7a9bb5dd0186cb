// SPDX-License-Identifier: BSD-2-Clause
/* recording_read() on lines of any version, of others, torn and hostile. */
#include "user/recording.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "user/diagnosis.h"
#include "user/ndjson.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define TIME "\"time\":\"2026-11-21T10:42:17.305112233Z\",\"kind\":\"oom_kill\""

static struct observation o;

static enum recording_line read_line(const char *line)
{
	enum recording_line found;
	const char *reason = NULL;

	memset(&o, 0x5a, sizeof(o));
	found = recording_read(line, strlen(line), &o, &reason);
	if (found == RECORDING_BAD)
		assert_true(reason && *reason && !strchr(reason, '\n'));
	return found;
}

/* {...} as the oom_kill object of an otherwise good line */
static struct oom_kill *read_oom(const char *object)
{
	static char line[64 * 1024];

	snprintf(line, sizeof(line), "{" TIME ",\"oom_kill\":%s}", object);
	if (read_line(line) != RECORDING_OBSERVATION)
		fail_msg("not read: %s", object);
	return &o.oom_kill;
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(read_line("{" TIME ",\"oom_kill\":{}}"), RECORDING_OBSERVATION);
	assert_int_equal(o.kind, KIND_oom_kill);
	assert_int_equal(o.time_ns, 1795257737305112233ULL);
	assert_int_equal(read_line("{\"kind\":\"start\"}"), RECORDING_STREAM);
	assert_int_equal(read_line("{\"kind\":\"gap\"}"), RECORDING_STREAM);
	assert_int_equal(read_line("{\"kind\":\"stop\"}"), RECORDING_STREAM);
	assert_int_equal(read_line("{\"kind\":\"meteor\"}"), RECORDING_UNKNOWN);
	assert_int_equal(read_line(" {\"kind\":\"meteor\"}\r"), RECORDING_UNKNOWN);
}

static void test_bad(void **state)
{
	static const char *const lines[] = {
		"", " ", "x", "null", "7", "[]", "\"oom_kill\"", "{}", "{", "{\"kind\":7}", "{\"kind\":null}",
		"{\"kind\":\"oom_kill\"}", "{" TIME "}", "{" TIME ",\"oom_kill\":[]}", "{" TIME ",\"oom_kill\":null}",
		"{" TIME ",\"oom_kill\":{}} x", "{" TIME ",\"oom_kill\":{}},", "{" TIME ",\"oom_kill\":{\"a\":1,\"a\":2}}",
		"{\"kind\":\"oom_kill\",\"kind\":\"start\"}", "{" TIME ",\"oom_kill\":{\"x\":\"\\u0000\"}}",
		"{" TIME ",\"oom_kill\":{\"x\":\"\\ud800\"}}", "{" TIME ",\"oom_kill\":{\"x\":\"\xff\"}}",
		"{" TIME ",\"oom_kill\":{\"x\":\"\n\"}}", "{" TIME ",\"oom_kill\":{\"x\":01}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		if (read_line(lines[i]) != RECORDING_BAD)
			fail_msg("taken: %s", lines[i]);
}

static void test_time(void **state)
{
	static const char *const bad[] = {
		"", "2026-11-21", "2026-11-21T10:42:17Z", "2026-11-21T10:42:17.3051Z", "2026-11-21T10:42:17.305112233",
		"2026-11-21T10:42:17.305112233z", "2026-11-21T10:42:17.305112233+00:00", "2026-11-21 10:42:17.305112233Z",
		"2026-13-21T10:42:17.305112233Z", "2026-11-21T25:42:17.305112233Z", "1969-12-31T23:59:59.999999999Z",
		"2026-11-21T10:42:17.3051122331Z", "2026-11-21T10:42:17.-05112233Z",
		"2555-01-01T00:00:00.000000000Z",	/* more nanoseconds than 64 bits hold */
		"9999-12-31T23:59:59.999999999Z",
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(line, sizeof(line), "{\"time\":\"%s\",\"kind\":\"oom_kill\",\"oom_kill\":{}}", bad[i]);
		if (read_line(line) != RECORDING_BAD)
			fail_msg("taken: %s as %llu", bad[i], (unsigned long long)o.time_ns);
	}
	assert_int_equal(read_line("{\"time\":7,\"kind\":\"oom_kill\",\"oom_kill\":{}}"), RECORDING_BAD);
	assert_int_equal(read_line("{\"time\":\"1970-01-01T00:00:00.000000000Z\",\"kind\":\"oom_kill\",\"oom_kill\":{}}"),
			 RECORDING_OBSERVATION);
	assert_int_equal(o.time_ns, 0);
	assert_int_equal(read_line("{\"time\":\"2554-07-21T23:34:33.709551615Z\",\"kind\":\"oom_kill\",\"oom_kill\":{}}"),
			 RECORDING_OBSERVATION);
	assert_int_equal(o.time_ns, UINT64_MAX);
}

static void test_values(void **state)
{
	struct oom_kill *oom = read_oom("{\"scope\":\"global\",\"victim_anon_bytes\":12,\"victim_vm_bytes\":\"max\","
					"\"victim_oom_score_adj\":-998,\"killed\":false,\"gfp_flags\":\"0xcc0\","
					"\"domain_cgroup_id\":\"18446744073709551615\",\"trigger_comm\":\"a\\uf7ff\"}");

	(void)state;
	assert_true(oom->known.scope && oom->scope == OOM_SCOPE_GLOBAL);
	assert_true(oom->known.victim_anon_bytes && oom->victim_anon_bytes == 12);
	assert_true(oom->known.victim_vm_bytes && oom->victim_vm_bytes == BYTES_MAX);
	assert_true(oom->known.victim_oom_score_adj && oom->victim_oom_score_adj == -998);
	assert_true(oom->known.killed && !oom->killed);
	assert_true(oom->known.gfp_flags && oom->gfp_flags == 0xcc0);
	assert_true(oom->known.domain_cgroup_id && oom->domain_cgroup_id == UINT64_MAX);
	assert_string_equal(oom->trigger_comm, "a\xff");
}

/* nothing but the known bits is looked at before a value: an unknown one is 0 as if it were missing */
static void check_unknown(const char *object)
{
	static struct oom_kill nothing;
	struct oom_kill *oom = read_oom(object);

	if (memcmp(&oom->known, &nothing.known, sizeof(nothing.known)) != 0)
		fail_msg("known: %s", object);
	if (memcmp(oom, &nothing, sizeof(nothing)) != 0)
		fail_msg("unknown, but not 0: %s", object);
}

static void test_wrong_types(void **state)
{
	static const char *const objects[] = {
		"{\"scope\":7}", "{\"scope\":\"planet\"}", "{\"scope\":\"unknown\"}", "{\"scope\":\"\"}", "{\"scope\":null}",
		"{\"victim_anon_bytes\":\"12\"}", "{\"victim_anon_bytes\":\"MAX\"}", "{\"victim_anon_bytes\":1.5}",
		"{\"victim_anon_bytes\":true}", "{\"victim_anon_bytes\":{}}", "{\"victim_anon_bytes\":[]}",
		"{\"victim_anon_bytes\":null}", "{\"killed\":1}", "{\"killed\":\"true\"}", "{\"killed\":null}",
		"{\"trigger_pid\":\"1\"}", "{\"trigger_pid\":\"max\"}", "{\"trigger_comm\":7}", "{\"trigger_comm\":[]}",
		"{\"order\":\"1\"}", "{\"order\":1.0}", "{\"gfp_flags\":3264}", "{\"gfp_flags\":\"\"}",
		"{\"gfp_flags\":\"0x\"}", "{\"gfp_flags\":\"0xgg\"}", "{\"gfp_flags\":\"-1\"}",
		"{\"domain_cgroup_id\":7}", "{\"domain_cgroup_id\":\"0x7\"}", "{\"domain_cgroup_id\":\"7x\"}",
		"{\"domain_cgroup_id\":\"\"}", "{\"limits\":{}}", "{\"limits\":\"x\"}", "{\"limits\":7}",
		"{\"group_killed\":[]}", "{\"group_killed\":7}", "{\"history\":null}", "{\"stuck_state\":true}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(objects); i++)
		check_unknown(objects[i]);
}

static void test_out_of_range(void **state)
{
	static const char *const objects[] = {
		"{\"victim_anon_bytes\":-1}", "{\"victim_anon_bytes\":-9223372036854775808}", "{\"trigger_pid\":-5}",
		"{\"time_to_die_ns\":-5}", "{\"candidate_tasks\":-5}",
		"{\"domain_cgroup_id\":\"18446744073709551616\"}", "{\"gfp_flags\":\"0x10000000000000000\"}",
		"{\"domain_cgroup_id\":\" -5\"}", "{\"domain_cgroup_id\":\" 5\"}", "{\"domain_cgroup_id\":\"+5\"}",
		"{\"gfp_flags\":\" 0x5\"}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(objects); i++)
		check_unknown(objects[i]);
}

/* recording.h: numbers out of range are unknown; the rest of the line is not lost with them */
static void test_huge_numbers(void **state)
{
	struct oom_kill *oom;

	(void)state;
	check_unknown("{\"victim_anon_bytes\":9223372036854775808}");
	check_unknown("{\"victim_anon_bytes\":18446744073709551616}");
	/* no parser reads it and no writer of ours writes it */
	assert_int_equal(read_line("{" TIME ",\"oom_kill\":{\"victim_anon_bytes\":1e999}}"), RECORDING_BAD);
	check_unknown("{\"order\":-9223372036854775809}");
	oom = read_oom("{\"victim_anon_bytes\":99999999999999999999999,\"trigger_pid\":7}");
	assert_true(oom->known.trigger_pid && oom->trigger_pid == 7);
	assert_int_equal(read_line("{" TIME ",\"extra\":99999999999999999999999,\"oom_kill\":{}}"),
			 RECORDING_OBSERVATION);
}

/* what is out of range must not be written again as something that cannot be read */
static void test_rewritten(void **state)
{
	static const char *const lines[] = {
		"{" TIME ",\"boot_ns\":-5,\"oom_kill\":{\"order\":1}}",
		"{" TIME ",\"seq\":-1,\"oom_kill\":{\"order\":1}}",
		"{" TIME ",\"oom_kill\":{\"group_killed\":{\"n\":1,\"pids\":[-1]}}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		static struct verdict verdict;
		static char again[32 * 1024];
		struct text text = TEXT_ON(again);

		assert_int_equal(read_line(lines[i]), RECORDING_OBSERVATION);
		diagnose(&o, &verdict);
		ndjson_observation(&text, &o, &verdict);
		again[text.length - 1] = '\0';
		if (read_line(again) != RECORDING_OBSERVATION)
			fail_msg("written, but not read: %s", lines[i]);
	}
}

static void test_lists(void **state)
{
	char many[8192] = "{\"group_killed\":{\"n\":1000,\"pids\":[0";
	struct oom_kill *oom;

	(void)state;
	for (unsigned int i = 1; i < 1000; i++)
		sprintf(many + strlen(many), ",%u", i);
	strcat(many, "]}}");
	oom = read_oom(many);
	assert_int_equal(oom->group_killed.n, 1000);
	assert_int_equal(oom->group_killed.pids_count, COUNT(oom->group_killed.pids));
	assert_int_equal(oom->group_killed.pids[31], 31);
	oom = read_oom("{\"limits\":[7,{\"path\":\"/a\"},null,[],{\"path\":\"/b\",\"usage_bytes\":-1},{}]}");
	assert_int_equal(oom->limits_count, 3);
	assert_string_equal(oom->limits[0].path, "/a");
	assert_string_equal(oom->limits[1].path, "/b");
	assert_false(oom->limits[1].known.usage_bytes);
	assert_int_equal(read_line("{" TIME ",\"oom_kill\":{},\"process\":{\"args\":[\"a\",7,\"b\",null]},"
				   "\"truncated\":[1,\"x\",{},\"y\"]}"), RECORDING_OBSERVATION);
	assert_int_equal(o.process.args_count, 2);
	assert_string_equal(o.process.args[1], "b");
	assert_int_equal(o.truncated_count, 2);
	assert_string_equal(o.truncated[0], "x");
	assert_string_equal(o.truncated[1], "y");
}

static void test_long_strings(void **state)
{
	static char object[16 * 1024];
	struct oom_kill *oom;
	char longest[4096];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	snprintf(object, sizeof(object), "{\"trigger_comm\":\"%s\",\"limits\":[{\"path\":\"%s\"}]}", longest, longest);
	oom = read_oom(object);
	assert_int_equal(strlen(oom->trigger_comm), sizeof(oom->trigger_comm) - 1);
	assert_int_equal(strlen(oom->limits[0].path), sizeof(oom->limits[0].path) - 1);
	assert_false(oom->limits[0].known.usage_bytes);
	read_oom("{\"trigger_comm\":\"aaaaaaaaaaaaaa\xf0\x9f\x92\xa9\"}");
	assert_string_equal(o.oom_kill.trigger_comm, "aaaaaaaaaaaaaa");	/* not half a character */
}

static void test_nesting(void **state)
{
	enum { DEPTH = 200000 };
	static char line[2 * DEPTH + 128];
	static const char *const opened[] = { "[", "{\"a\":" };

	(void)state;
	for (size_t i = 0; i < COUNT(opened); i++) {
		size_t at = sprintf(line, "{" TIME ",\"oom_kill\":");

		while (at + strlen(opened[i]) < sizeof(line) - 1)
			at += sprintf(line + at, "%s", opened[i]);
		assert_int_equal(read_line(line), RECORDING_BAD);
	}
}

/* torn at every seventh byte, in each recording at others: the recordings are much alike */
static void test_truncated_lines(const char *path, const char *line, size_t length)
{
	static struct verdict verdict;
	static size_t recordings;
	const char *reason;

	for (size_t cut = recordings++ % 7; cut < length; cut += 7) {
		/* a block of its own: a byte read behind it is seen by the sanitizer */
		char *copy = malloc(cut ? cut : 1);

		memcpy(copy, line, cut);
		assert_int_equal(recording_read(copy, cut, &o, &reason), RECORDING_BAD);
		free(copy);
	}
	if (recording_read(line, length, &o, &reason) != RECORDING_OBSERVATION)
		fail_msg("%s: %s", path, reason);
	diagnose(&o, &verdict);
}

static void test_torn(void **state)
{
	(void)state;
	assert_true(golden_each("in.ndjson", test_truncated_lines) > 30);
}

/* each byte of a line replaced: whatever comes out, nothing breaks */
static void change_bytes(const char *path, const char *line, size_t length)
{
	static const char bytes[] = "\"{}[],:\\-0e\xff\x01 n";
	static struct verdict verdict;
	const char *reason;
	char *copy = malloc(length);

	(void)path;
	memcpy(copy, line, length);
	for (size_t i = 0; i < length; i += 3) {
		copy[i] = bytes[(i / 3) % (sizeof(bytes) - 1)];
		if (recording_read(copy, length, &o, &reason) == RECORDING_OBSERVATION)
			diagnose(&o, &verdict);
		copy[i] = line[i];
	}
	free(copy);
}

static void test_changed(void **state)
{
	(void)state;
	golden_each("in.ndjson", change_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_huge_numbers),
		cmocka_unit_test(test_rewritten),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_long_strings),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
