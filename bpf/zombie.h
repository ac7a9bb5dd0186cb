/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What one pass of zombie.bpf.c writes: these, one after the other. */
#ifndef KWHY_BPF_ZOMBIE_H
#define KWHY_BPF_ZOMBIE_H

#include "process.h"

/* who does not reap; its children follow, until the next of these */
struct zombie_owner {
	struct process_seen process;
	struct zombie_seen zombie;
	__u64 cgroup_id;
	__u32 cgroup_version;
};

struct zombie_dead {
	__u64 start_ns;
	__u32 status;		/* as wait() would give it */
	__u32 pad;
	char comm[16];
};

/* a zombie, or with pid 0 the owner of those that follow */
struct zombie_entry {
	__u64 pid;
	union {
		struct zombie_owner owner;
		struct zombie_dead dead;
	};
};

#endif
