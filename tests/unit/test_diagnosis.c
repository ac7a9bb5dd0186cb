// SPDX-License-Identifier: BSD-2-Clause
/* No rule says what was not seen: golden recordings with a field taken away, and known traps. */
#include "user/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "golden.h"
#include "random.h"
#include "verdict.h"
#include "user/kinds/oom_kill.h"
#include "user/recording.h"
#include "user/render.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static struct observation o;
static struct verdict verdict;

static void read_golden(const char *path, const char *line, size_t length)
{
	const char *reason;

	if (recording_read(line, length, &o, &reason) != RECORDING_OBSERVATION)
		fail_msg("%s: %s", path, reason);
}

static const char *judge(const char *path, const char *line, size_t length)
{
	read_golden(path, line, length);
	diagnose(&o, &verdict);
	return words_of(&verdict);
}

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
	static const enum event_kind kinds[] = { KIND_oom_kill, KIND_exec };
	struct fill fill = { .random = 51 };

	(void)state;
	for (unsigned int i = 0; i < 40000; i++) {
		fill.bits = i % 2 ? 0 : 35;
		memset(&o, 0, sizeof(o));
		o.kind = kinds[i / 2 % COUNT(kinds)];
		fill_record(&fill, &process_record, &o.process);
		fill_record(&fill, &cgroup_record, &o.cgroup);
		fill_record(&fill, &container_record, &o.container);
		fill_record(&fill, kind_record(o.kind), &o.oom_kill);
		diagnose(&o, &verdict);
		check_verdict("random", o.kind, &verdict);
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

static const char *const nothings[] = { "0 B", "[0]", "0 us", "score 0", "oom_score_adj 0", "order 0" };

struct removal {
	const char *path;
	unsigned int before[COUNT(nothings)];
	unsigned int bad;
};

static void complain(struct removal *r, const struct record *record, const struct field *field, const char *what)
{
	print_error("%s without %s.%s: %s\n", strstr(r->path, "golden/") + 7, record->name, field->name, what);
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
	remove_each(&r, kind_record(o.kind), (char *)&o.oom_kill);
	removals_bad += r.bad;
}

static void test_removals(void **state)
{
	(void)state;
	removals_bad = 0;
	golden_each("in.ndjson", check_removals);
	assert_int_equal(removals_bad, 0);
}

/* the field each rule rests on: without it another one speaks */
static void check_rests_on(const char *path, const char *line, size_t length)
{
	static const struct {
		const char *rule;
		size_t known;
	} rows[] = {
#define ROW(RULE, NAME) { RULE, offsetof(struct oom_kill, NAME) }
		ROW("oom-already-exiting", killed), ROW("oom-tmpfs", domain_shmem_bytes),
		ROW("oom-kernel-memory", domain_kernel_bytes), ROW("oom-cache", domain_file_bytes),
		ROW("oom-host-neighbour", scope), ROW("oom-host-neighbour", candidates_count),
		ROW("oom-host-neighbour", victim_anon_bytes), ROW("oom-host", scope),
		ROW("oom-neighbour", candidates_count), ROW("oom-neighbour", limits_count),
		ROW("oom-neighbour", victim_anon_bytes), ROW("oom-leak", history_count),
		ROW("oom-leak", limits_count), ROW("oom-burst", history_count), ROW("oom-burst", limits_count),
		ROW("oom-limit-too-small", history_count), ROW("oom-limit-too-small", limits_count),
		ROW("oom-unrecognised", history_count),
	};
	char rule[sizeof(verdict.diagnosis.rule)];

	judge(path, line, length);
	strcpy(rule, verdict.diagnosis.rule);
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t at = sizeof(uint64_t);

		if (strcmp(rows[i].rule, rule) != 0)
			continue;
		read_golden(path, line, length);
		for (uint32_t n = 0; n < oom_kill_record.field_count; at += oom_kill_record.fields[n++].span) {
			if (at != rows[i].known)
				continue;
			field_set_known(&o.oom_kill, n, false);
			memset((char *)&o.oom_kill + at, 0, oom_kill_record.fields[n].span);
		}
		diagnose(&o, &verdict);
		if (strcmp(rule, verdict.diagnosis.rule) == 0)
			fail_msg("%s: %s fires without field at %zu", path, rule, rows[i].known);
	}
}

