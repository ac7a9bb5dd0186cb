// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Deaths, and who sent the signal, on tracepoints alone.
 *
 *	fork, exec		keep who a process is: at its death the kernel knows no more
 *	signal_generate		note what may end it, and in whose context it was sent
 *	mark_victim		the OOM killer chose it
 *	exit of the last thread	the report: all of the above with the kernel's own numbers
 *
 * A signal is noted when it is sent because its delivery no longer tells: for
 * a fatal one the kernel then reports SIGKILL without sender.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "exit.h"
#include "emit.bpf.h"
#include "task.bpf.h"
#include "cgroup.bpf.h"
#include "filter.bpf.h"
#include "exit_identity.bpf.h"
#include "exit_signal.bpf.h"

/* sched_process_exit says itself whether the last thread goes: since 6.16 */
const volatile bool exit_has_group_dead = false;

/* processes reported: without group_dead two threads may both see no other alive */
struct reported_key {
	__u64 start_ns;
	__u64 tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct reported_key);
	__type(value, __u32);
} reported SEC(".maps");

/* one per program that uses it: the recursion guard keeps a program to itself on its CPU */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);	/* the second for the copy */
	__type(key, __u32);
	__type(value, struct exit_event);
} exit_scratch SEC(".maps");

/* ---- the OOM killer ------------------------------------------------- */

static __always_inline int victim_marked(__u32 tgid)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 now = bpf_ktime_get_boot_ns();
	struct exit_oom_event *e;

	bpf_map_update_elem(&oom_contexts, &tid, &now, BPF_ANY);
	e = event_reserve(EXIT_EVENT_OOM, sizeof(*e));
	if (!e)
		return 0;
	e->pid = tgid;
	e->trigger_pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e->trigger_comm, sizeof(e->trigger_comm));
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* (task, uid) since 6.8 and in stable releases of that time, see oom.bpf.c */
SEC("raw_tp/mark_victim")
int exit_mark_victim(__u64 *ctx)
{
	return victim_marked(BPF_CORE_READ((struct task_struct *)ctx[0], tgid));
}

/* (int pid) before: of the process just sent SIGKILL here, else of current, which was exiting */
SEC("raw_tp/mark_victim")
int exit_mark_victim_pid(__u64 *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid(), *tgid = bpf_map_lookup_elem(&kernel_kills, &tid);

	(void)ctx;
	return victim_marked(tgid ? *tgid : bpf_get_current_pid_tgid() >> 32);
}

/* ---- the end -------------------------------------------------------- */

/* as wait() has it: the group's when something ended all of it, else the last thread's own */
static __always_inline __u32 exit_code_of(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(signal, group_exit_code);
	return BPF_CORE_READ(task, exit_code);
}

static __always_inline bool is_abnormal(__u32 exit_code)
{
	__u32 status = exit_code >> 8 & 0xff;

	return (exit_code & 0xff) || status == 126 || status == 127 || (status > 128 && status <= 192);
}

static __always_inline bool is_first_report(struct task_struct *task)
{
	struct reported_key key = {
		.start_ns = BPF_CORE_READ(task, group_leader, start_boottime),
		.tgid = BPF_CORE_READ(task, tgid),
	};
	__u32 one = 1;

	return exit_has_group_dead || !bpf_map_update_elem(&reported, &key, &one, BPF_NOEXIST);
}

/* all threads: those released are in signal_struct, a leader that went before is not */
static __always_inline void fill_usage(struct exit_event *e, struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	__u64 other = leader != task;

	e->user_ns = BPF_CORE_READ(signal, utime) + BPF_CORE_READ(task, utime) + other * BPF_CORE_READ(leader, utime);
	e->system_ns = BPF_CORE_READ(signal, stime) + BPF_CORE_READ(task, stime) +
		       other * BPF_CORE_READ(leader, stime);
	e->runtime_ns = BPF_CORE_READ(signal, sum_sched_runtime) + BPF_CORE_READ(task, se.sum_exec_runtime) +
			other * BPF_CORE_READ(leader, se.sum_exec_runtime);
	KNOW(&e->exit, max_rss_bytes, BPF_CORE_READ(signal, maxrss) * page_size);
	e->exit.read_bytes = e->exit.write_bytes = 0;
	if (!bpf_core_field_exists(task->ioac))
		return;
	KNOW(&e->exit, read_bytes, BPF_CORE_READ(signal, ioac.read_bytes) + BPF_CORE_READ(task, ioac.read_bytes) +
				   other * BPF_CORE_READ(leader, ioac.read_bytes));
	KNOW(&e->exit, write_bytes, BPF_CORE_READ(signal, ioac.write_bytes) + BPF_CORE_READ(task, ioac.write_bytes) +
				    other * BPF_CORE_READ(leader, ioac.write_bytes));
}

/* indexes of signal_struct.rlim, include/uapi/asm-generic/resource.h */
enum { RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_CORE = 4 };

static __always_inline void fill_limits(struct exit_event *e, struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	e->cpu_limit_s[0] = BPF_CORE_READ(signal, rlim[RLIMIT_CPU].rlim_cur);
	e->cpu_limit_s[1] = BPF_CORE_READ(signal, rlim[RLIMIT_CPU].rlim_max);
	e->size_limit = BPF_CORE_READ(signal, rlim[RLIMIT_FSIZE].rlim_cur);
	e->core_limit = BPF_CORE_READ(signal, rlim[RLIMIT_CORE].rlim_cur);
}

