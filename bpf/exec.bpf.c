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
#include "task.bpf.h"
#include "cgroup.bpf.h"
#include "filter.bpf.h"

#define E2BIG 7
#define AT_FDCWD (-100)
#define RLIMIT_STACK 3
#define MAX_ERRNO 4095

/* what a failed exec's arguments are read and counted up to */
#define ARGS_READ 48
#define ARGS_COUNTED 64
#define MEASURED_BYTES (256 * 1024)

/* a parent that starts this many programs, at this rate or a higher one, is told; and again at each doubling */
#define STORM_EXECS 1024
#define STORM_NS_PER_EXEC 10000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_event);
} exec_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_event);
} failure_scratch SEC(".maps");

/* for the lengths of arguments that are too long; what is in it does not matter */
struct measured {
	char bytes[MEASURED_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct measured);
} measure_scratch SEC(".maps");

/* threads whose last exec failed: a search along PATH goes on until one does not */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);	/* tid */
	__type(value, __u64);	/* when */
} failed SEC(".maps");

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

/* ---- what both have ------------------------------------------------- */

static __always_inline void fill_caller(struct exec_event *e, struct task_struct *task)
{
	e->header.type = EXEC_EVENT_EXEC;
	e->header.boot_ns = bpf_ktime_get_boot_ns();
	__builtin_memset(&e->process.known, 0, sizeof(e->process.known));
	__builtin_memset(&e->exec, 0, sizeof(e->exec));
	fill_process(&e->process, BPF_CORE_READ(task, group_leader));
	e->flags = e->used = 0;
	e->storm_execs = 0;
	e->tid = BPF_CORE_READ(task, pid);
	e->euid = BPF_CORE_READ(task, real_cred, euid.val);
	e->egid = BPF_CORE_READ(task, real_cred, egid.val);
	e->filename_bytes = e->interpreter_bytes = e->args_bytes = e->cwd_bytes = e->exe_bytes = 0;
	e->ancestor_count = fill_ancestors(e->ancestors, 6, task);
	e->cgroup_id = tell_cgroup(EXEC_EVENT_CGROUP, task, &e->cgroup_version);
}

/* how much of data is used, at most max, as a number the verifier believes */
static __always_inline __u64 used_of(const struct exec_event *e, __u64 max)
{
	__u64 used = e->used;

	barrier_var(used);
	return used <= max ? used : max;
}

static __always_inline void add_path(struct exec_event *e, const struct path *path, const struct path *root,
				     __u32 *bytes, __u32 cut_flag)
{
	__u32 before = e->used;

	if (path_names(e->data, &e->used, sizeof(e->data) - PATH_NAME_BYTES, path, root))
		e->flags |= cut_flag;
	*bytes = e->used - before;
}

