/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes are wanted: asked first, so that the others cost next to nothing. */
#ifndef KWHY_FILTER_BPF_H
#define KWHY_FILTER_BPF_H

#include "process.h"

const volatile struct process_filter filter = {};

/* the process or one of those above it: no table to keep, and none to run full */
static __always_inline bool descends_from(struct task_struct *task, __u32 tgid)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < 24; i++) {
		__u32 found = BPF_CORE_READ(task, tgid);

		if (found == tgid)
			return true;
		if (!found)
			return false;
		task = BPF_CORE_READ(task, real_parent);
	}
	return false;
}

static __always_inline bool task_wanted(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	char comm[16] = {};

	if (filter.tgid && filter.children && !descends_from(leader, filter.tgid))
		return false;
	if (filter.tgid && !filter.children && BPF_CORE_READ(task, tgid) != filter.tgid)
		return false;
	if (filter.has_uid && BPF_CORE_READ(leader, real_cred, uid.val) != filter.uid)
		return false;
	if (!filter.has_comm)
		return true;
	bpf_core_read(comm, sizeof(comm), &leader->comm);
#pragma unroll
	for (int i = 0; i < 16; i++) {
		if (comm[i] != filter.comm[i])
			return false;
		if (!comm[i])
			return true;
	}
	return true;
}

#endif
