// SPDX-License-Identifier: BSD-2-Clause
/* No rule says what was not seen: golden recordings of every kind with a field taken away, and random records. */
#include "user/diagnosis.h"

#include <sys/wait.h>

#include "judge.h"

/* ---- every verdict ---------------------------------------------------------- */

/* pure: the same twice, and nothing of the observation changed */
static void check_pure(const char *path, const char *line, size_t length)
{
	static struct observation before;
	static struct verdict again;

	judge(path, line, length);
	before = o;
	memset(&again, 0x5a, sizeof(again));
	diagnose(&o, &again);
	assert_memory_equal(&again, &verdict, sizeof(again));
	assert_memory_equal(&before, &o, sizeof(o));
	check_verdict(path, o.kind, &verdict);
}

static void test_pure(void **state)
{
	(void)state;
	assert_true(golden_each("in.ndjson", check_pure) > 30);
}

static void test_random(void **state)
{
	struct fill fill = { .random = 51 };
	char name[64];

	(void)state;
	for (unsigned int i = 0; i < 10000 * (KIND_COUNT - 1); i++) {
		fill.bits = i % 2 ? 0 : 35;
		fill_parts(&fill, &o, 1 + i / 2 % (KIND_COUNT - 1));
		diagnose(&o, &verdict);
		snprintf(name, sizeof(name), "random %s %u", kind_names[o.kind], i);
		check_verdict(name, o.kind, &verdict);
	}
}

/* garbage where a value is not known, but for strings and lists: those are told by being empty */
static void soil(struct fill *fill, const struct record *record, char *data)
{
	char *at = data + sizeof(uint64_t);

	for (uint32_t i = 0; i < record->field_count; at += record->fields[i++].span) {
		const struct field *field = &record->fields[i];
		uint64_t count, value = fill_scalar(fill, field);

		if (field->meaning == MEANING_part)
			soil(fill, field->record, at);
		else if (field->meaning < MEANING_text && !field_known(data, i))
			memcpy(at, &value, sizeof(value));
		if (field->meaning != MEANING_list)
			continue;
		memcpy(&count, at, sizeof(count));
		for (uint64_t n = 0; n < count; n++)
			soil(fill, field->record, at + sizeof(uint64_t) + n * field->size);
	}
}

static void test_garbage(void **state)
{
	struct fill fill = { .random = 52, .list_max = 3, .text_max = 24 };
	static struct verdict soiled;

	(void)state;
	for (unsigned int i = 0; i < 5000 * (KIND_COUNT - 1); i++) {
		fill.bits = i % 2 ? 8 : 35;
		fill_parts(&fill, &o, 1 + i / 2 % (KIND_COUNT - 1));
		diagnose(&o, &verdict);
		soil(&fill, &process_record, (char *)&o.process);
		soil(&fill, &cgroup_record, (char *)&o.cgroup);
		soil(&fill, &container_record, (char *)&o.container);
		soil(&fill, kind_record(o.kind), kind_part(&o));
		diagnose(&o, &soiled);
		if (memcmp(&verdict, &soiled, sizeof(verdict)) == 0)
			continue;
		print_error("unknown: %s", words_of(&verdict));
		fail_msg("random %s %u: an unknown value was looked at: %s", kind_names[o.kind], i, words_of(&soiled));
	}
}

/* ---- a field taken away ------------------------------------------------------ */

static unsigned int occurrences(const char *words, const char *word)
{
	unsigned int n = 0;

	while ((words = strstr(words, word))) {
		n += words[-1] == ' ' || words[-1] == '\n' || *word == '[';
		words += strlen(word);
	}
	return n;
}

static const char *const nothings[] = { "0 B", "[0]", "0 us", "score 0", "oom_score_adj 0", "order 0",
					"signal 0", "status 0", "code 0", "errno 0", "error 0", "uid 0", "user 0", "0 ms",
					"0 ns", "0 s", "0 arguments", "0 times", "0 threads", "0x0" };

struct removal {
	const char *path;
	unsigned int before[COUNT(nothings)];
	unsigned int bad;
};

static void complain(struct removal *r, const struct record *record, const struct field *field, const char *what)
{
	print_error("%s without %s.%s: %s\n", case_of(r->path), record->name, field->name, what);
	r->bad++;
}

