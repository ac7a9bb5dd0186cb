// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that get no descriptor. Where functions can be hooked, the two that
 * refuse are asked (one for a number, one for an open file), and the few system
 * calls with limits of their own; else the return of every system call.
 *
 * Every failure is counted under its process and call; the first, and one a
 * second while they go on, is told with the stack that led to it.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "fd.h"
#include "emit.bpf.h"
#include "task.bpf.h"
#include "cgroup.bpf.h"
#include "filter.bpf.h"
#include "fd_table.bpf.h"
#include "fd_calls.bpf.h"
#include "user_stack.bpf.h"

#define EBADF 9
#define ENFILE 23
#define EMFILE 24
#define ENOSPC 28
#define INT_MAX 0x7fffffff
#define MSG_CTRUNC 0x8
#define MAX_MESSAGES 1024	/* UIO_MAXIOV: recvmmsg() takes no more */
#define TELL_NS 1000000000ULL

/* of io_uring_complete: the argument that has the result, and whether that is a pointer to the completion */
const volatile __u32 ring_result = 2;
const volatile bool ring_completion = false;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct fd_failure_key);
	__type(value, struct fd_failures);
} failures SEC(".maps");

static __always_inline enum fd_error error_word(__u32 error)
{
	return error == EMFILE ? FD_ERROR_EMFILE : error == ENFILE ? FD_ERROR_ENFILE :
	       error == ENOSPC ? FD_ERROR_ENOSPC : FD_ERROR_EBADF;
}

/* the current task's table; a function of its own, as it is called in loops and has one */
__attribute__((noinline)) int is_full(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return no_number_free(BPF_CORE_READ(task, files), soft_limit(task));
}

static __always_inline bool tell(struct task_struct *task, const struct fd_failure_key *key, bool reserved)
{
	struct files_struct *files = BPF_CORE_READ(task, files);
	struct fd_failure_event *e;
	__u64 cgroup_id;
	__u32 cgroup_version;

	/* its path goes before it */
	cgroup_id = tell_cgroup(FD_EVENT_CGROUP, task, &cgroup_version);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return false;
	e->header.type = FD_EVENT_FAILURE;
	e->header.size = sizeof(*e);
	e->header.boot_ns = bpf_ktime_get_boot_ns();
	__builtin_memset(&e->process, 0, sizeof(e->process));
	__builtin_memset(&e->failure, 0, sizeof(e->failure));
	fill_process(&e->process, BPF_CORE_READ(task, group_leader));
	KNOW(&e->failure, error, error_word(key->error));
	KNOW(&e->failure, soft, soft_limit(task));
	KNOW(&e->failure, hard, BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_max));
	KNOW(&e->failure, tid, BPF_CORE_READ(task, pid));
	bpf_core_read(e->failure.thread_comm, sizeof(e->failure.thread_comm), &task->comm);
	e->failure.known.thread_comm = 1;
	e->failure.known.open = count_open(files, &e->failure.open);
	/* the number it would have had is taken, and nothing is open there */
	if (reserved && e->failure.open)
		e->failure.open--;
	e->key = *key;
	e->user_ns = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	e->next_fd = BPF_CORE_READ(files, next_fd);
	e->max_fds = BPF_CORE_READ(files, fdt, max_fds);
	e->cgroup_id = cgroup_id;
	e->cgroup_version = cgroup_version;
	take_stack(&e->stack, task, sizeof(e->stack.data));
	bpf_ringbuf_submit(e, 0);
	return true;
}

/* counts the first of its process and call; false when another thread was faster, or there is no room */
static __always_inline bool count_first(struct task_struct *task, const struct fd_failure_key *key,
					struct event_account *a)
{
	struct fd_failures fresh = {}, *f;

	fresh.count = 1;
	fresh.first_ns = fresh.last_ns = fresh.told_ns = bpf_ktime_get_boot_ns();
	fresh.tid = BPF_CORE_READ(task, pid);
	fresh.first_cpu_ns = fresh.last_cpu_ns = BPF_CORE_READ(task, se.sum_exec_runtime);
	fresh.last_tid_ns = fresh.first_ns;
	if (!bpf_map_update_elem(&failures, key, &fresh, BPF_NOEXIST))
		return true;
	f = bpf_map_lookup_elem(&failures, key);
	if (f)
		__sync_fetch_and_add(&f->count, 1);
	else
		account_loss(a, &a->map_full);
	return false;
}

