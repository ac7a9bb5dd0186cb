// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where descriptors are opened. Each gets a note: by what call stack, when. A
 * close needs no hook: the list of what is open now (fd_list.bpf.c) tells what
 * of it is left, and a number that is used again overwrites its note.
 *
 * Of a bounded share of the calls the stack is copied: those from places that
 * are new, from each place again at every doubling of its count, and all from
 * places that grow.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "fd.h"
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "fd_table.bpf.h"
#include "fd_calls.bpf.h"
#include "fd_opened.bpf.h"
#include "user_stack.bpf.h"

#define STACK_BYTES (16 * 1024)
#define STACKS_PER_PLACE 3
#define STACKS_PER_S 256

#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030
#define CLONE_PIDFD 0x1000
/* bpf(): MAP_CREATE PROG_LOAD OBJ_GET PROG_GET_FD MAP_GET_FD RAW_TRACEPOINT_OPEN BTF_LOAD BTF_GET_FD LINK_CREATE LINK_GET_FD ENABLE_STATS ITER_CREATE */
#define BPF_FD_COMMANDS (1ULL << 0 | 1ULL << 5 | 1ULL << 7 | 1ULL << 13 | 1ULL << 14 | 1ULL << 17 | 1ULL << 18 | \
			 1ULL << 19 | 1ULL << 28 | 1ULL << 30 | 1ULL << 32 | 1ULL << 33)
#define SCM_RIGHTS 1
#define SOL_SOCKET 1
#define MAX_CONTROLS 3
#define MAX_RECEIVED 253	/* SCM_MAX_FD */

/* processes whose stacks are wanted, where all are watched: user space puts those here that grow or are near a limit */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);	/* those that are gone give way */
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} suspects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct fd_site_count);
} sites SEC(".maps");

/* places from which more and more is open: every stack is taken, so that those that stay are known by their own */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u32);
} growing SEC(".maps");

/* a record without its stack's unused end would need as many sizes: one that fits all is reserved */
struct short_stack_event {
	struct event_header header;
	__u64 start_ns;
	__u64 site;
	__u32 tgid;
	__u32 fd;
	__u64 registers[USER_STACK_REGISTERS];
	__u32 flags;
	__u32 bytes;
	char data[STACK_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fd_stack_budget);
} budget SEC(".maps");

static __always_inline bool within(struct fd_stack_budget *b, __u64 now)
{
	__u64 second = now >> 30;

	if (b->second != second) {
		b->second = second;
		b->taken = 0;
	}
	if (b->taken >= STACKS_PER_S)
		return false;
	b->taken++;
	return true;
}

/* where it cannot be told it is not counted as taken, and the next has its turn */
static __always_inline bool tell_stack(struct task_struct *task, __u32 fd, __u64 site, __u64 now)
{
	struct short_stack_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return false;
	e->header.type = FD_EVENT_STACK;
	e->header.size = sizeof(*e);
	e->header.boot_ns = now;	/* as in the note */
	e->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	e->tgid = BPF_CORE_READ(task, tgid);
	e->site = site;
	e->fd = fd;
	take_stack((struct user_stack *)e->registers, task, STACK_BYTES);
	bpf_ringbuf_submit(e, 0);
	return true;
}

static __always_inline void count_site(struct task_struct *task, struct fd_stack_budget *b, __u32 fd, __u64 site,
				       __u64 now)
{
	struct fd_site_count *count = bpf_map_lookup_elem(&sites, &site), fresh = { .opened = 1 };
	__u32 tgid = LOAD(task, tgid);

	if (!count) {
		fresh.tgid = tgid;
		bpf_map_update_elem(&sites, &site, &fresh, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&sites, &site);
		if (!count)
			return;
	} else {
		__sync_fetch_and_add(&count->opened, 1);
	}
	/* few of a place are enough, and when it is used ever more often, some more to be sure */
	if (count->stacks >= STACKS_PER_PLACE && count->opened & (count->opened - 1) &&
	    !bpf_map_lookup_elem(&growing, &site))
		return;
	if (!filter.tgid && !bpf_map_lookup_elem(&suspects, &tgid))
		return;
	if (within(b, now) && tell_stack(task, fd, site, now))
		count->stacks++;
}