static __always_inline void fill_exit(struct exit_event *e, struct task_struct *task, __u32 exit_code)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	__builtin_memset(&e->process.known, 0, sizeof(e->process.known));
	__builtin_memset(&e->exit, 0, sizeof(e->exit));
	fill_process(&e->process, leader);
	e->exit_code = exit_code;
	if (exit_code & 0x7f)
		KNOW(&e->exit, signal, exit_code & 0x7f);
	else
		KNOW(&e->exit, code, exit_code >> 8 & 0xff);
	KNOW(&e->exit, core_dumped, exit_code >> 7 & 1);
	KNOW(&e->exit, uptime_ns, e->header.boot_ns - e->process.start_ns);
	KNOW(&e->exit, namespace_init, e->process.known.ns_pid && e->process.ns_pid == 1);
	fill_usage(e, task);
	fill_limits(e, task);
	e->parent_start_ns = BPF_CORE_READ(leader, real_parent, group_leader, start_boottime);
	e->seccomp_mode = bpf_core_field_exists(task->seccomp.mode) ? BPF_CORE_READ(task, seccomp.mode) : 0;
	e->syscall = REGS_SYSCALL(current_regs());
	e->ancestor_count = fill_ancestors(e->ancestors, 6, task);
	e->cgroup_id = tell_cgroup(EXIT_EVENT_CGROUP, task, &e->cgroup_version);
}

static __always_inline __u64 add_identity(struct exit_event *e, __u32 tgid)
{
	struct identity *id = bpf_map_lookup_elem(&identities, &tgid);
	__u64 bytes;

	e->exe_bytes = e->args_bytes = e->args_cut = e->exe_plain = e->first_ppid = 0;
	if (!id || (id->start_ns && id->start_ns != e->process.start_ns))
		return 0;
	e->exe_plain = id->exe_plain;
	e->args_cut = id->args_cut;
	e->first_ppid = id->ppid;
	if (id->threads)
		KNOW(&e->exit, threads, id->threads);
	if (id->exec_ns)
		KNOW(&e->exit, program_ns, e->header.boot_ns - id->exec_ns);
	bytes = id->exe_bytes + id->args_bytes;
	barrier_var(bytes);
	if (bytes > IDENTITY_BYTES || bpf_probe_read_kernel(e->data, bytes, id->data))
		return 0;
	e->exe_bytes = id->exe_bytes;
	e->args_bytes = id->args_bytes;
	return bytes;
}

static __always_inline __u64 add_notes(struct exit_event *e, __u64 used, struct task_struct *task, __u32 tgid)
{
	struct notes *notes = bpf_map_lookup_elem(&signalled, &tgid);
	__u32 count;
	__u64 bytes;

	e->note_count = 0;
	if (!notes || notes->start_ns != e->process.start_ns)
		return used;
	count = notes->total < SIGNAL_NOTES ? notes->total : SIGNAL_NOTES;
#pragma unroll
	for (int i = 0; i < SIGNAL_NOTES; i++)
		if (i < count)
			notes->note[i].action_at_death = task_signal_action(task, notes->note[i].signal);
	bytes = count * sizeof(struct signal_note);
	barrier_var(used);
	barrier_var(bytes);
	if (used > IDENTITY_BYTES || bytes > sizeof(notes->note) ||
	    bpf_probe_read_kernel(e->data + used, bytes, notes->note))
		return used;
	e->note_count = count;
	return used + bytes;
}

static __always_inline __u64 add_fault(struct exit_event *e, __u64 used, __u32 tgid)
{
	struct fault_note *fault = bpf_map_lookup_elem(&faults, &tgid);

	e->fault_count = 0;
	barrier_var(used);
	if (!fault || used > IDENTITY_BYTES + SIGNAL_NOTES * sizeof(struct signal_note) ||
	    bpf_probe_read_kernel(e->data + used, sizeof(*fault), fault))
		return used;
	e->fault_count = 1;
	return used + sizeof(*fault);
}

static __always_inline void report_exit(struct task_struct *task, __u32 tgid, __u32 exit_code, __u32 copy)
{
	struct event_account *a = &account[EXIT_EVENT_EXIT];
	__u64 used;
	struct exit_event *e = bpf_map_lookup_elem(&exit_scratch, &copy);

	if (!e)
		return;
	e->header.type = EXIT_EVENT_EXIT;
	e->header.boot_ns = bpf_ktime_get_boot_ns();
	fill_exit(e, task, exit_code);
	used = add_identity(e, tgid);
	used = add_notes(e, used, task, tgid);
	used = add_fault(e, used, tgid);
	barrier_var(used);
	if (used > sizeof(e->data))
		return;
	e->header.size = __builtin_offsetof(struct exit_event, data) + used;
	__sync_fetch_and_add(&a->generated, 1);
	if (bpf_ringbuf_output(&events, e, __builtin_offsetof(struct exit_event, data) + used, 0))
		account_loss(a, &a->ring_full);
}

static __always_inline int task_exits(__u64 *ctx, __u32 copy)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, exit_code;
	bool last = exit_has_group_dead ? ctx[1] & 1 : BPF_CORE_READ(task, signal, live.counter) == 0;

	/* a leader that goes before its threads, the threads that an exec ends */
	if (!last)
		return 0;
	exit_code = exit_code_of(task);
	if ((filter.all || is_abnormal(exit_code)) && !(BPF_CORE_READ(task, flags) & PF_KTHREAD) &&
	    task_wanted(task) && is_first_report(task))
		report_exit(task, tgid, exit_code, copy);
	bpf_map_delete_elem(&identities, &tgid);
	bpf_map_delete_elem(&signalled, &tgid);
	bpf_map_delete_elem(&faults, &tgid);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int exit_exit(__u64 *ctx)
{
	leave_mark();
	return task_exits(ctx, 0);
}

SEC("raw_tp/sched_process_exit")
int exit_exit_again(__u64 *ctx)
{
	return is_second_chance(EXIT_EVENT_EXIT) ? task_exits(ctx, 1) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
