// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * OOM kills, on tracepoints alone; oom_kill_process adds what only it knows.
 *
 * One decision of the OOM killer runs in the context of the task whose
 * allocation failed ("trigger"), in this order:
 *	reclaim begins (vmscan)		remember scope, flags, order
 *	[oom_kill_process]		exact scope, domain and score, where hookable
 *	SIGKILL to a victim		signal_generate, SEND_SIG_PRIV
 *	mark_victim			the report; no SIGKILL before it: already exiting
 *	SIGKILL, mark_victim ...	further victims (memory.oom.group, shared mm)
 * A task always tries reclaim again before its next decision, so what follows
 * one reclaim is one decision.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "oom.h"
#include "emit.bpf.h"
#include "task.bpf.h"

#define SIGKILL 9
#define SEND_SIG_PRIV 1		/* include/linux/sched/signal.h: sent by the kernel itself */

/*
 * Reclaim for a cgroup takes these bits from the allocation and makes up the
 * others (mm/internal.h). HIGH IO FS, DIRECT_RECLAIM KSWAPD_RECLAIM, NOWARN
 * RETRY_MAYFAIL NOFAIL NORETRY MEMALLOC, NOMEMALLOC: the same numbers 5.10 to 7.3.
 */
#define GFP_RECLAIM_MASK 0xbece0

/* mm_vmscan_*_reclaim_begin: (order, gfp) until 7.0, (gfp, order, memcg) since 7.1 */
const volatile bool vmscan_gfp_first = false;
/* sched_process_exit says itself whether the last thread goes: since 6.16 */
const volatile bool exit_has_group_dead = false;

struct decision {
	__u64 id;		/* 0: none open since the last reclaim */
	__u64 scope;
	__u64 gfp_flags;
	__s64 order;
	__u64 reclaim_ns;
	__u64 signalled_tgid;	/* last process SIGKILLed */
	struct task_struct *signalled;
	__u64 reported;
	/* from oom_kill_process */
	__u64 exact;
	__u64 domain_cgroup_id;
	__u64 domain_total_bytes;
	__s64 points_bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);	/* tid of the trigger */
	__type(value, struct decision);
} decisions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);	/* tgid */
	__type(value, __u64);	/* decision */
} victims SEC(".maps");

static __always_inline struct decision *decision_of_current(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct decision *d = bpf_map_lookup_elem(&decisions, &tid);
	struct decision fresh = {};

	if (d)
		return d;
	bpf_map_update_elem(&decisions, &tid, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&decisions, &tid);
}

static __always_inline int reclaim_begins(enum oom_scope scope, __u64 first, __u64 second)
{
	struct decision *d = decision_of_current();

	if (!d)
		return 0;
	d->id = 0;
	d->reported = 0;
	d->signalled_tgid = 0;
	d->exact = 0;
	d->scope = scope;
	d->gfp_flags = vmscan_gfp_first ? (__u32)first : (__u32)second;
	if (scope == OOM_SCOPE_MEMCG)
		d->gfp_flags &= GFP_RECLAIM_MASK;
	d->order = (int)(vmscan_gfp_first ? second : first);
	d->reclaim_ns = bpf_ktime_get_boot_ns();
	return 0;
}

SEC("raw_tp/mm_vmscan_memcg_reclaim_begin")
int oom_memcg_reclaim(__u64 *ctx)
{
	return reclaim_begins(OOM_SCOPE_MEMCG, ctx[0], ctx[1]);
}

SEC("raw_tp/mm_vmscan_direct_reclaim_begin")
int oom_direct_reclaim(__u64 *ctx)
{
	return reclaim_begins(OOM_SCOPE_GLOBAL, ctx[0], ctx[1]);
}

static __always_inline int decision_taken(struct oom_control *oc)
{
	struct decision *d = decision_of_current();
	struct mem_cgroup *memcg = BPF_CORE_READ(oc, memcg);

	if (!d)
		return 0;
	d->id = bpf_ktime_get_boot_ns();
	d->reported = 0;
	d->signalled_tgid = 0;
	d->exact = 1;
	d->order = BPF_CORE_READ(oc, order);
	d->gfp_flags = BPF_CORE_READ(oc, gfp_mask);
	/* is_sysrq_oom(): order -1 */
	d->scope = memcg ? OOM_SCOPE_MEMCG : d->order == -1 ? OOM_SCOPE_OTHER : OOM_SCOPE_GLOBAL;
	d->domain_cgroup_id = memcg ? BPF_CORE_READ(memcg, css.cgroup, kn, id) : 0;
	d->domain_total_bytes = BPF_CORE_READ(oc, totalpages) * page_size;
	d->points_bytes = BPF_CORE_READ(oc, chosen_points) * (__s64)page_size;
	return 0;
}

SEC("fentry/oom_kill_process")
int oom_kill_process_fentry(__u64 *ctx)
{
	return decision_taken((struct oom_control *)ctx[0]);
}

