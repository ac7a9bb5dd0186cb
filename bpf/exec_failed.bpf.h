/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that could not be started: nothing tells of them but the result of
 * the system call. What they were given is read from the caller's memory,
 * which is still as it was.
 */
#ifndef KWHY_EXEC_FAILED_BPF_H
#define KWHY_EXEC_FAILED_BPF_H

#include "again.bpf.h"
#include "exec_record.bpf.h"
#include "filter.bpf.h"

#define E2BIG 7
#define AT_FDCWD (-100)
#define RLIMIT_STACK 3
#define MAX_ERRNO 4095

/* what a failed exec's arguments are read and counted up to */
#define ARGS_READ 48
#define ARGS_COUNTED 64
#define MEASURED_BYTES (256 * 1024)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);	/* the second for copies */
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

static __always_inline int exec_failed(const struct exec_call *call, int ret, __u32 copy)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tid = bpf_get_current_pid_tgid();
	struct exec_event *e = bpf_map_lookup_elem(&failure_scratch, &copy);
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
static __always_inline int exec_returns(long ret, bool at, bool compat, __u32 copy)
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
	return exec_failed(&call, ret, copy);
}

/*
 * The functions take one argument, the registers: the result is the slot behind
 * it. Of two programs on one function the one attached last runs first, so a
 * copy stands before the program it is of.
 */
SEC("fexit/" SYSCALL_FUNCTION("execve"))
int execve_fexit_again(__u64 *ctx)
{
	return is_second_chance(EXEC_EVENT_EXEC) ? exec_returns(ctx[1], false, false, 1) : 0;
}

SEC("fexit/" SYSCALL_FUNCTION("execve"))
int execve_fexit(__u64 *ctx)
{
	leave_mark();
	return exec_returns(ctx[1], false, false, 0);
}

SEC("fexit/" SYSCALL_FUNCTION("execveat"))
int execveat_fexit_again(__u64 *ctx)
{
	return is_second_chance(EXEC_EVENT_EXEC) ? exec_returns(ctx[1], true, false, 1) : 0;
}

SEC("fexit/" SYSCALL_FUNCTION("execveat"))
int execveat_fexit(__u64 *ctx)
{
	leave_mark();
	return exec_returns(ctx[1], true, false, 0);
}

SEC("fexit/" SYSCALL_FUNCTION_COMPAT("execve"))
int execve_compat_fexit(__u64 *ctx)
{
	return exec_returns(ctx[1], false, true, 0);
}

SEC("fexit/" SYSCALL_FUNCTION_COMPAT("execveat"))
int execveat_compat_fexit(__u64 *ctx)
{
	return exec_returns(ctx[1], true, true, 0);
}

SEC("kretprobe/" SYSCALL_FUNCTION("execve"))
int execve_kretprobe(struct pt_regs *ctx)
{
	return exec_returns(PT_REGS_RC(ctx), false, false, 0);
}

SEC("kretprobe/" SYSCALL_FUNCTION("execveat"))
int execveat_kretprobe(struct pt_regs *ctx)
{
	return exec_returns(PT_REGS_RC(ctx), true, false, 0);
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
	return exec_returns(ret, number == CALL_EXECVEAT(compat), compat, 0);
}

#endif
