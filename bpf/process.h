/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the exec and the exit probe put into their rings alike, and how both are told what is wanted. */
#ifndef KWHY_BPF_PROCESS_H
#define KWHY_BPF_PROCESS_H

#include "events.h"

/* The path of a cgroup, sent before the first event of a process in it. */
struct cgroup_event {
	struct event_header header;
	__u64 id;
	__u32 version;
	__u32 names_bytes;
	__u32 names_cut;
	__u32 pad;
	/* directory names from the leaf up, each with its NUL */
	char names[1024 + 256];
};

struct event_ancestor {
	__u32 pid;
	char comm[16];
};

/* set by user space before load */
struct process_filter {
	__u32 all;		/* also what is normal */
	__u32 tgid;		/* 0: any */
	__u32 children;		/* and what descends from it */
	__u32 has_uid;
	__u32 uid;
	__u32 has_comm;
	char comm[16];
};

#endif
