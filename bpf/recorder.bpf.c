// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recorder: one pass over all processes, run by user space at each tick.
 * Writes every process's memory by class and every memory cgroup's usage and
 * limit, so that a later kill can be seen against the time before it.
 *
 * Reads are mostly plain loads (the iterator's pointers are BTF-typed, a load
 * that faults yields 0), because at ten thousand processes a helper call per
 * field is what the pass would cost. Where a pointer leads to another, the
 * verifier of newer kernels searches all of BTF: there a helper call is cheaper.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "events.h"
#include "recorder.h"
#include "compat.bpf.h"

__u64 pass;		/* incremented by user space before each */
__u64 map_full;		/* cgroups that did not fit into the table */

/* the pass in which a cgroup was last written */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, 1);	/* BPF_F_NO_PREALLOC: most hosts have a few dozen */
	__type(key, __u64);
	__type(value, __u64);
} cgroups_seen SEC(".maps");

/* neighbours in pid order are often neighbours in a cgroup */
__u64 last_memcg;
__u64 last_id;
__u64 last_pass;

/*
 * Pages by class. 6.2 made the counters per-CPU: their common part is near
 * enough for a history. Before, the verifier of 5.10 does not walk an array of
 * atomic_long_t, so the four are read at once.
 */
static __always_inline void read_pages(struct mm_struct *mm, __u32 ret[4])
{
	struct mm_struct___before_6_2 *before = (void *)mm;
	__s64 pages[4] = {};

	if (bpf_core_field_exists(before->rss_stat.count)) {
		bpf_core_read(pages, sizeof(pages), &before->rss_stat.count);
	} else {
		pages[0] = mm->rss_stat[0].count;
		pages[1] = mm->rss_stat[1].count;
		pages[2] = mm->rss_stat[2].count;
		pages[3] = mm->rss_stat[3].count;
	}
#pragma unroll
	for (int class = 0; class < 4; class++)
		ret[class] = pages[class] & ~(pages[class] >> 63);
}

/*
 * Writes a cgroup and those above it, as far as this pass has not met them.
 * Few branches: the verifier walks every combination of them at each level.
 */
static __always_inline void write_cgroups(struct seq_file *seq, struct mem_cgroup *memcg)
{
#pragma clang loop unroll(disable)
	for (int level = 0; level < RECORDER_LEVELS; level++) {
		struct cgroup_subsys_state *up = BPF_CORE_READ(memcg, css.parent);
		struct recorder_entry entry = {};
		__u64 *seen;

		if (!up)
			return;
		entry.cgroup_id = BPF_CORE_READ(memcg, css.cgroup, kn, id);
		seen = bpf_map_lookup_elem(&cgroups_seen, &entry.cgroup_id);
		if (seen && *seen == pass)
			return;
		/* an error is negative: its sign counts it */
		map_full += (__u64)bpf_map_update_elem(&cgroups_seen, &entry.cgroup_id, &pass, BPF_ANY) >> 63;
		entry.cgroup.hierarchy_id = BPF_CORE_READ(memcg, css.cgroup, root, hierarchy_id);
		entry.cgroup.usage_pages = BPF_CORE_READ(memcg, memory.usage.counter);
		entry.cgroup.max_pages = BPF_CORE_READ(memcg, memory.max);
		entry.cgroup.parent_id = BPF_CORE_READ(up, cgroup, kn, id);
		bpf_seq_write(seq, &entry, sizeof(entry));
		memcg = (struct mem_cgroup *)up;
	}
}

/* The id of a task's memory cgroup, which is written when this pass meets it first. */
static __always_inline __u64 task_memory_cgroup(struct seq_file *seq, struct task_struct *task)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)task_memory_css(task);

	if (!memcg)
		return 0;
	if ((__u64)memcg == last_memcg && last_pass == pass)
		return last_id;
	write_cgroups(seq, memcg);
	last_memcg = (__u64)memcg;
	last_pass = pass;
	last_id = BPF_CORE_READ(memcg, css.cgroup, kn, id);
	return last_id;
}

/* an iterator over tasks; user/recorder.c says so to libbpf, which would read all of BTF for "iter/task" */
SEC("kwhy_iter_task")
int record_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct recorder_entry entry = {};
	struct mm_struct *mm;

	if (!task)
		return 0;
	/* threads tell nothing new, but of a leader that has exited before them */
	if (task->pid != task->tgid && BPF_CORE_READ(task, group_leader, mm))
		return 0;
	mm = task->mm;
	if (!mm)
		return 0;
	entry.pid = task->tgid;
	entry.oom_score_adj = task->signal->oom_score_adj;
	entry.process.start_ns = task->start_boottime;
	read_pages(mm, entry.process.pages);
	entry.process.pagetables_kib = mm->pgtables_bytes.counter >> 10;
	entry.process.ppid = BPF_CORE_READ(task, real_parent, tgid);
	bpf_core_read(entry.process.comm, sizeof(entry.process.comm), &task->comm);
	entry.cgroup_id = task_memory_cgroup(seq, task);
	bpf_seq_write(seq, &entry, sizeof(entry));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