/* with the field unknown nothing is said of it, whatever was left in its place */
static void judge_without(struct removal *r, const struct record *record, const struct field *field, char *value,
			  size_t size)
{
	static struct verdict zeroed;
	static char kept[sizeof(struct observation)];
	const char *words;

	diagnose(&o, &verdict);
	memcpy(kept, value, size);
	memset(value, 0, size);
	diagnose(&o, &zeroed);
	memcpy(value, kept, size);
	words = words_of(&zeroed);
	/* without a sample another one, perhaps with a true 0, is the first or last */
	for (size_t i = 0; i < COUNT(nothings) && record != &oom_sample_record; i++)
		if (occurrences(words, nothings[i]) > r->before[i])
			complain(r, record, field, nothings[i]);
	/* strings and lists are told by being empty */
	if (field->meaning < MEANING_text && memcmp(&verdict, &zeroed, sizeof(verdict)) != 0)
		complain(r, record, field, "the unknown value was looked at");
	if (zeroed.diagnosis.confidence == 0 || !*zeroed.diagnosis.cause)
		complain(r, record, field, "no cause");
}

static void remove_each(struct removal *r, const struct record *record, char *data)
{
	char *at = data + sizeof(uint64_t);

	for (uint32_t i = 0; i < record->field_count; at += record->fields[i++].span) {
		const struct field *field = &record->fields[i];
		uint64_t count;

		if (!field_known(data, i))
			continue;
		field_set_known(data, i, false);
		judge_without(r, record, field, at, field->span);
		field_set_known(data, i, true);
		if (field->meaning == MEANING_part)
			remove_each(r, field->record, at);
		if (field->meaning != MEANING_list)
			continue;
		memcpy(&count, at, sizeof(count));
		for (uint64_t n = 0; n < count; n++)
			remove_each(r, field->record, at + sizeof(uint64_t) + n * field->size);
	}
}

static unsigned int removals_bad;

static void check_removals(const char *path, const char *line, size_t length)
{
	struct removal r = { .path = path };
	const char *words = judge(path, line, length);

	for (size_t i = 0; i < COUNT(nothings); i++)
		r.before[i] = occurrences(words, nothings[i]);
	remove_each(&r, &process_record, (char *)&o.process);
	remove_each(&r, &cgroup_record, (char *)&o.cgroup);
	remove_each(&r, &container_record, (char *)&o.container);
	remove_each(&r, kind_record(o.kind), kind_part(&o));
	removals_bad += r.bad;
}

static void test_removals(void **state)
{
	(void)state;
	removals_bad = 0;
	golden_each("in.ndjson", check_removals);
	assert_int_equal(removals_bad, 0);
}

/* ---- nothing known, nothing claimed ------------------------------------------- */

static void test_nothing_known(void **state)
{
	static const char *const claims[] = { "asked for the page", "was reached", "lives", "/sys/fs/cgroup/memory.events",
					      "died", "MiB", "killed by", "was sent", "does not exist", "exited with",
					      "signal 0", "status 0", "/proc/0", "[0]" };
	const char *words;

	(void)state;
	for (unsigned int kind = 1; kind < KIND_COUNT; kind++) {
		memset(&o, 0, sizeof(o));
		o.kind = kind;
		diagnose(&o, &verdict);
		check_verdict("nothing", o.kind, &verdict);
		assert_int_equal(verdict.diagnosis.confidence, BASIS_UNKNOWN);
		words = words_of(&verdict);
		for (size_t i = 0; i < COUNT(claims); i++)
			if (strstr(words, claims[i]))
				fail_msg("'%s' is claimed of an event of which nothing is known: %s", claims[i], words);
	}
}

/* ---- commands ------------------------------------------------------------------- */

/* bash takes it: no quote is left open, nothing was cut */
static void check_command(const char *path, const char *command)
{
	FILE *bash = popen("/bin/bash -n 2>/dev/null", "w");
	int status;

	assert_non_null(bash);
	fputs(command, bash);
	status = pclose(bash);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		print_error("%s: no command: %s\n", case_of(path), command);
		removals_bad++;
	}
}

static void check_commands(const char *path, const char *line, size_t length)
{
	judge(path, line, length);
	for (uint64_t i = 0; i < verdict.diagnosis.verify_count; i++) {
		char *command = verdict.diagnosis.verify[i], *note = strstr(command, "   (");

		if (note)
			*note = '\0';
		check_command(path, command);
		/* every file named is one of a cgroup or of /proc, to its end */
		if (strncmp(command, "cat ", 4) == 0 && !strstr(command, "/memory.")) {
			print_error("%s: cut: %s\n", case_of(path), command);
			removals_bad++;
		}
	}
}

static void test_commands(void **state)
{
	(void)state;
	removals_bad = 0;
	golden_each("in.ndjson", check_commands);
	assert_int_equal(removals_bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pure),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_removals),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
