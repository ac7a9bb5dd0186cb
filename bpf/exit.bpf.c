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

#define SIGNAL_GROUP_EXIT 0x4	/* include/linux/sched/signal.h: the process is going to exit */

enum {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGSEGV = 11,
	SIGTERM = 15,
};

#define BIT(SIGNAL) (1ULL << ((SIGNAL) - 1))
/* CHLD CONT STOP TSTP TTIN TTOU URG WINCH end nothing by default */
#define HARMLESS (BIT(17) | BIT(18) | BIT(19) | BIT(20) | BIT(21) | BIT(22) | BIT(23) | BIT(28))
/* told also when the process handles or ignores them: somebody wanted it to end */
#define REQUESTS (BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGABRT) | BIT(SIGKILL) | BIT(SIGTERM))
#define FAULTS (BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGSEGV))

/* sched_process_exit says itself whether the last thread goes: since 6.16 */
const volatile bool exit_has_group_dead = false;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);	/* tgid */
	__type(value, struct identity);
} identities SEC(".maps");

struct notes {
	__u64 start_ns;		/* of the target: its pid may have been another's */
	__u32 total;
	__u32 dying;
	struct signal_note note[SIGNAL_NOTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, __u32);	/* tgid */
	__type(value, struct notes);
} signalled SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);	/* tgid */
	__type(value, struct fault_note);
} faults SEC(".maps");

/* where the OOM killer is at work: further SIGKILLs of the same task are its own */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);	/* tid of the task that runs it */
	__type(value, __u64);	/* when it last chose somebody */
} oom_contexts SEC(".maps");

/* the process this SIGKILL went to, for kernels whose mark_victim gives a thread's number only */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);	/* tid of the sender */
	__type(value, __u32);	/* tgid */
} kernel_kills SEC(".maps");

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
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exit_event);
} exit_scratch SEC(".maps");

/* room behind it, so that the verifier sees no write beyond the end; never kept */
struct identity_room {
	struct identity identity;
	char room[IDENTITY_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct identity_room);
} identity_scratch SEC(".maps");

/* zeroes, for new entries too large for the stack */
struct empty_values {
	struct notes notes;
	struct fault_note fault;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct empty_values);
} empty SEC(".maps");

/* ---- who a process is ----------------------------------------------- */

/* executable and arguments of current, as they are right after an exec */
static __always_inline void keep_program(struct identity *id, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *file = BPF_CORE_READ(mm, exe_file);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	__u64 size = BPF_CORE_READ(mm, arg_end) - start, used, room;
	__u32 cut;

	id->exe_plain = id->args_cut = id->args_bytes = 0;
	used = path_names(id->data, 0, PATH_NAME_BYTES, &file->f_path, &fs->root, &cut);
	if (cut)
		used = 0;
	id->exe_bytes = used;
	room = IDENTITY_BYTES - used;
	id->args_cut = size > room;
	if (size > room)
		size = room;
	/* the compiler knows these bounds, the verifier does not */
	barrier_var(used);
	barrier_var(size);
	if (used <= 2 * PATH_NAME_BYTES && size <= IDENTITY_BYTES &&
	    !bpf_probe_read_user(id->data + used, size, (void *)start))
		id->args_bytes = size;
}

SEC("raw_tp/sched_process_exec")
int exit_exec(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, zero = 0;
	struct identity_room *room = bpf_map_lookup_elem(&identity_scratch, &zero);
	struct identity *before = bpf_map_lookup_elem(&identities, &tgid), *id;

	if (!room)
		return 0;
	id = &room->identity;
	id->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	id->exec_ns = bpf_ktime_get_boot_ns();
	id->threads = 1;
	id->ppid = before ? before->ppid : 0;
	keep_program(id, task);
	bpf_map_update_elem(&identities, &tgid, id, BPF_ANY);
	return 0;
}

SEC("raw_tp/sched_process_fork")
int exit_fork(__u64 *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx[0], *child = (struct task_struct *)ctx[1];
	__u32 tgid = BPF_CORE_READ(child, tgid), above = BPF_CORE_READ(parent, tgid), threads;
	struct identity *id = bpf_map_lookup_elem(&identities, &above);

	if (!id)
		return 0;
	if (tgid == above) {
		threads = BPF_CORE_READ(child, signal, nr_threads);
		if (threads > id->threads)
			id->threads = threads;
		return 0;
	}
	bpf_map_update_elem(&identities, &tgid, id, BPF_ANY);
	id = bpf_map_lookup_elem(&identities, &tgid);
	if (!id)
		return 0;
	id->start_ns = BPF_CORE_READ(child, start_boottime);
	id->threads = 1;
	/* CLONE_PARENT makes a sibling */
	id->ppid = BPF_CORE_READ(child, real_parent, tgid);
	return 0;
}

