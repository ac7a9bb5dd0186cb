/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What exit.bpf.c puts into its ring. */
#ifndef KWHY_BPF_EXIT_H
#define KWHY_BPF_EXIT_H

#include "process.h"

enum exit_event_type {
	EXIT_EVENT_EXIT,	/* the last thread of a process is gone: struct exit_event */
	EXIT_EVENT_CGROUP,	/* struct cgroup_event */
	EXIT_EVENT_OOM,		/* the OOM killer chose this process: struct exit_oom_event */
};

#define SIGNAL_NOTES 4
#define SENDER_EXE_BYTES 256
#define IDENTITY_BYTES 768

enum signal_note_flag {
	SIGNAL_NOTE_FATAL = 1,		/* with it the process began to die */
	SIGNAL_NOTE_KERNEL = 2,		/* the kernel sent it (SEND_SIG_PRIV, or a positive si_code) */
	SIGNAL_NOTE_NO_INFO = 4,	/* sent without siginfo (SEND_SIG_NOINFO) */
	SIGNAL_NOTE_OTHER_PIDNS = 8,
	SIGNAL_NOTE_FORGED = 16,	/* si_pid is not the sender's */
	SIGNAL_NOTE_SENDER_EXITING = 32,
	SIGNAL_NOTE_SENDER_INIT = 64,	/* PID 1 of its pid namespace */
	SIGNAL_NOTE_PDEATHSIG = 128,	/* the signal it asked for at its parent's death */
	SIGNAL_NOTE_OOM = 256,		/* the OOM killer is at work in this context */
	SIGNAL_NOTE_HAS_TTY = 512,	/* the target has a controlling terminal */
	SIGNAL_NOTE_THREADS = 1024,	/* other threads may take what the noted one blocks */
};

/* A signal that may end its target, as it was when it was sent. "Sender" is the task it was sent in. */
struct signal_note {
	__u64 boot_ns;
	__u64 program_ns;	/* since the target's last exec, or its fork; 0: not known */
	__u32 signal;
	__s32 code;
	__u32 result;		/* TRACE_SIGNAL_*: 0 delivered, 1 ignored, 2 pending already, 4 delivered without info */
	__u32 action;		/* enum signal_action */
	__u32 action_at_death;
	__u32 blocked;
	__u32 flags;
	__u32 count;
	__u32 forged_pid;
	__s32 via;		/* number of the sender's system call; -1 unknown */
	__u32 sender_pid;
	__u32 sender_tid;
	__u64 sender_start_ns;
	__u64 sender_cgroup_id;
	__u32 sender_uid;
	__s32 sender_exit_code;	/* as wait() has it, of a sender that is exiting */
	__u32 sender_exe_bytes;
	__u32 sender_exe_plain;
	char sender_comm[16];
	struct event_ancestor parents[4];
	char sender_exe[SENDER_EXE_BYTES];
};

/* The last machine exception of a process. */
struct fault_note {
	__u64 boot_ns;
	__u64 address;
	__u64 ip;
	__u64 sp;
	__u32 signal;
	__s32 code;
	__u32 tid;
	__u32 mapped;		/* what follows is known */
	__u64 file_offset;	/* of ip */
	__u64 inode;
	__u32 names_bytes;
	__u32 names_cut;
	char comm[16];
	char names[512 + 256];
};

/* Its length is what is used of "data": executable's names, arguments, notes, a fault. */
struct exit_event {
	struct event_header header;
	struct process_seen process;
	struct exit_seen exit;
	__u64 cgroup_id;
	__u64 parent_start_ns;
	__u64 user_ns;		/* ticks that found it in user mode, all threads */
	__u64 system_ns;
	__u64 runtime_ns;	/* exact, both together */
	__u32 cgroup_version;
	__u32 exit_code;	/* as wait() has it */
	__u32 seccomp_mode;
	__s32 syscall;		/* the system call it died in; -1: none, or not known */
	__u32 exe_bytes;
	__u32 exe_plain;	/* a path as it is, not names from the leaf up */
	__u32 args_bytes;
	__u32 args_cut;
	__u32 note_count;
	__u32 fault_count;
	__u32 ancestor_count;
	__u32 first_ppid;	/* 0: not known */
	struct event_ancestor ancestors[6];
	char data[IDENTITY_BYTES + SIGNAL_NOTES * sizeof(struct signal_note) + sizeof(struct fault_note)];
};

struct exit_oom_event {
	struct event_header header;
	__u64 pid;
	__u64 trigger_pid;
	char trigger_comm[16];
};

/* What is kept of a living process, because at its death the kernel has it no more. */
struct identity {
	__u64 start_ns;		/* 0: told by user space, which does not know it exactly */
	__u64 exec_ns;		/* its last exec, or its fork; 0: before we watched */
	__u32 threads;
	__u32 exe_bytes;
	__u32 exe_plain;	/* a path as it is, not names from the leaf up */
	__u32 args_bytes;
	__u32 args_cut;
	__u32 ppid;		/* of the process that made it; 0 not known */
	char data[IDENTITY_BYTES];	/* executable, then arguments */
};

#endif
