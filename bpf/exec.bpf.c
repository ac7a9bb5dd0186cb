// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that are started, and those that cannot be.
 *
 * A success is told by its tracepoint. A failure is told by nothing but the
 * result of the system call: where its function can be hooked, at its return;
 * else at the return of every system call, which is asked two questions.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "exec.h"
#include "emit.bpf.h"
#include "again.bpf.h"
#include "task.bpf.h"
#include "cgroup.bpf.h"
#include "filter.bpf.h"
#include "exec_record.bpf.h"
#include "exec_failed.bpf.h"

/* a parent that starts this many programs, at this rate or a higher one, is told; and again at each doubling */
#define STORM_EXECS 1024
#define STORM_NS_PER_EXEC 10000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);	/* the second for the copy */
	__type(key, __u32);
	__type(value, struct exec_event);
} exec_scratch SEC(".maps");

/* names before the exec that is under way */
struct old_comm {
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);	/* tid */
	__type(value, struct old_comm);
} old_comms SEC(".maps");

struct storm {
	__u64 start_ns;		/* of the parent */
	__u64 first_ns;
	__u64 execs;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);	/* tgid of the parent */
	__type(value, struct storm);
} storms SEC(".maps");

/* ---- started -------------------------------------------------------- */

/* true when this exec is the one at which its parent's storm is told */
static __always_inline bool count_storm(struct task_struct *parent, struct storm *ret)
{
	__u32 tgid = BPF_CORE_READ(parent, tgid);
	__u64 now = bpf_ktime_get_boot_ns();
	struct storm fresh = {
		.start_ns = BPF_CORE_READ(parent, group_leader, start_boottime), .first_ns = now, .execs = 1,
	};
	struct storm *s = bpf_map_lookup_elem(&storms, &tgid);

	if (!s || s->start_ns != fresh.start_ns || now - s->first_ns > (s->execs + 100) * STORM_NS_PER_EXEC) {
		bpf_map_update_elem(&storms, &tgid, &fresh, BPF_ANY);
		return false;
	}
	__sync_fetch_and_add(&s->execs, 1);
	*ret = *s;
	return ret->execs >= STORM_EXECS && !(ret->execs & (ret->execs - 1));
}

static __always_inline __u32 add_kernel_string(struct exec_event *e, const char *string)
{
	long length = bpf_probe_read_kernel_str(e->data + used_of(e, EXEC_TEXT_BYTES), EXEC_TEXT_BYTES, string);

	if (length <= 0)
		return 0;
	e->used += length;
	return length;
}

/* filename, interpreter and arguments of the new program */
static __always_inline void add_program(struct exec_event *e, struct task_struct *task, struct linux_binprm *bprm)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	const char *filename = BPF_CORE_READ(bprm, filename), *interpreter = BPF_CORE_READ(bprm, interp);
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	__u64 size = BPF_CORE_READ(mm, arg_end) - start;

	KNOW(&e->exec, argc, BPF_CORE_READ(bprm, argc));
	KNOW(&e->exec, args_bytes, size);
	e->filename_bytes = add_kernel_string(e, filename);
	if (BPF_CORE_READ(bprm, fdpath))
		e->flags |= EXEC_EVENT_BY_FD;
	if (interpreter != filename)
		e->interpreter_bytes = add_kernel_string(e, interpreter);
	if (size > EXEC_ARGS_BYTES) {
		size = EXEC_ARGS_BYTES;
		e->flags |= EXEC_EVENT_ARGS_CUT;
	}
	barrier_var(size);
	if (size > EXEC_ARGS_BYTES ||
	    bpf_probe_read_user(e->data + used_of(e, 2 * EXEC_TEXT_BYTES), size, (void *)start))
		return;
	e->args_bytes = size;
	e->used += size;
}

static __always_inline void report_exec(struct task_struct *task, __u32 old_tid, struct linux_binprm *bprm,
					__u32 flags, const struct storm *storm, __u32 copy)
{
	__u32 tid = BPF_CORE_READ(task, pid);
	struct exec_event *e = bpf_map_lookup_elem(&exec_scratch, &copy);
	struct task_struct *parent = BPF_CORE_READ(task, real_parent, group_leader);
	struct old_comm *old = bpf_map_lookup_elem(&old_comms, &tid);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *file = BPF_CORE_READ(task, mm, exe_file);

	if (!e)
		return;
	fill_caller(e, task);
	e->flags = flags;
	e->tid = old_tid;
	KNOW(&e->exec, ret, 0);
	KNOW(&e->exec, kernel_helper, !!(BPF_CORE_READ(parent, flags) & PF_KTHREAD));
	KNOW(&e->exec, by_thread, old_tid != tid);
	if (old) {
		__builtin_memcpy(e->exec.old_comm, old->comm, sizeof(e->exec.old_comm));
		e->exec.known.old_comm = 1;
		bpf_map_delete_elem(&old_comms, &tid);
	}
	if (storm) {
		e->storm_execs = storm->execs;
		e->storm_window_ns = e->header.boot_ns - storm->first_ns;
		e->storm_start_ns = storm->start_ns;
		e->storm_pid = BPF_CORE_READ(parent, tgid);
		bpf_core_read(e->storm_comm, sizeof(e->storm_comm), &parent->comm);
	}
	add_program(e, task, bprm);
	add_path(e, &fs->pwd, &fs->root, &e->cwd_bytes, EXEC_EVENT_CWD_CUT);
	add_path(e, &file->f_path, &fs->root, &e->exe_bytes, EXEC_EVENT_EXE_CUT);
	submit(e);
}

static __always_inline int program_starts(__u64 *ctx, __u32 copy)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	__u32 old_tid = ctx[1], flags = filter.all ? 0 : EXEC_EVENT_UNASKED;
	struct storm storm = {};
	bool stormy = count_storm(BPF_CORE_READ(task, real_parent), &storm);
	bool failed_before = bpf_map_lookup_elem(&failed, &old_tid);

	if (failed_before) {
		bpf_map_delete_elem(&failed, &old_tid);
		flags |= EXEC_EVENT_AFTER_FAILURE;
	}
	/* the end of a failure is told whatever the new program's name */
	if (!(filter.all || stormy || failed_before) || !(failed_before || task_wanted(task)))
		return 0;
	report_exec(task, old_tid, (struct linux_binprm *)ctx[2], flags, stormy ? &storm : NULL, copy);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int exec_done(__u64 *ctx)
{
	leave_mark();
	return program_starts(ctx, 0);
}

SEC("raw_tp/sched_process_exec")
int exec_done_again(__u64 *ctx)
{
	return is_second_chance(EXEC_EVENT_EXEC) ? program_starts(ctx, 1) : 0;
}

/* an exec names its task anew just before it is told; loaded when every exec is wanted */
SEC("raw_tp/task_rename")
int exec_rename(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	__u32 tid = bpf_get_current_pid_tgid();
	struct old_comm old = {};

	bpf_core_read(old.comm, sizeof(old.comm), &task->comm);
	bpf_map_update_elem(&old_comms, &tid, &old, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