SEC("kprobe/oom_kill_process")
int oom_kill_process_kprobe(struct pt_regs *ctx)
{
	return decision_taken((struct oom_control *)PT_REGS_PARM1(ctx));
}

/*
 * One level of the chain: the directory's name, and its memory controller's
 * numbers when it is a level of that hierarchy. Returns the next css to meet.
 */
static __always_inline struct cgroup_subsys_state *
walk_level(struct oom_victim_event *e, struct kernfs_node *kn, struct cgroup_subsys_state *css)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)css;
	__u32 used = e->names_bytes, index = e->level_count;
	struct oom_level *level;
	long length;

	if (used >= OOM_NAMES_BYTES) {
		e->names_cut = 1;
		return NULL;
	}
	length = bpf_probe_read_kernel_str(e->names + used, OOM_NAME_BYTES, BPF_CORE_READ(kn, name));
	if (length <= 0 || length > OOM_NAME_BYTES)
		return NULL;
	e->names_bytes = used + length;
	e->name_count++;
	if (!css || BPF_CORE_READ(css, cgroup, kn) != kn)
		return css;
	if (index >= OOM_LEVELS) {
		e->names_cut = 1;
		return NULL;
	}
	level = &e->level[index];
	level->cgroup_id = BPF_CORE_READ(kn, id);
	level->usage_pages = BPF_CORE_READ(memcg, memory.usage.counter);
	level->max_pages = BPF_CORE_READ(memcg, memory.max);
	level->name_index = e->name_count - 1;
	level->group = BPF_CORE_READ(memcg, oom_group);
	e->level_count = index + 1;
	return BPF_CORE_READ(css, parent);
}

/* The chain of the victim's cgroup from the leaf up, the root left out. */
static __always_inline void walk_cgroups(struct oom_victim_event *e, struct task_struct *task)
{
	struct cgroup_subsys_state *css = task_memory_css(task);
	struct cgroup *cgroup = BPF_CORE_READ(css, cgroup);
	struct kernfs_node *kn, *parent;
	__u64 version = 1;

	if (!css)
		return;
	if (BPF_CORE_READ(cgroup, root, hierarchy_id) == 0) {
		/* v2: the task may live below the level that controls its memory */
		cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
		version = 2;
	}
	kn = BPF_CORE_READ(cgroup, kn);
	KNOW(&e->cgroup, version, version);
	KNOW(&e->cgroup, id, BPF_CORE_READ(kn, id));
#pragma clang loop unroll(disable)
	for (int i = 0; i < 20; i++) {
		parent = kernfs_parent(kn);
		if (!parent)
			return;
		css = walk_level(e, kn, css);
		if (e->names_cut)
			return;
		kn = parent;
	}
	e->names_cut = 1;
}

static __always_inline void fill_victim(struct oom_kill_seen *o, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct mm_pages pages;

	KNOW(o, victim_is_thread, BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid));
	KNOW(o, victim_oom_score_adj, BPF_CORE_READ(task, signal, oom_score_adj));
	o->victim_anon_bytes = o->victim_file_bytes = o->victim_shmem_bytes = 0;
	o->victim_swap_bytes = o->victim_pagetables_bytes = o->victim_vm_bytes = 0;
	if (!mm)
		return;
	mm_pages_read(mm, &pages);
	KNOW(o, victim_file_bytes, mm_class_bytes(&pages, MM_FILEPAGES));
	KNOW(o, victim_anon_bytes, mm_class_bytes(&pages, MM_ANONPAGES));
	KNOW(o, victim_swap_bytes, mm_class_bytes(&pages, MM_SWAPENTS));
	KNOW(o, victim_shmem_bytes, mm_class_bytes(&pages, MM_SHMEMPAGES));
	KNOW(o, victim_pagetables_bytes, BPF_CORE_READ(mm, pgtables_bytes.counter));
	KNOW(o, victim_vm_bytes, BPF_CORE_READ(mm, total_vm) * page_size);
}

static __always_inline void fill_decision(struct oom_kill_seen *o, struct decision *d, __u64 now)
{
	/* a reclaim long ago says nothing of this kill (sysrq from a kworker) */
	bool reclaimed = d->exact || (d->reclaim_ns && now - d->reclaim_ns < 10000000000ULL);

	o->scope = reclaimed ? d->scope : OOM_SCOPE_OTHER;
	o->known.scope = 1;
	o->order = d->order;
	o->gfp_flags = d->gfp_flags;
	o->known.order = o->known.gfp_flags = reclaimed;
	o->victim_points_bytes = d->points_bytes;
	o->domain_total_bytes = d->domain_total_bytes;
	o->domain_cgroup_id = d->domain_cgroup_id;
	o->known.victim_points_bytes = o->known.domain_total_bytes = d->exact;
	o->known.domain_cgroup_id = d->exact && d->domain_cgroup_id;
	KNOW(o, trigger_pid, bpf_get_current_pid_tgid() >> 32);
	bpf_get_current_comm(o->trigger_comm, sizeof(o->trigger_comm));
	o->known.trigger_comm = 1;
}

