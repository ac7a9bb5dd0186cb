// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why the kernel ran out of memory. Order matters: what the kernel said itself
 * first, then whose memory it was, then how it grew; the last rule claims nothing.
 */
#include "diagnosis.h"

#include <string.h>

#include "oom_describe.h"
#include "oom_view.h"
#include "oom_words.h"
#include "say.h"

static void confide(struct verdict *ret, enum basis basis)
{
	KNOW(&ret->diagnosis, confidence, basis);
}

/* ---- already exiting ------------------------------------------------ */

static bool exiting_matches(const struct observation *observation)
{
	return observation->oom_kill.known.killed && !observation->oom_kill.killed;
}

static void exiting_explain(const struct observation *observation, struct verdict *ret)
{
	struct oom_view v;
	struct text text;

	oom_view_init(&v, observation);
	text = say_cause(ret);
	text_add(&text, "no process was killed: ");
	oom_say_place(&text, &v);
	text_add(&text, " was reached, and the task the kernel chose was already exiting; "
			"it was given access to reserves so that it can finish");
	text = say_advice(ret);
	text_add(&text, "do not count this as a kill; find out why the process ended (exit status, signal)");
	oom_say_summary(observation, &v, "no kill", ret);
}

/* ---- by hand -------------------------------------------------------- */

static bool hand_matches(const struct observation *observation)
{
	return observation->oom_kill.known.scope && observation->oom_kill.scope == OOM_SCOPE_OTHER;
}

static void hand_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct oom_view v;
	struct text text;

	oom_view_init(&v, observation);
	text = say_cause(ret);
	text_add(&text, "nothing had run out and nobody waited for memory: the kernel was asked to kill by hand "
			"(sysrq f), or by a path that tries no reclaim first");
	confide(ret, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "ask who wrote f to /proc/sysrq-trigger or pressed the keys: dmesg | grep -i sysrq");
	oom_say_summary(observation, &v, "by hand", ret);
	text = say_message(ret);
	text_add(&text, "OOM: ");
	say_process(&text, p->comm, p->known.pid, p->pid);
	text_add(&text, " killed by hand (sysrq f)");
}

/* ---- whose memory it is --------------------------------------------- */

/* more than half of the domain is of a class that no process can free by dying */
static bool class_dominates(const struct observation *observation, bool known, uint64_t bytes)
{
	struct oom_view v;

	oom_view_init(&v, observation);
	return known && v.limit_bytes && bytes > v.limit_bytes / 2;
}

static bool tmpfs_matches(const struct observation *observation)
{
	const struct oom_kill *o = &observation->oom_kill;

	return class_dominates(observation, o->known.domain_shmem_bytes, o->domain_shmem_bytes);
}

static void say_class(const struct observation *observation, const char *what, uint64_t bytes,
		      const char *word, struct verdict *ret)
{
	struct oom_view v;
	struct text text = say_cause(ret);

	oom_view_init(&v, observation);
	text_add(&text, "not the heap: ");
	text_bytes(&text, bytes);
	text_add(&text, " of ");
	text_bytes(&text, v.limit_bytes);
	text_format(&text, " %s", what);
	confide(ret, strcmp(word, "page cache") == 0 ? BASIS_INFERRED : BASIS_MEASURED);
	oom_say_summary(observation, &v, word, ret);
}

static void tmpfs_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text;

	say_class(observation, "are shared memory or files on a tmpfs, which killing a process does not "
		  "give back unless it was their last user", observation->oom_kill.domain_shmem_bytes,
		  "tmpfs or shared memory", ret);
	text = say_advice(ret);
	text_add(&text, "find and remove what fills it: df -h -t tmpfs; du -xh --max-depth=1 on /dev/shm and "
			"every tmpfs the container mounts; ipcs -m");
	text = say_advice(ret);
	text_add(&text, "bound it: mount -o remount,size=N on that tmpfs (emptyDir medium Memory: sizeLimit)");
}

static bool kernel_matches(const struct observation *observation)
{
	const struct oom_kill *o = &observation->oom_kill;

	return class_dominates(observation, o->known.domain_kernel_bytes, o->domain_kernel_bytes);
}

