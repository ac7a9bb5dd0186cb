/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What one pass of recorder.bpf.c writes: these, one after the other. */
#ifndef KWHY_BPF_RECORDER_H
#define KWHY_BPF_RECORDER_H

#include "events.h"

/* cgroup levels above a process that are recorded */
#define RECORDER_LEVELS 10

/* a process, or with pid 0 a memory cgroup not yet met in this pass */
struct recorder_entry {
	__u32 pid;
	__s16 oom_score_adj;
	__u16 pad;
	__u64 cgroup_id;	/* the memory cgroup; of a process: the one it is in */
	union {
		struct {
			__u64 start_ns;
			__u32 pages[4];		/* MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES */
			__u32 pagetables_kib;
			__u32 ppid;
			char comm[16];
		} process;
		struct {
			__u64 parent_id;	/* the root's, which is never written, ends the chain */
			__u64 usage_pages;
			__u64 max_pages;	/* PAGE_COUNTER_MAX: no limit */
			__u64 hierarchy_id;	/* 0: v2 */
		} cgroup;
	};
};

#endif