static __always_inline void submit(struct exec_event *e)
{
	struct event_account *a = &account[EXEC_EVENT_EXEC];
	__u64 size = __builtin_offsetof(struct exec_event, data) + used_of(e, sizeof(e->data));

	e->header.size = size;
	__sync_fetch_and_add(&a->generated, 1);
	if (bpf_ringbuf_output(&events, e, size, 0))
		account_loss(a, &a->ring_full);
}

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
					__u32 flags, const struct storm *storm)
{
	__u32 zero = 0, tid = BPF_CORE_READ(task, pid);
	struct exec_event *e = bpf_map_lookup_elem(&exec_scratch, &zero);
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

SEC("raw_tp/sched_process_exec")
int exec_done(__u64 *ctx)
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
	report_exec(task, old_tid, (struct linux_binprm *)ctx[2], flags, stormy ? &storm : NULL);
	return 0;
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

/* ---- not started ---------------------------------------------------- */

struct exec_call {
	__u64 filename, argv, envp;
	__u64 width;	/* of a pointer */
	int fd;
};

/*
 * The n-th of a vector of pointers in user memory, four bytes each in a 32-bit
 * program; 0 at its end or when it cannot be read. No branch on the width: the
 * verifier would go through everything that follows once for each.
 */
static __always_inline __u64 vector_at(__u64 vector, int n, __u64 width)
{
	__u64 pointer = 0;

	if (width > sizeof(pointer))
		return 0;
	bpf_probe_read_user(&pointer, width, (void *)(vector + n * width));
	return pointer;
}

static __always_inline void add_vector(struct exec_event *e, const struct exec_call *call)
{
	__u32 before = e->used;

#pragma clang loop unroll(disable)
	for (int i = 0; i < ARGS_READ; i++) {
		__u64 pointer = vector_at(call->argv, i, call->width);
		long length;

		if (!pointer)
			goto out;
		if (e->used > EXEC_ARGS_BYTES)
			break;
		length = bpf_probe_read_user_str(e->data + used_of(e, EXEC_ARGS_BYTES), EXEC_TEXT_BYTES,
						 (void *)pointer);
		if (length <= 0)
			break;
		e->used += length;
	}
	e->flags |= EXEC_EVENT_ARGS_CUT;
out:
	e->args_bytes = e->used - before;
}

static __always_inline void count_args(struct exec_event *e, const struct exec_call *call)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < ARGS_COUNTED; i++) {
		if (vector_at(call->argv, i, call->width))
			continue;
		KNOW(&e->exec, argc, i);
		return;
	}
}

/* adds the lengths of a vector's strings to *sum, in a map as in path_names(); false when there are too many */
static __always_inline bool measure(__u64 vector, __u64 width, field_bytes *sum, field_bytes *longest)
{
	__u32 zero = 0;
	struct measured *m = bpf_map_lookup_elem(&measure_scratch, &zero);

	if (!m)
		return false;
#pragma clang loop unroll(disable)
	for (int i = 0; i < ARGS_COUNTED; i++) {
		__u64 pointer = vector_at(vector, i, width);
		long length;

		if (!pointer)
			return true;
		length = bpf_probe_read_user_str(m->bytes, sizeof(m->bytes), (void *)pointer);
		if (length <= 0)
			return false;
		*sum += length;
		if ((__u64)length > *longest)
			*longest = length;
	}
	return false;
}

/* why it was too much: fs/exec.c, bprm_stack_limits() */
static __always_inline void add_sizes(struct exec_event *e, struct task_struct *task, const struct exec_call *call)
{
	__u64 limit = 6ULL << 20, stack = BPF_CORE_READ(task, signal, rlim[RLIMIT_STACK].rlim_cur) / 4;

	if (stack < limit)
		limit = stack;
	if (limit < 131072)
		limit = 131072;
	KNOW(&e->exec, limit_bytes, limit);
	e->exec.known.args_bytes = measure(call->argv, call->width, &e->exec.args_bytes, &e->exec.longest_arg_bytes);
	e->exec.known.env_bytes = measure(call->envp, call->width, &e->exec.env_bytes, &e->exec.longest_arg_bytes);
	e->exec.known.longest_arg_bytes = e->exec.known.args_bytes && e->exec.known.env_bytes;
}

/* whose view of the files is the same: the process itself may be gone when it is asked */
static __always_inline __u32 find_same_root(struct task_struct *task, struct fs_struct *fs)
{
	struct dentry *dentry = BPF_CORE_READ(fs, root.dentry);
	struct vfsmount *mnt = BPF_CORE_READ(fs, root.mnt);
	__u32 found = 0;

	task = BPF_CORE_READ(task, group_leader);
#pragma unroll
	for (int i = 0; i < 6; i++) {
		task = BPF_CORE_READ(task, real_parent);
		fs = BPF_CORE_READ(task, fs);
		if (BPF_CORE_READ(fs, root.dentry) == dentry && BPF_CORE_READ(fs, root.mnt) == mnt)
			found |= 1 << i;
	}
	return found;
}

