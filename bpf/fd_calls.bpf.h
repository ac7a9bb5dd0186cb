/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which system call a task is in, and what it means to those who watch descriptors. */
#ifndef KWHY_FD_CALLS_BPF_H
#define KWHY_FD_CALLS_BPF_H

#include "fd.h"
#include "user_stack.bpf.h"

/* enum fd_call_meaning by number, of both tables; set by user space */
const volatile __u8 calls[2][FD_CALLS] = {};

/* the call the current task is in */
static __always_inline __u32 current_call(struct task_struct *task)
{
	if (!has_user_side(task))
		return FD_CALL_RING;
	return (REGS_SYSCALL(current_regs()) & (FD_CALL_RING - 1)) | (current_is_compat() ? FD_CALL_COMPAT : 0);
}

static __always_inline __u32 call_meaning(__u32 call)
{
	__u32 number = call & (FD_CALL_RING - 1);

	if (call & FD_CALL_RING || number >= FD_CALLS)
		return FD_CALL_OTHER;
	return calls[call >> 31][number];
}

#endif