/* ---- signals -------------------------------------------------------- */

/* the part of struct siginfo that programs see, include/uapi/asm-generic/siginfo.h */
struct siginfo_head {
	int signal, error, code, pad;
	union {
		__u64 address;	/* faults */
		struct {
			int pid;
			__u32 uid;
		};
	};
};

static __always_inline void read_siginfo(__u64 info, struct siginfo_head *ret)
{
	if (info > 1)
		bpf_probe_read_kernel(ret, sizeof(*ret), (void *)info);
	else
		/* as the tracepoint itself says it: SI_USER for SEND_SIG_NOINFO, SI_KERNEL for SEND_SIG_PRIV */
		ret->code = info ? 0x80 : 0;
}

static __always_inline enum signal_action action_of(struct task_struct *task, __u32 signal)
{
	struct sighand_struct *sighand = BPF_CORE_READ(task, sighand);
	struct k_sigaction *action = (struct k_sigaction *)((char *)&sighand->action[0] +
				     (signal - 1) * bpf_core_type_size(struct k_sigaction));
	__u64 handler = 0;

	bpf_core_read(&handler, sizeof(handler), &action->sa.sa_handler);
	return handler > 1 ? SIGNAL_ACTION_HANDLER : handler == 1 ? SIGNAL_ACTION_IGNORE : SIGNAL_ACTION_DEFAULT;
}

static __always_inline __u32 note_flags(struct task_struct *task, struct task_struct *sender, __u64 info,
					const struct siginfo_head *head, __u32 signal)
{
	struct task_struct *leader = BPF_CORE_READ(sender, group_leader);
	int sender_nr = pid_in_namespace(leader);
	__u32 tid = bpf_get_current_pid_tgid(), flags = 0;
	__u64 *oom = bpf_map_lookup_elem(&oom_contexts, &tid);

	if (info == 1 || head->code > 0)
		flags |= SIGNAL_NOTE_KERNEL;
	if (!info)
		flags |= SIGNAL_NOTE_NO_INFO;
	if (BPF_CORE_READ(leader, thread_pid, level) != BPF_CORE_READ(task, group_leader, thread_pid, level) ||
	    (sender_nr != 0) != (pid_in_namespace(BPF_CORE_READ(task, group_leader)) != 0))
		flags |= SIGNAL_NOTE_OTHER_PIDNS;
	/* SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO carry other things there */
	if (info > 1 && head->code <= 0 && (head->code >= -1 || head->code <= -6) &&
	    head->pid != sender_nr && head->pid != BPF_CORE_READ(sender, tgid))
		flags |= SIGNAL_NOTE_FORGED;
	if (BPF_CORE_READ(sender, flags) & PF_EXITING)
		flags |= SIGNAL_NOTE_SENDER_EXITING;
	if (sender_nr == 1)
		flags |= SIGNAL_NOTE_SENDER_INIT;
	if (BPF_CORE_READ(task, pdeath_signal) == signal)
		flags |= SIGNAL_NOTE_PDEATHSIG;
	if (oom && bpf_ktime_get_boot_ns() - *oom < 1000000000ULL)
		flags |= SIGNAL_NOTE_OOM;
	if (BPF_CORE_READ(task, signal, tty))
		flags |= SIGNAL_NOTE_HAS_TTY;
	if (BPF_CORE_READ(task, signal, nr_threads) > 1)
		flags |= SIGNAL_NOTE_THREADS;
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		flags |= SIGNAL_NOTE_FATAL;
	return flags;
}

static __always_inline void note_sender(struct signal_note *note, struct task_struct *sender)
{
	struct task_struct *leader = BPF_CORE_READ(sender, group_leader);
	__u32 tgid = BPF_CORE_READ(sender, tgid), version;
	struct identity *id = bpf_map_lookup_elem(&identities, &tgid);
	__u64 bytes;

	note->via = current_is_compat() ? -1 : REGS_SYSCALL(current_regs());
	note->sender_pid = tgid;
	note->sender_tid = BPF_CORE_READ(sender, pid);
	note->sender_start_ns = BPF_CORE_READ(leader, start_boottime);
	note->sender_uid = BPF_CORE_READ(leader, real_cred, uid.val);
	note->sender_exit_code = BPF_CORE_READ(sender, signal, flags) & SIGNAL_GROUP_EXIT ?
				 BPF_CORE_READ(sender, signal, group_exit_code) : BPF_CORE_READ(sender, exit_code);
	bpf_core_read(note->sender_comm, sizeof(note->sender_comm), &leader->comm);
	fill_ancestors(note->parents, 4, sender);
	note->sender_cgroup_id = tell_cgroup(EXIT_EVENT_CGROUP, sender, &version);
	note->sender_exe_bytes = 0;
	if (!id)
		return;
	note->sender_exe_plain = id->exe_plain;
	bytes = id->exe_bytes;
	barrier_var(bytes);
	if (bytes <= SENDER_EXE_BYTES && !bpf_probe_read_kernel(note->sender_exe, bytes, id->data))
		note->sender_exe_bytes = bytes;
}