static __always_inline int exec_failed(const struct exec_call *call, int ret)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 zero = 0, tid = bpf_get_current_pid_tgid();
	struct exec_event *e = bpf_map_lookup_elem(&failure_scratch, &zero);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	long length;
	__u64 now;

	if (!e || !task_wanted(task))
		return 0;
	fill_caller(e, task);
	now = e->header.boot_ns;
	bpf_map_update_elem(&failed, &tid, &now, BPF_ANY);
	KNOW(&e->exec, ret, ret);
	if (call->fd != AT_FDCWD)
		KNOW(&e->exec, fd, call->fd);
	length = bpf_probe_read_user_str(e->data, EXEC_TEXT_BYTES, (void *)call->filename);
	if (length > 0)
		e->used = e->filename_bytes = length;
	add_vector(e, call);
	count_args(e, call);
	if (ret == -E2BIG)
		add_sizes(e, task, call);
	add_path(e, &fs->pwd, &fs->root, &e->cwd_bytes, EXEC_EVENT_CWD_CUT);
	e->same_root = find_same_root(task, fs);
	submit(e);
	return 0;
}

/* 512 and above: the call is not over, it will be restarted */
static __always_inline bool is_failure(long ret)
{
	return ret < 0 && ret >= -MAX_ERRNO && ret > -512;
}

/* execveat() has a descriptor before what execve() has */
static __always_inline int exec_returns(long ret, bool at, bool compat)
{
	struct pt_regs *regs = current_regs();
	struct exec_call call;

	if (!is_failure(ret))
		return 0;
	call.width = compat ? 4 : 8;
	barrier_var(call.width);
	call.fd = at ? REGS_ARG1(regs, compat) : AT_FDCWD;
	call.filename = at ? REGS_ARG2(regs, compat) : REGS_ARG1(regs, compat);
	call.argv = at ? REGS_ARG3(regs, compat) : REGS_ARG2(regs, compat);
	call.envp = at ? REGS_ARG4(regs, compat) : REGS_ARG3(regs, compat);
	return exec_failed(&call, ret);
}

/* the functions take one argument, the registers: the result is the slot behind it */
SEC("fexit/" SYSCALL_FUNCTION("execve"))
int execve_fexit(__u64 *ctx)
{
	return exec_returns(ctx[1], false, false);
}

SEC("fexit/" SYSCALL_FUNCTION("execveat"))
int execveat_fexit(__u64 *ctx)
{
	return exec_returns(ctx[1], true, false);
}

SEC("fexit/" SYSCALL_FUNCTION_COMPAT("execve"))
int execve_compat_fexit(__u64 *ctx)
{
	return exec_returns(ctx[1], false, true);
}

SEC("fexit/" SYSCALL_FUNCTION_COMPAT("execveat"))
int execveat_compat_fexit(__u64 *ctx)
{
	return exec_returns(ctx[1], true, true);
}

SEC("kretprobe/" SYSCALL_FUNCTION("execve"))
int execve_kretprobe(struct pt_regs *ctx)
{
	return exec_returns(PT_REGS_RC(ctx), false, false);
}

SEC("kretprobe/" SYSCALL_FUNCTION("execveat"))
int execveat_kretprobe(struct pt_regs *ctx)
{
	return exec_returns(PT_REGS_RC(ctx), true, false);
}

/* at the return of every system call: most succeed and are done with here */
SEC("raw_tp/sys_exit")
int exec_sys_exit(__u64 *ctx)
{
	long ret = ctx[1], number;
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	bool compat;

	if (!is_failure(ret))
		return 0;
	number = REGS_SYSCALL(regs);
	compat = current_is_compat();
	if (number != CALL_EXECVE(compat) && number != CALL_EXECVEAT(compat))
		return 0;
	return exec_returns(ret, number == CALL_EXECVEAT(compat), compat);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
