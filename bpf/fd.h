/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs about descriptors share with user space. */
#ifndef KWHY_BPF_FD_H
#define KWHY_BPF_FD_H

#include "process.h"
#include "user_stack.h"

/* ---- fd_exhausted --------------------------------------------------- */

enum {
	FD_EVENT_CGROUP,	/* struct cgroup_event */
	FD_EVENT_FAILURE,	/* struct fd_failure_event */
};

/* what a call means to us; user space says which number has which meaning */
enum fd_call_meaning {
	FD_CALL_OTHER,
	FD_CALL_FD,		/* returns a descriptor */
	FD_CALL_DUP,		/* dup2, dup3: returns one, and refuses numbers above the limit */
	FD_CALL_FCNTL,		/* returns one for some commands */
	FD_CALL_PIPE,		/* puts two where its first argument points */
	FD_CALL_SOCKETPAIR,	/* ... its fourth */
	FD_CALL_RECVMSG,	/* in control messages */
	FD_CALL_RECVMMSG,
	FD_CALL_BPF,		/* returns one for some commands */
	FD_CALL_CLONE,		/* a pidfd, where it was asked for one */
	FD_CALL_CLONE3,
	FD_CALL_WATCH,		/* inotify_add_watch */
};

#define FD_CALLS 512
#define FD_CALL_COMPAT 0x80000000U	/* in a call's number: of the 32-bit table */
#define FD_CALL_RING 0x40000000U	/* no call: io_uring */

/* failures of one process by one call and limit; each is counted, some are told */
struct fd_failure_key {
	__u64 start_ns;		/* of the process: with tgid what survives pid reuse */
	__u32 tgid;
	__u32 call;
	__u32 error;
	__u32 full;		/* no number below the limit was free */
};

struct fd_failures {
	__u64 count;
	__u64 first_ns;
	__u64 last_ns;
	__u64 told_ns;
	/* of the thread that was first: its processor time then, and at its last failure */
	__u64 first_cpu_ns;
	__u64 last_cpu_ns;
	__u64 last_tid_ns;
	__u32 tid;
	__u32 pad;
};

struct fd_failure_event {
	struct event_header header;
	struct process_seen process;
	struct fd_exhausted_seen failure;
	struct fd_failure_key key;
	__u64 cgroup_id;
	__u32 cgroup_version;
	__u32 user_ns;		/* inode number of its user namespace */
	__u64 next_fd;
	__u64 max_fds;
	struct user_stack stack;
};

/* ---- fd_leak -------------------------------------------------------- */

enum {
	FD_EVENT_STACK = 1,	/* struct fd_stack_event */
};

/* one descriptor: the table it is in, by the kernel's address, which never leaves user space's memory */
struct fd_slot {
	__u64 files;
	__u32 fd;
	__u32 pad;
};

#define FD_SITE_BEFORE 0	/* was there at the first look */

struct fd_opened {
	__u64 file;		/* the open file, by address: another one means that this is out of date */
	__u64 ns;
	__u64 site;
};

/* how many stacks are taken in a second */
struct fd_stack_budget {
	__u64 second;
	__u64 taken;
};

struct fd_site_count {
	__u64 opened;
	__u64 stacks;		/* taken */
	__u32 tgid;
	__u32 pad;
};

struct fd_stack_event {
	struct event_header header;
	__u64 start_ns;
	__u64 site;
	__u32 tgid;
	__u32 fd;
	struct user_stack stack;
};

/* ---- the list of descriptors ---------------------------------------- */

#define FD_OWNER (~0U)

struct fd_owner {
	__u64 start_ns;
	__u64 soft, hard;
	__u64 cgroup_id;
	__u64 execs;		/* grows by one with each */
	__u32 cgroup_version;
	__u32 pid, ppid, uid, ns_pid;
	char comm[16];
	char parent_comm[16];
};

struct fd_file {
	__u64 inode;
	__u64 opened_ns;	/* 0: not seen */
	__u64 site;
	__u32 magic;		/* of the file system */
	__u32 device;
	__u32 links;
	__u32 rdev;
	__u32 quiet;		/* jiffies since the peer sent anything */
	__u16 mode;
	__u16 family;
	__u16 type;
	__u16 protocol;
	__u8 seen;		/* it was opened or found while we watched */
	__u8 state;
	__u16 peer_port, local_port;	/* host order */
	union {
		char name[32];
		struct {
			__u8 peer[16], local[16];
		};
	};
};

/* a descriptor, or with FD_OWNER the process whose descriptors follow */
struct fd_entry {
	__u32 fd;
	__u32 pad;
	union {
		struct fd_owner owner;
		struct fd_file file;
	};
};

#endif