static __always_inline bool is_watched(struct task_struct *task)
{
	return !filter.tgid || (__u32)LOAD(task, tgid) == filter.tgid;
}

/*
 * A function of its own, which the verifier looks at once: there are many
 * callers, some in loops. It takes numbers only, as 5.10 asks; files may be 0
 * for the current task's.
 */
__attribute__((noinline)) int opened(__u64 files, __u64 file, __u32 fd)
{
	struct task_struct *task = current_task();
	struct fd_slot slot = { .fd = fd };
	struct fd_opened *note, fresh;
	struct fd_stack_budget *b;
	__u32 zero = 0;

	b = bpf_map_lookup_elem(&budget, &zero);
	if (!file || !b)
		return 0;
	slot.files = files ? files : (__u64)LOAD(task, files);
	fresh.file = file;
	fresh.ns = bpf_ktime_get_boot_ns();
	fresh.site = caller_number(task);
	note = bpf_map_lookup_elem(&descriptors, &slot);
	if (note)
		*note = fresh;
	else	/* what finds no room is told as unseen */
		bpf_map_update_elem(&descriptors, &slot, &fresh, BPF_ANY);
	count_site(task, b, fd, fresh.site, fresh.ns);
	return 0;
}

/* ---- where functions can be hooked ---------------------------------- */

static __always_inline int installed(__u32 fd, __u64 file)
{
	return is_watched(current_task()) ? opened(0, file, fd) : 0;
}

static __always_inline int duplicated(__u64 files, __u64 file, __u32 fd)
{
	return is_watched(current_task()) ? opened(files, file, fd) : 0;
}

/* fd_install(fd, file) */
SEC("fentry/fd_install")
int install_fentry(__u64 *ctx)
{
	return installed(ctx[0], argument_number(&ctx[1]));
}

/* do_dup2(files, file, fd, flags): the descriptor, or why not */
SEC("fexit/do_dup2")
int dup_fexit(__u64 *ctx)
{
	return (int)ctx[4] < 0 ? 0 : duplicated(argument_number(&ctx[0]), argument_number(&ctx[1]), ctx[2]);
}

SEC("kprobe/fd_install")
int install_kprobe(struct pt_regs *ctx)
{
	return installed(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx));
}

SEC("kprobe/do_dup2")
int dup_kprobe(struct pt_regs *ctx)
{
	return duplicated(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx));
}

/* ---- else ----------------------------------------------------------- */

static __always_inline void returned(struct task_struct *task, int fd)
{
	struct files_struct *files = LOAD(task, files);
	struct file **at, *file = NULL;
	struct fdtable *table;

	if (fd < 0 || !files)
		return;
	table = LOAD(files, fdt);
	if (!table || (__u32)fd >= LOAD(table, max_fds))
		return;
	at = LOAD(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), at + fd);
	opened(0, (__u64)file, fd);
}

/* the same where there are several: the verifier looks at it once, and not once for each */
__attribute__((noinline)) int returned_one_of(int fd)
{
	returned(current_task(), fd);
	return 0;
}

/* numbers the kernel wrote where the caller asked for them */
static __always_inline void returned_at(__u64 address, int count)
{
	int fds[2] = { -1, -1 };

	bpf_probe_read_user(fds, count * sizeof(int), (void *)address);
	returned_one_of(fds[0]);
	if (count > 1)
		returned_one_of(fds[1]);
}

struct control_head {
	__u64 length;
	__u32 level, type;
};