static void kernel_explain(const struct observation *observation, struct verdict *ret)
{
	struct oom_view v;
	struct text text;

	say_class(observation, "are kernel memory charged to it: sockets, pipes, slab, page tables, stacks",
		  observation->oom_kill.domain_kernel_bytes, "kernel memory", ret);
	oom_view_init(&v, observation);
	text = say_advice(ret);
	if (v.host) {
		text_add(&text, "see which: grep -E '^(Slab|SUnreclaim|KernelStack|PageTables|Percpu)' /proc/meminfo; "
				"slabtop -o -s c");
	} else if (!oom_has_file(observation, v.binding ? v.binding->path : NULL)) {
		text_add(&text, "see which: memory.stat of the cgroup");
	} else if (observation->cgroup.version == 1) {
		text_add(&text, "see how much: cat ");
		say_cgroup_file(&text, 1, v.binding->path, "memory.kmem.usage_in_bytes", "");
	} else {
		text_add(&text, "see which: grep -E '^(slab|sock|pagetables|kernel_stack|percpu)' ");
		say_cgroup_file(&text, 2, v.binding->path, "", "memory.stat");
	}
	say_whole(&text, &ret->diagnosis.advice_count);
	text = say_advice(ret);
	text_add(&text, "many sockets or pipes with unread data, many threads or many files held open "
			"are the usual owners: ls /proc/PID/fd | wc -l, ss -m");
}

static bool cache_matches(const struct observation *observation)
{
	const struct oom_kill *o = &observation->oom_kill;

	return class_dominates(observation, o->known.domain_file_bytes, o->domain_file_bytes);
}

static void cache_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text;

	say_class(observation, "are page cache that could not be reclaimed in time (dirty, locked or mapped)",
		  observation->oom_kill.domain_file_bytes, "page cache", ret);
	text = say_advice(ret);
	text_add(&text, "slow storage under a writer, or mlock, is the usual reason: look at /proc/pressure/io and at "
			"dirty, writeback and unevictable in memory.stat; write with O_DIRECT or fsync as you go");
}

/* someone else in the domain holds most of it, and more than the victim did */
static bool neighbour_matches(const struct observation *observation)
{
	struct oom_view v;

	oom_view_init(&v, observation);
	return v.largest && v.victim_bytes && v.limit_bytes &&
	       oom_candidate_bytes(v.largest) > v.victim_bytes &&
	       oom_candidate_bytes(v.largest) > v.limit_bytes / 100 * 35;
}

static bool host_neighbour_matches(const struct observation *observation)
{
	struct oom_view v;

	oom_view_init(&v, observation);
	return v.host && neighbour_matches(observation);
}

static void neighbour_explain(const struct observation *observation, struct verdict *ret)
{
	const struct oom_candidate *c;
	struct oom_view v;
	struct text text;

	oom_view_init(&v, observation);
	c = v.largest;
	text = say_cause(ret);
	text_add(&text, "the victim did not eat it: ");
	say_process(&text, c->comm, c->known.pid, c->pid);
	text_add(&text, " holds ");
	text_bytes(&text, oom_candidate_bytes(c));
	text_add(&text, " of ");
	text_bytes(&text, v.limit_bytes);
	text_add(&text, v.host ? " of the host" : " of the same cgroup");
	if (c->known.protected && c->protected && c->known.oom_score_adj)
		text_format(&text, " and is protected by oom_score_adj %lld", (long long)c->oom_score_adj);
	if (c->known.growth_bytes_per_s && c->growth_bytes_per_s > 0 &&
	    c->growth_bytes_per_s < INT64_MAX / 60) {
		text_add(&text, "; it grew ");
		text_bytes(&text, c->growth_bytes_per_s * 60);
		text_add(&text, "/min");
	}
	text_add(&text, "; the victim held ");
	text_bytes(&text, v.victim_bytes);
	confide(ret, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "look at the neighbour first: ");
	say_process(&text, c->comm, c->known.pid, c->pid);
	text = say_advice(ret);
	if (v.host)
		text_format(&text, "give it a limit of its own (systemctl set-property UNIT MemoryMax=%llu)",
			    (unsigned long long)oom_round_up(v.limit_bytes / 2));
	else
		text_format(&text, "give each of the two a cgroup of its own%s",
			    c->known.protected && c->protected ? ", or take the neighbour's protection away" : "");
	oom_say_summary(observation, &v, "a neighbour holds most of it", ret);
}

/* ---- how it grew ---------------------------------------------------- */

static bool growth_is(const struct observation *observation, enum oom_growth growth)
{
	struct oom_view v;

	oom_view_init(&v, observation);
	return v.shape.known && v.shape.growth == growth;
}

static bool host_matches(const struct observation *observation)
{
	return observation->oom_kill.known.scope && observation->oom_kill.scope == OOM_SCOPE_GLOBAL;
}

