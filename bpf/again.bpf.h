/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The second chance of an event that the kernel skipped a program for.
 *
 * A program that is running on a CPU is not run again there. Since 7.1
 * ("tracing: Guard __DECLARE_TRACE() use of __DO_TRACE_CALL() with SRCU-fast")
 * tracepoints can be preempted, so that the next task on the CPU may find it
 * running and its event is skipped. There a copy of the program is attached
 * behind it: the first leaves a mark for its task, the copy takes the mark away,
 * or takes the event where there is none.
 */
#ifndef KWHY_AGAIN_BPF_H
#define KWHY_AGAIN_BPF_H

#include "emit.bpf.h"

/* set by user space where copies are loaded */
const volatile bool has_copies = false;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);	/* tid */
	__type(value, __u32);
} first_ran SEC(".maps");

static __always_inline void leave_mark(void)
{
	__u32 tid = bpf_get_current_pid_tgid(), one = 1;

	if (has_copies)
		bpf_map_update_elem(&first_ran, &tid, &one, BPF_ANY);
}

/* true when the first program was skipped; type: of the event it reports, or RESCUED_HELPER */
static __always_inline bool is_second_chance(__u32 type)
{
	__u32 tid = bpf_get_current_pid_tgid();

	if (!bpf_map_delete_elem(&first_ran, &tid))
		return false;
	__sync_fetch_and_add(&account[type & 3].rescued, 1);
	return true;
}

#endif