static __always_inline void report_member(__u32 type, __u64 decision, struct task_struct *task, bool held)
{
	struct oom_member_event *e = event_reserve(type, sizeof(*e));
	struct mm_struct *mm;
	struct mm_pages pages;

	if (!e)
		return;
	e->decision = decision;
	e->pid = BPF_CORE_READ(task, tgid);
	e->freed_bytes = 0;
	BPF_CORE_READ_INTO(&e->comm, task, group_leader, comm);
	mm = held ? BPF_CORE_READ(task, mm) : NULL;
	if (mm) {
		mm_pages_read(mm, &pages);
		e->freed_bytes = mm_class_bytes(&pages, MM_ANONPAGES) + mm_class_bytes(&pages, MM_SWAPENTS) +
				 BPF_CORE_READ(mm, pgtables_bytes.counter);
	}
	bpf_ringbuf_submit(e, 0);
}

static __always_inline void remember_victim(struct task_struct *task, __u64 decision)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (bpf_map_update_elem(&victims, &tgid, &decision, BPF_ANY))
		account_loss(&account[OOM_EVENT_EXIT], &account[OOM_EVENT_EXIT].map_full);
}

static __always_inline int victim_marked(struct task_struct *task)
{
	struct decision *d = decision_of_current();
	__u32 tgid = BPF_CORE_READ(task, tgid);
	__u64 now = bpf_ktime_get_boot_ns();
	struct oom_victim_event *e;
	bool killed;

	if (!d) {
		account_loss(&account[OOM_EVENT_VICTIM], &account[OOM_EVENT_VICTIM].map_full);
		return 0;
	}
	if (!d->id)
		d->id = now;
	killed = d->signalled_tgid == tgid;
	remember_victim(task, d->id);
	if (d->reported) {
		report_member(OOM_EVENT_MEMBER, d->id, task, true);
		return 0;
	}
	d->reported = 1;
	e = event_reserve(OOM_EVENT_VICTIM, sizeof(*e));
	if (!e)
		return 0;
	e->decision = d->id;
	__builtin_memset(&e->process.known, 0, sizeof(e->process.known));
	__builtin_memset(&e->cgroup, 0, sizeof(e->cgroup));
	__builtin_memset(&e->oom.known, 0, sizeof(e->oom.known));
	e->level_count = e->name_count = e->names_cut = e->names_bytes = 0;
	e->page_size = page_size;
	fill_process(&e->process, task);
	fill_victim(&e->oom, task);
	fill_decision(&e->oom, d, now);
	KNOW(&e->oom, killed, killed);
	walk_cgroups(e, task);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* (task, uid) since 6.8 "mm, oom: ... mark_victim" and in stable releases of that time */
SEC("raw_tp/mark_victim")
int oom_mark_victim(__u64 *ctx)
{
	return victim_marked((struct task_struct *)ctx[0]);
}

/* (int pid) before: the task is the one just sent SIGKILL, or current when it was exiting */
SEC("raw_tp/mark_victim")
int oom_mark_victim_pid(__u64 *ctx)
{
	struct decision *d = decision_of_current();
	struct task_struct *current = (struct task_struct *)bpf_get_current_task();
	int tid = ctx[0];

	if (d && d->signalled && BPF_CORE_READ(d->signalled, pid) == tid)
		return victim_marked(d->signalled);
	if (BPF_CORE_READ(current, pid) == tid)
		return victim_marked(current);
	account_loss(&account[OOM_EVENT_VICTIM], &account[OOM_EVENT_VICTIM].map_full);
	return 0;
}

SEC("raw_tp/signal_generate")
int oom_signal(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[2];
	struct task_struct *current;
	struct decision *d;
	__u32 tgid;

	if ((int)ctx[0] != SIGKILL || ctx[1] != SEND_SIG_PRIV)
		return 0;
	/* an exiting init kills its pid namespace with the same signal */
	current = (struct task_struct *)bpf_get_current_task();
	if (BPF_CORE_READ(current, flags) & PF_EXITING)
		return 0;
	d = decision_of_current();
	if (!d)
		return 0;
	tgid = BPF_CORE_READ(task, tgid);
	d->signalled_tgid = tgid;
	d->signalled = task;
	if (!d->reported || bpf_map_lookup_elem(&victims, &tgid))
		return 0;
	/* after the first victim: one that shares its memory, or the next of a group */
	remember_victim(task, d->id);
	report_member(OOM_EVENT_MEMBER, d->id, task, false);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int oom_exit(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 *decision = bpf_map_lookup_elem(&victims, &tgid);
	bool last;

	if (!decision)
		return 0;
	last = exit_has_group_dead ? ctx[1] & 1 : BPF_CORE_READ(task, signal, live.counter) == 0;
	/* two threads may both see no other alive: the first to delete reports */
	if (!last)
		return 0;
	report_member(OOM_EVENT_EXIT, *decision, task, false);
	bpf_map_delete_elem(&victims, &tgid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