static void host_explain(const struct observation *observation, struct verdict *ret)
{
	struct oom_view v;
	struct text text;

	oom_view_init(&v, observation);
	text = say_cause(ret);
	text_add(&text, "the whole host ran out of memory: together its processes were promised more than it has");
	if (v.victim_bytes && v.limit_bytes) {
		text_add(&text, "; the victim held ");
		text_bytes(&text, v.victim_bytes);
		text_add(&text, " of ");
		text_bytes(&text, v.limit_bytes);
	}
	if (v.shape.known && v.shape.growth == OOM_GROWTH_LEAK) {
		text_add(&text, "; anonymous memory grew ");
		oom_say_rate(&text, &v.shape);
		text_add(&text, " without a plateau");
	}
	confide(ret, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "no limit protected the host: give the largest services a limit below what the host has "
			"(MemoryMax=, resources.limits.memory), so that one of them fails and not all");
	oom_say_summary(observation, &v, "host out of memory", ret);
	text = say_verify(ret);
	text_add(&text, "grep -E 'MemAvailable|Committed_AS|CommitLimit' /proc/meminfo");
}

static bool leak_matches(const struct observation *observation)
{
	return growth_is(observation, OOM_GROWTH_LEAK);
}

/* nanoseconds that so many bytes take at a rate per minute */
static uint64_t time_to_grow(uint64_t bytes, uint64_t per_min)
{
	double ns = (double)bytes / per_min * 60e9;

	return ns < 1e18 ? ns : 1e18;
}

static void leak_explain(const struct observation *observation, struct verdict *ret)
{
	uint64_t rate;
	struct oom_view v;
	struct text text;

	oom_view_init(&v, observation);
	rate = oom_rate_per_min(&v.shape);
	text = say_cause(ret);
	oom_say_place(&text, &v);
	text_add(&text, " was reached; its anonymous memory grew ");
	oom_say_rate(&text, &v.shape);
	text_add(&text, " for ");
	text_duration(&text, v.shape.grown_ns);
	text_add(&text, " without a plateau: a leak");
	/* a short look cannot tell a leak from a job that needs more than there is */
	if (v.shape.grown_ns < 120000000000ULL)
		text_add(&text, ", or more data than fits");
	confide(ret, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "find the leak before raising the limit");
	if (rate) {
		text_add(&text, ": at this rate a limit of ");
		text_bytes(&text, 2 * v.limit_bytes);
		text_add(&text, " lasts only ");
		text_duration(&text, time_to_grow(v.limit_bytes, rate));
		text_add(&text, " longer");
	}
	text = say_advice(ret);
	text_add(&text, "take a heap profile while it grows; until it is fixed, a restart before the limit is reached");
	if (rate) {
		text_add(&text, " (it fills it in ");
		text_duration(&text, time_to_grow(v.limit_bytes, rate));
		text_add(&text, ")");
	}
	text_add(&text, " is kinder than a kill");
	oom_say_summary(observation, &v, "leak", ret);
}

static bool burst_matches(const struct observation *observation)
{
	return growth_is(observation, OOM_GROWTH_BURST);
}

static void burst_explain(const struct observation *observation, struct verdict *ret)
{
	uint64_t before;
	struct oom_view v;
	struct text text;

	oom_view_init(&v, observation);
	before = v.shape.last_bytes - v.shape.grown_bytes;
	text = say_cause(ret);
	oom_say_place(&text, &v);
	text_add(&text, " was reached by a burst: anonymous memory stood near ");
	text_bytes(&text, before);
	text_add(&text, " and grew by ");
	text_bytes(&text, v.shape.grown_bytes);
	text_add(&text, " within the last ");
	text_duration(&text, v.shape.grown_ns);
	confide(ret, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "find what asks for so much at once (one large request, file or query; too many in parallel) "
			"and bound it");
	oom_say_raise(observation, &v, oom_round_up(v.limit_bytes + v.shape.grown_bytes / 2),
		  "a first try: the burst was cut off at the limit, how much it needs is unknown", ret);
	oom_say_summary(observation, &v, "burst", ret);
	if (!v.binding || !oom_has_file(observation, v.binding->path))
		return;
	text = say_verify(ret);
	text_add(&text, "cat ");
	say_cgroup_file(&text, observation->cgroup.version, v.binding->path, "memory.max_usage_in_bytes",
			"memory.peak");
	say_whole(&text, &ret->diagnosis.verify_count);
}

static bool small_matches(const struct observation *observation)
{
	return growth_is(observation, OOM_GROWTH_PLATEAU);
}