/* counts one more; true when it is time to tell of it again */
static __always_inline bool count_again(struct task_struct *task, struct fd_failures *f)
{
	__u64 now = bpf_ktime_get_boot_ns();

	__sync_fetch_and_add(&f->count, 1);
	f->last_ns = now;
	if (f->tid == (__u32)BPF_CORE_READ(task, pid)) {
		f->last_cpu_ns = BPF_CORE_READ(task, se.sum_exec_runtime);
		f->last_tid_ns = now;
	}
	if (now - f->told_ns < TELL_NS)
		return false;
	f->told_ns = now;
	return true;
}

/* a function of its own: many programs end in it, and numbers are all that 5.10 lets it take */
__attribute__((noinline)) int failed(__u32 call, __u32 error, bool reserved)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct event_account *a = &account[FD_EVENT_FAILURE];
	struct fd_failure_key key = {};
	struct fd_failures *f;
	__u32 again;

	if (!task_wanted(task))
		return 0;
	key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key.tgid = BPF_CORE_READ(task, tgid);
	key.call = call;
	key.error = error;
	key.full = is_full();
	__sync_fetch_and_add(&a->generated, 1);
	f = bpf_map_lookup_elem(&failures, &key);
	again = f != NULL;
	/* a number: the compiler would compute with the pointer, which the verifier forbids */
	barrier_var(again);
	if (!(f ? count_again(task, f) : count_first(task, &key, a)) || tell(task, &key, reserved) || again)
		return 0;
	/* nobody would ask for the count of what nobody was told of */
	bpf_map_delete_elem(&failures, &key);
	account_loss(a, &a->ring_full);
	return 0;
}

/* ---- where functions can be hooked ---------------------------------- */

static __always_inline int refused(long error, bool reserved)
{
	struct task_struct *task;
	__u32 call;

	if (error != -EMFILE && error != -ENFILE)
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	call = current_call(task);
	/* a pipe has another limit that gives ENFILE: its own return tells of both */
	if (error == -ENFILE && call_meaning(call) == FD_CALL_PIPE)
		return 0;
	return failed(call, -error, reserved);
}

/* alloc_fd(start, end, flags) */
SEC("fexit/alloc_fd")
int alloc_fd_fexit(__u64 *ctx)
{
	return refused((int)ctx[3], false);
}

/* alloc_empty_file(flags, cred) */
SEC("fexit/alloc_empty_file")
int alloc_file_fexit(__u64 *ctx)
{
	return refused(argument_number(&ctx[2]), true);
}

SEC("kretprobe/alloc_fd")
int alloc_fd_kretprobe(struct pt_regs *ctx)
{
	return refused((int)PT_REGS_RC(ctx), false);
}

SEC("kretprobe/alloc_empty_file")
int alloc_file_kretprobe(struct pt_regs *ctx)
{
	return refused(PT_REGS_RC(ctx), true);
}

/* limits that are not those on descriptors, and dup2() */
static __always_inline int call_refused(long error)
{
	struct task_struct *task;
	__u32 call, meaning;

	if (error != -EMFILE && error != -ENOSPC && error != -EBADF && error != -ENFILE)
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	call = current_call(task);
	meaning = call_meaning(call);
	if (error == -ENOSPC && meaning != FD_CALL_WATCH)
		return 0;
	if (error == -EBADF) {
		__u32 wanted = REGS_ARG2(current_regs(), call & FD_CALL_COMPAT);

		/* a negative number is no limit's fault */
		if (meaning != FD_CALL_DUP || wanted < soft_limit(task) || wanted > INT_MAX)
			return 0;
	}
	return failed(call, -error, false);
}

/* the same, of a call in which the functions above may have told already */
static __always_inline int other_refused(long error)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (error >= 0 || (error == -EMFILE && is_full()))
		return 0;
	/* of a pipe only ENFILE is news; and a full table is none any more once its first number was given back */
	if ((error == -ENFILE) != (call_meaning(current_call(task)) == FD_CALL_PIPE))
		return 0;
	return call_refused(error);
}