static void test_rests_on(void **state)
{
	(void)state;
	golden_each("in.ndjson", check_rests_on);
}

/* ---- nothing known, nothing claimed ------------------------------------------- */

static void test_nothing_known(void **state)
{
	static const char *const claims[] = { "asked for the page", "was reached", "lives", "/sys/fs/cgroup/memory.events",
					      "died", "MiB" };
	const char *words;

	(void)state;
	memset(&o, 0, sizeof(o));
	o.kind = KIND_oom_kill;
	diagnose(&o, &verdict);
	check_verdict("nothing", o.kind, &verdict);
	assert_int_equal(verdict.diagnosis.confidence, BASIS_UNKNOWN);
	words = words_of(&verdict);
	for (size_t i = 0; i < COUNT(claims); i++)
		if (strstr(words, claims[i]))
			fail_msg("'%s' is claimed of an event of which nothing is known", claims[i]);
}

/* ---- traps, each with its recording --------------------------------------------- */

/* words about one golden case that must not, or must, be there */
struct trap {
	const char *name, *wrong, *right;
};

static const struct trap traps[] = {
	/* 12003 asked, and is among the seven that died */
	{ "group-of-7", "gunicorn[12003] asked for the page and lives", NULL },
	{ "real-shared-mm", "oom[6118] asked for the page and lives", NULL },
	/* nobody knows who asked */
	{ "unknown-everything", "asked for the page", NULL },
	{ "unknown-limit", "asked for the page", NULL },
	/* sysrq: no limit was reached */
	{ "by-hand", "was reached", NULL },
	/* twelve samples are on the card: the limit is what is missing */
	{ "unknown-limit", "not enough history", NULL },
	/* the level is on the card */
	{ "limit-is-max", "which one is unknown", "/a/b" },
	/* it went up and down for an hour, as high as at the end: it did not "stand near" the bottom */
	{ "sawtooth", "stood near 120 MiB", NULL },
	/* two processes with one memory: no cgroup of 64 MiB holds 127 MiB */
	{ "real-shared-mm", "to 127 MiB", NULL },
	{ "real-shared-mm", "962 MiB/min", NULL },
	/* RAM and swap are 17.6 GiB: no part is larger than the whole */
	{ "host", "15.9 GiB of 15.6 GiB", NULL },
	{ "host", "used up, reached", NULL },
	/* 935 MiB and a quarter are no 1.25 GiB: that is the limit and a quarter */
	{ "limit-too-small", "1342177280", NULL },
	/* a quantity for a pod's spec, exact */
	{ "limit-too-small-pod", "1.2 GiB", NULL },
	/* v1 counts a kill where the victim was, not where the limit is */
	{ "parent-limit-cgroup-v1", "cat /sys/fs/cgroup/memory/yarn/app_17/memory.oom_control",
	  "/sys/fs/cgroup/memory/yarn/app_17/container_e04_000002/memory.oom_control" },
	/* v1's memory.stat has none of these lines */
	{ "kernel-memory-cgroup-v1", "grep -E '^(slab", NULL },
	/* the neighbour has no protection that could be lowered */
	{ "neighbour-victim-volunteered", "lower the neighbour's protection", NULL },
	/* an LXC container's name is no hash to shorten */
	{ "limit-too-small-lxc", NULL, "in container staging-database-03" },
	/* a recording is not trusted: its words are quoted in commands */
	{ "shell-injection", "--memory=1342177280 ;reboot", NULL },
	/* a schedule that helps at today's limit, not at twice of it */
	{ "leak", "restart on a schedule below that time", NULL },
	/* the host has no memory.stat of a cgroup to look at */
	{ "host-kernel-memory", "/sys/fs/cgroup", "/proc/meminfo" },
	/* a path that was shortened is no path */
	{ "deep-chain", "/sys/fs/cgroup/...", NULL },
};