/* the notes of a process, emptied when they are another's who had its pid */
static __always_inline struct notes *notes_of(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), zero = 0;
	__u64 start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	struct notes *notes = bpf_map_lookup_elem(&signalled, &tgid);
	struct empty_values *values;

	if (notes && notes->start_ns == start_ns)
		return notes;
	values = bpf_map_lookup_elem(&empty, &zero);
	if (!values)
		return NULL;
	bpf_map_update_elem(&signalled, &tgid, &values->notes, BPF_ANY);
	notes = bpf_map_lookup_elem(&signalled, &tgid);
	if (notes)
		notes->start_ns = start_ns;
	return notes;
}

/* The same signal again from the same sender only counts. */
static __always_inline bool repeated(struct notes *notes, __u32 signal, __u32 sender_pid, __u32 result, __u32 flags)
{
	struct signal_note *last = &notes->note[(notes->total - 1) % SIGNAL_NOTES];

	if (!notes->total || last->signal != signal || last->sender_pid != sender_pid ||
	    last->result != result || last->flags != flags)
		return false;
	last->count++;
	return true;
}

/* Runs under the target's siglock: one at a time for a process. */
static __always_inline void note_signal(struct task_struct *task, __u32 signal, __u64 info,
					const struct siginfo_head *head, __u32 result, __u32 action)
{
	struct task_struct *sender = (struct task_struct *)bpf_get_current_task();
	__u32 tgid = BPF_CORE_READ(task, tgid), flags;
	struct notes *notes = notes_of(task);
	struct identity *id = bpf_map_lookup_elem(&identities, &tgid);
	struct signal_note *note;

	if (!notes || notes->dying)
		return;
	flags = note_flags(task, sender, info, head, signal);
	/* it was dying already */
	if (result == 1 && (flags & SIGNAL_NOTE_FATAL))
		return;
	if (repeated(notes, signal, BPF_CORE_READ(sender, tgid), result, flags))
		return;
	note = &notes->note[notes->total % SIGNAL_NOTES];
	note->boot_ns = bpf_ktime_get_boot_ns();
	note->program_ns = id && id->exec_ns ? note->boot_ns - id->exec_ns : 0;
	note->signal = signal;
	note->code = head->code;
	note->result = result;
	note->action = action;
	note->blocked = BPF_CORE_READ(task, blocked.sig[0]) >> (signal - 1) & 1;
	note->flags = flags;
	note->count = 1;
	note->forged_pid = head->pid;
	note_sender(note, sender);
	notes->total++;
	notes->dying = flags & SIGNAL_NOTE_FATAL;
}

/* remembers whom the kernel kills here, for a mark_victim that gives a thread's number */
static __always_inline void remember_kernel_kill(struct task_struct *task)
{
	__u32 tid = bpf_get_current_pid_tgid(), tgid = BPF_CORE_READ(task, tgid);

	bpf_map_update_elem(&kernel_kills, &tid, &tgid, BPF_ANY);
}

struct found_vma {
	struct file *file;
	__u64 file_offset;
};

static __always_inline void note_fault(struct task_struct *task, __u32 signal, const struct siginfo_head *head,
				       const struct found_vma *vma, __u64 ip)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), zero = 0;
	struct empty_values *values = bpf_map_lookup_elem(&empty, &zero);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *file = vma->file;
	struct fault_note *note;

	if (!values)
		return;
	bpf_map_update_elem(&faults, &tgid, &values->fault, BPF_ANY);
	note = bpf_map_lookup_elem(&faults, &tgid);
	if (!note)
		return;
	note->boot_ns = bpf_ktime_get_boot_ns();
	note->address = head->address;
	note->ip = ip;
	note->sp = REGS_SP(current_regs());
	note->signal = signal;
	note->code = head->code;
	note->tid = BPF_CORE_READ(task, pid);
	bpf_core_read(note->comm, sizeof(note->comm), &task->comm);
	if (!file)
		return;
	note->mapped = 1;
	note->file_offset = vma->file_offset;
	note->inode = BPF_CORE_READ(file, f_inode, i_ino);
	note->names_bytes = path_names(note->names, 0, 512, &file->f_path, &fs->root, &note->names_cut);
}