/* SCM_RIGHTS: control messages of a received message */
static __always_inline void returned_in_message(__u64 message)
{
	__u64 control[2] = {}, used = 0;

	bpf_probe_read_user(control, sizeof(control), (void *)(message + 32));
#pragma clang loop unroll(disable)
	for (int i = 0; i < MAX_CONTROLS; i++) {
		struct control_head head = {};

		if (used + sizeof(head) > control[1] ||
		    bpf_probe_read_user(&head, sizeof(head), (void *)(control[0] + used)) || head.length < sizeof(head))
			return;
		if (head.level == SOL_SOCKET && head.type == SCM_RIGHTS) {
#pragma clang loop unroll(disable)
			for (__u32 n = 0; n < MAX_RECEIVED; n++) {
				int fd = -1;

				if (sizeof(head) + (n + 1) * sizeof(fd) > head.length)
					break;
				bpf_probe_read_user(&fd, sizeof(fd),
						    (void *)(control[0] + used + sizeof(head) + n * sizeof(fd)));
				returned_one_of(fd);
			}
		}
		used += (head.length + 7) & ~7ULL;
	}
}

static __always_inline bool duplicates(__u64 command)
{
	return command == F_DUPFD || command == F_DUPFD_CLOEXEC;
}

static __always_inline void returned_by(struct task_struct *task, struct pt_regs *regs, __u32 meaning, int ret,
					bool compat)
{
	if (meaning == FD_CALL_FD || meaning == FD_CALL_DUP)
		returned(task, ret);
	else if (meaning == FD_CALL_FCNTL && duplicates(REGS_ARG2(regs, compat)))
		returned(task, ret);
	else if (meaning == FD_CALL_BPF && BPF_FD_COMMANDS >> (REGS_ARG1(regs, compat) & 63) & 1)
		returned(task, ret);
	else if (meaning == FD_CALL_PIPE)
		returned_at(REGS_ARG1(regs, compat), 2);
	else if (meaning == FD_CALL_SOCKETPAIR)
		returned_at(REGS_ARG4(regs, compat), 2);
	else if (meaning == FD_CALL_CLONE && ret > 0 && REGS_ARG1(regs, compat) & CLONE_PIDFD)
		returned_at(REGS_ARG3(regs, compat), 1);
	else if (meaning == FD_CALL_RECVMSG && !compat)
		returned_in_message(REGS_ARG2(regs, compat));
}

/* clone3(args, size): flags, and where the pidfd goes */
static __always_inline void returned_by_clone3(struct pt_regs *regs, int ret, bool compat)
{
	__u64 args[2] = {};

	bpf_probe_read_user(args, sizeof(args), (void *)REGS_ARG1(regs, compat));
	if (ret > 0 && args[0] & CLONE_PIDFD)
		returned_at(args[1], 1);
}

static __always_inline int call_returned(struct pt_regs *regs, long ret, long number)
{
	struct task_struct *task;
	__u32 meaning;
	bool compat;

	if (ret < 0 || (unsigned long)number >= FD_CALLS)
		return 0;
	if (calls[0][number & (FD_CALLS - 1)] == FD_CALL_OTHER && calls[1][number & (FD_CALLS - 1)] == FD_CALL_OTHER)
		return 0;
	task = current_task();
	if (!is_watched(task))
		return 0;
	compat = task_is_compat(task);
	meaning = calls[compat][number & (FD_CALLS - 1)];
	if (meaning == FD_CALL_OTHER)
		return 0;
	if (meaning == FD_CALL_CLONE3)
		returned_by_clone3(regs, ret, compat);
	else
		returned_by(task, regs, meaning, ret, compat);
	return 0;
}

/* what tells most calls from those that matter needs no helper */
SEC("tp_btf/sys_exit")
int leak_sys_exit(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];

	return call_returned(regs, ctx[1], TYPED_SYSCALL(regs));
}

/* where the kernel has no BTF of its own, so that it knows no types */
SEC("raw_tp/sys_exit")
int leak_sys_exit_untyped(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];

	return call_returned(regs, ctx[1], REGS_SYSCALL(regs));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