static void small_explain(const struct observation *observation, struct verdict *ret)
{
	const struct oom_kill *o = &observation->oom_kill;
	struct oom_view v;
	struct text text;
	uint64_t need;

	oom_view_init(&v, observation);
	/* what cannot be dropped besides the heap counts too; less than an eighth more is no change */
	need = v.shape.steady_bytes / 4 * 5 + (o->known.domain_shmem_bytes ? o->domain_shmem_bytes : 0) +
	       (o->known.domain_kernel_bytes ? o->domain_kernel_bytes : 0);
	if (need < v.limit_bytes / 8 * 9)
		need = v.limit_bytes / 8 * 9;
	text = say_cause(ret);
	oom_say_place(&text, &v);
	text_add(&text, " is smaller than what it steadily needs: anonymous memory stood at ");
	text_bytes(&text, v.shape.steady_bytes);
	text_format(&text, " (%llu %% of the limit) for most of ",
		    (unsigned long long)(v.shape.steady_bytes * 100 / v.limit_bytes));
	text_duration(&text, v.shape.span_ns);
	text_add(&text, " and did not keep growing");
	confide(ret, BASIS_INFERRED);
	oom_say_raise(observation, &v, oom_round_up(need), "the steady use plus a quarter", ret);
	text = say_advice(ret);
	text_add(&text, "or make it need less (heap size, cache size, worker count), if the limit is meant");
	oom_say_summary(observation, &v, "limit smaller than the working set", ret);
}

/* ---- nothing to say ------------------------------------------------- */

static bool short_matches(const struct observation *observation)
{
	struct oom_view v;

	oom_view_init(&v, observation);
	return !v.shape.known;
}

static void short_explain(const struct observation *observation, struct verdict *ret)
{
	const struct oom_kill *o = &observation->oom_kill;
	struct oom_view v;
	struct text text;

	oom_view_init(&v, observation);
	text = say_cause(ret);
	oom_say_place(&text, &v);
	text_add(&text, !v.binding && !o->known.scope ? " ran out; this line says too little to tell why" :
			v.limit_bytes ? " was reached; there is not enough history to tell a leak from a burst or a "
					"limit that is too small" :
					" was reached; without it the growth before cannot be judged");
	if (o->known.victim_age_ns && o->victim_age_ns < 10000000000ULL) {
		text_add(&text, " (the victim lived ");
		text_duration(&text, o->victim_age_ns);
		text_add(&text, ")");
	}
	confide(ret, BASIS_UNKNOWN);
	text = say_advice(ret);
	if (o->known.earlier_kills && o->earlier_kills)
		text_format(&text, "this is kill %llu in this cgroup since the watch began: raise the limit once and look "
			    "at where the memory then settles",
			    (unsigned long long)o->earlier_kills + 1);
	else
		text_add(&text, "keep oomwatch running: the next kill will come with its history");
	oom_say_summary(observation, &v, v.limit_bytes ? "not enough history to say why" : "cause unknown", ret);
}

static bool always(const struct observation *observation)
{
	(void)observation;
	return true;
}

static void unrecognised_explain(const struct observation *observation, struct verdict *ret)
{
	struct oom_view v;
	struct text text;

	oom_view_init(&v, observation);
	text = say_cause(ret);
	oom_say_place(&text, &v);
	text_add(&text, " was reached; how the memory grew fits none of the known shapes (leak, burst, plateau)");
	confide(ret, BASIS_UNKNOWN);
	text = say_advice(ret);
	text_add(&text, "read the history above, and look at the largest processes");
	oom_say_summary(observation, &v, "cause not recognised", ret);
}

static const struct rule rules[] = {
	{ "oom-already-exiting", "the chosen task was already exiting; nothing was killed",
	  exiting_matches, exiting_explain },
	{ "oom-by-hand", "nothing had run out: sysrq f, or a path without reclaim", hand_matches, hand_explain },
	{ "oom-tmpfs", "shared memory or tmpfs fills the domain", tmpfs_matches, tmpfs_explain },
	{ "oom-kernel-memory", "kernel memory fills the domain", kernel_matches, kernel_explain },
	{ "oom-cache", "page cache that cannot be reclaimed fills the domain", cache_matches, cache_explain },
	{ "oom-host-neighbour", "the host ran out and another process than the victim holds most of it",
	  host_neighbour_matches, neighbour_explain },
	{ "oom-host", "the host ran out of memory", host_matches, host_explain },
	{ "oom-neighbour", "another process of the cgroup holds more of it than the victim",
	  neighbour_matches, neighbour_explain },
	{ "oom-leak", "steady growth without a plateau", leak_matches, leak_explain },
	{ "oom-burst", "flat, then most of the growth within a moment", burst_matches, burst_explain },
	{ "oom-limit-too-small", "the steady working set stands just below the limit",
	  small_matches, small_explain },
	{ "oom-no-history", "too few samples to tell", short_matches, short_explain },
	{ "oom-unrecognised", "none of the above", always, unrecognised_explain },
};

const struct rule_table oom_kill_rules = {
	.rules = rules,
	.count = sizeof(rules) / sizeof(rules[0]),
	.describe = oom_describe,
};
