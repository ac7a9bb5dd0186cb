/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Signals that may end a process, noted when they are sent, with the task they are sent in. */
#ifndef KWHY_EXIT_SIGNAL_BPF_H
#define KWHY_EXIT_SIGNAL_BPF_H

#include "exit.h"
#include "cgroup.bpf.h"
#include "exit_fault.bpf.h"
#include "exit_identity.bpf.h"

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

/* zeroes, for a new entry too large for the stack */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct notes);
} no_notes SEC(".maps");

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
	if (pid_namespace(leader) != pid_namespace(BPF_CORE_READ(task, group_leader)))
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
	struct notes *fresh;

	if (notes && notes->start_ns == start_ns)
		return notes;
	fresh = bpf_map_lookup_elem(&no_notes, &zero);
	if (!fresh)
		return NULL;
	bpf_map_update_elem(&signalled, &tgid, fresh, BPF_ANY);
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

SEC("raw_tp/signal_generate")
int exit_signal(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[2];
	__u32 signal = ctx[0], action, tgid = bpf_get_current_pid_tgid() >> 32;
	struct siginfo_head head = {};

	if (signal - 1 >= 64 || BIT(signal) & HARMLESS)
		return 0;
	read_siginfo(ctx[1], &head);
	action = task_signal_action(task, signal);
	if (BIT(signal) & FAULTS && ctx[1] > 1 && head.code > 0 && BPF_CORE_READ(task, tgid) == tgid)
		note_fault(task, signal, head.code, head.address);
	if (signal == SIGKILL && ctx[1] == 1)
		remember_kernel_kill(task);
	if (worth_noting(signal, action))
		note_signal(task, signal, ctx[1], &head, ctx[4], action);
	return 0;
}

#endif