#define OTHER_LIMIT(NAME)						\
SEC("fexit/" SYSCALL_FUNCTION(#NAME))					\
int NAME##_fexit(__u64 *ctx)						\
{									\
	return other_refused(ctx[1]);					\
}									\
SEC("kretprobe/" SYSCALL_FUNCTION(#NAME))				\
int NAME##_kretprobe(struct pt_regs *ctx)				\
{									\
	return other_refused(PT_REGS_RC(ctx));				\
}

OTHER_LIMIT(inotify_init1)
OTHER_LIMIT(inotify_add_watch)
OTHER_LIMIT(fanotify_init)
OTHER_LIMIT(mq_open)
OTHER_LIMIT(dup3)
OTHER_LIMIT(pipe2)
#if defined(__TARGET_ARCH_x86)
OTHER_LIMIT(inotify_init)
OTHER_LIMIT(dup2)
OTHER_LIMIT(pipe)
#endif

/* ---- else ----------------------------------------------------------- */

struct user_message {
	__u64 name, name_length, vector, vectors, control, control_length;
	__u32 flags;
};

struct user_message_compat {
	__u32 name, name_length, vector, vectors, control, control_length;
	__u32 flags;
};

/* descriptors that were sent and found no number are dropped, and the call succeeds */
static __always_inline bool message_cut(__u64 message, bool compat)
{
	__u64 offset = compat ? __builtin_offsetof(struct user_message_compat, flags) :
				__builtin_offsetof(struct user_message, flags);
	__u32 flags = 0;

	bpf_probe_read_user(&flags, sizeof(flags), (void *)(message + offset));
	return flags & MSG_CTRUNC;
}

static __always_inline int received(struct task_struct *task, __u32 call, __u32 meaning, long messages)
{
	bool compat = call & FD_CALL_COMPAT;
	__u64 message = REGS_ARG2(current_regs(), compat), size = compat ? 32 : 64;

	if (meaning == FD_CALL_RECVMSG)
		messages = 1;
#pragma clang loop unroll(disable)
	for (int i = 0; i < MAX_MESSAGES; i++) {
		if (i >= messages)
			break;
		/* a buffer for control messages that is too small is told the same way */
		if (message_cut(message + i * size, compat) && is_full())
			failed(call, EMFILE, false);
	}
	return 0;
}

static __always_inline int call_returned(long ret, long number)
{
	struct task_struct *task;
	__u32 meaning;
	bool compat;

	if (ret < 0)
		return call_refused(ret);
	if ((unsigned long)number >= FD_CALLS)
		return 0;
	/* of a 32-bit program's calls most mean nothing in either table */
	meaning = calls[0][number & (FD_CALLS - 1)];
	compat = false;
	if (meaning != FD_CALL_RECVMSG && meaning != FD_CALL_RECVMMSG) {
		meaning = calls[1][number & (FD_CALLS - 1)];
		compat = true;
	}
	if ((meaning != FD_CALL_RECVMSG && meaning != FD_CALL_RECVMMSG) || compat != current_is_compat())
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	return received(task, number | (compat ? FD_CALL_COMPAT : 0), meaning, ret);
}

SEC("tp_btf/sys_exit")
int fd_sys_exit(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];

	return call_returned(ctx[1], TYPED_SYSCALL(regs));
}

/* where the kernel has no BTF of its own, so that it knows no types */
SEC("raw_tp/sys_exit")
int fd_sys_exit_untyped(__u64 *ctx)
{
	return call_returned(ctx[1], REGS_SYSCALL((struct pt_regs *)ctx[0]));
}

SEC("raw_tp/io_uring_complete")
int fd_ring_complete(__u64 *ctx)
{
	int result;

	/* each of its own: 5.10 refuses an offset that depends */
	if (ring_completion) {
		result = BPF_CORE_READ((struct io_uring_cqe *)ctx[2], res);
	} else if (ring_result == 3) {
		result = ctx[3];
		barrier_var(result);
	} else {
		result = ctx[2];
		barrier_var(result);
	}
	if (result != -EMFILE && result != -ENFILE)
		return 0;
	return failed(FD_CALL_RING, -result, false);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