static const struct trap *trap;
static bool trap_found;

static void check_trap(const char *path, const char *line, size_t length)
{
	char directory[128];
	const char *words;

	snprintf(directory, sizeof(directory), "/%s/", trap->name);
	if (!strstr(path, directory))
		return;
	trap_found = true;
	words = judge(path, line, length);
	if (trap->wrong && strstr(words, trap->wrong)) {
		print_error("%s says: %s\n", trap->name, trap->wrong);
		removals_bad++;
	}
	if (trap->right && !strstr(words, trap->right)) {
		print_error("%s does not say: %s\n", trap->name, trap->right);
		removals_bad++;
	}
}

static void test_traps(void **state)
{
	(void)state;
	removals_bad = 0;
	for (trap = traps; trap < traps + COUNT(traps); trap++) {
		trap_found = false;
		golden_each("in.ndjson", check_trap);
		if (!trap_found)
			fail_msg("there is no case %s", trap->name);
	}
	assert_int_equal(removals_bad, 0);
}

/* 0.05 MiB/s for two and a half hours, as the recorder has them: every 800 s, then every second */
static void leak_make(size_t path_length)
{
	struct oom_kill *oom = &o.oom_kill;

	memset(&o, 0, sizeof(o));
	o.kind = KIND_oom_kill;
	KNOW(oom, scope, OOM_SCOPE_MEMCG);
	for (uint64_t i = 0; i < 16; i++) {
		struct oom_limit *l = &oom->limits[oom->limits_count++];

		memset(l->path, 'a', i ? path_length : 10);
		l->path[0] = '/';
		l->known.path = 1;
		KNOW(l, binding, i == 0);
		KNOW(l, usage_bytes, 512 << 20);
		KNOW(l, max_bytes, i ? BYTES_MAX : 512 << 20);
	}
	for (uint64_t i = 0; i < 24; i++) {
		uint64_t at = i < 12 ? i * 800 : 8800 + i;
		struct oom_sample *sample = &oom->history[oom->history_count++];

		KNOW(sample, boot_ns, 1000000000000 + at * 1000000000);
		KNOW(sample, usage_bytes, at * 55000);
		KNOW(sample, anon_bytes, at * 55000);
		KNOW(sample, file_bytes, 4096);
		KNOW(sample, shmem_bytes, 4096);
		KNOW(sample, victim_bytes, at * 55000);
	}
	oom->known.limits = oom->known.history = 1;
}

/* a steady leak is a leak however deep the cgroup is that made the line shorten its history */
static void test_fitted(void **state)
{
	(void)state;
	for (size_t length = 10; length < 900; length += 10) {
		leak_make(length);
		oom_fit(&o);
		diagnose(&o, &verdict);
		if (strcmp(verdict.diagnosis.rule, "oom-leak") != 0)
			fail_msg("16 paths of %zu bytes, %llu samples left: %s", length,
				 (unsigned long long)o.oom_kill.history_count, verdict.diagnosis.rule);
	}
}

/* processes that share their memory, each counted: more than twice the limit before it was reached */
static void test_lasts(void **state)
{
	const char *lasts;

	(void)state;
	leak_make(10);
	for (uint64_t i = 0; i < 24; i++)
		o.oom_kill.history[i].anon_bytes = 3 * (512ULL << 20) + i * (30 << 20);
	diagnose(&o, &verdict);
	lasts = strstr(words_of(&verdict), " lasts ");
	if (lasts && strcspn(lasts, "d\n") < 20 && lasts[strcspn(lasts, "d\n")] == 'd')
		fail_msg("a limit that is full already%.40s", lasts);
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
		print_error("%s: no command: %s\n", strstr(path, "golden/") + 7, command);
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
			print_error("%s: cut: %s\n", strstr(path, "golden/") + 7, command);
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
		cmocka_unit_test(test_removals),
		cmocka_unit_test(test_rests_on),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_traps),
		cmocka_unit_test(test_fitted),
		cmocka_unit_test(test_lasts),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
