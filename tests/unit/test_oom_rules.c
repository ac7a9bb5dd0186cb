// SPDX-License-Identifier: BSD-2-Clause
/* What the rules about OOM kills say, and rest on: known traps, each with its recording. */
#include "judge.h"
#include "user/kinds/oom_kill.h"

static unsigned int bad;

/* ---- the field each rule rests on: without it another one speaks -------------- */

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
	if (o.kind != KIND_oom_kill)
		return;
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

	snprintf(directory, sizeof(directory), "/oom_kill/%s/", trap->name);
	if (!strstr(path, directory))
		return;
	trap_found = true;
	words = judge(path, line, length);
	if (trap->wrong && strstr(words, trap->wrong)) {
		print_error("%s says: %s\n", trap->name, trap->wrong);
		bad++;
	}
	if (trap->right && !strstr(words, trap->right)) {
		print_error("%s does not say: %s\n", trap->name, trap->right);
		bad++;
	}
}

static void test_traps(void **state)
{
	(void)state;
	bad = 0;
	for (trap = traps; trap < traps + COUNT(traps); trap++) {
		trap_found = false;
		golden_each("in.ndjson", check_trap);
		if (!trap_found)
			fail_msg("there is no case %s", trap->name);
	}
	assert_int_equal(bad, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rests_on),
		cmocka_unit_test(test_traps),
		cmocka_unit_test(test_fitted),
		cmocka_unit_test(test_lasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