static __always_inline void take_vma(struct found_vma *ret, struct vm_area_struct *vma, __u64 address)
{
	ret->file = BPF_CORE_READ(vma, vm_file);
	ret->file_offset = address - BPF_CORE_READ(vma, vm_start) + BPF_CORE_READ(vma, vm_pgoff) * page_size;
}

/* 5.17 "bpf: Introduce helper bpf_find_vma" */
static long vma_found(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	struct found_vma *found = context;

	found->file = (struct file *)BPF_CORE_READ(vma, vm_file);
	/* the address comes in, the offset goes out */
	found->file_offset += BPF_CORE_READ(vma, vm_pgoff) * page_size - BPF_CORE_READ(vma, vm_start);
	return 0;
}

/* Before that the mappings of a process are a tree of nodes inside them (until 6.1). */
static __always_inline void walk_vmas(struct found_vma *ret, struct task_struct *task, __u64 address)
{
	struct mm_struct___before_6_1 *mm = (void *)BPF_CORE_READ(task, mm);
	struct rb_node *node;
	struct vm_area_struct *vma;

	if (!bpf_core_field_exists(mm->mm_rb))
		return;
	node = (struct rb_node *)BPF_CORE_READ(mm, mm_rb.rb_node);
#pragma clang loop unroll(disable)
	for (int i = 0; i < 32 && node; i++) {
		vma = (struct vm_area_struct *)((char *)node -
			__builtin_preserve_field_info(((struct vm_area_struct___before_6_1 *)0)->vm_rb, 0));
		if (address < BPF_CORE_READ(vma, vm_start)) {
			node = BPF_CORE_READ(node, rb_left);
		} else if (address >= BPF_CORE_READ(vma, vm_end)) {
			node = BPF_CORE_READ(node, rb_right);
		} else {
			take_vma(ret, vma, address);
			return;
		}
	}
}

/*
 * What is worth a note. The order of the questions is that of how often they
 * say no: SIGCHLD at every exit, timers and real-time signals of runtimes.
 */
static __always_inline bool worth_noting(__u32 signal, __u32 action)
{
	if (signal < 1 || signal > 64)
		return false;
	if (BIT(signal) & REQUESTS)
		return true;
	return action == SIGNAL_ACTION_DEFAULT;
}

static __always_inline int signal_sent(__u64 *ctx, bool has_find_vma)
{
	struct task_struct *task = (struct task_struct *)ctx[2];
	__u32 signal = ctx[0], action, tgid = bpf_get_current_pid_tgid() >> 32;
	struct siginfo_head head = {};
	struct found_vma vma = {};

	if (signal - 1 >= 64 || BIT(signal) & HARMLESS)
		return 0;
	read_siginfo(ctx[1], &head);
	action = action_of(task, signal);
	if (BIT(signal) & FAULTS && ctx[1] > 1 && head.code > 0 && BPF_CORE_READ(task, tgid) == tgid) {
		__u64 ip = REGS_IP(current_regs());

		vma.file_offset = ip;
		if (has_find_vma)
			bpf_find_vma(bpf_get_current_task_btf(), ip, vma_found, &vma, 0);
		else
			walk_vmas(&vma, task, ip);
		note_fault(task, signal, &head, &vma, ip);
	}
	if (signal == SIGKILL && ctx[1] == 1)
		remember_kernel_kill(task);
	if (worth_noting(signal, action))
		note_signal(task, signal, ctx[1], &head, ctx[4], action);
	return 0;
}

SEC("raw_tp/signal_generate")
int exit_signal(__u64 *ctx)
{
	return signal_sent(ctx, true);
}

SEC("raw_tp/signal_generate")
int exit_signal_before_5_17(__u64 *ctx)
{
	return signal_sent(ctx, false);
}

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
			notes->note[i].action_at_death = action_of(task, notes->note[i].signal);
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

static __always_inline void report_exit(struct task_struct *task, __u32 tgid, __u32 exit_code)
{
	struct event_account *a = &account[EXIT_EVENT_EXIT];
	__u32 zero = 0;
	__u64 used;
	struct exit_event *e = bpf_map_lookup_elem(&exit_scratch, &zero);

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

SEC("raw_tp/sched_process_exit")
int exit_exit(__u64 *ctx)
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
		report_exit(task, tgid, exit_code);
	bpf_map_delete_elem(&identities, &tgid);
	bpf_map_delete_elem(&signalled, &tgid);
	bpf_map_delete_elem(&faults, &tgid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
