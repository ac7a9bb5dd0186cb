/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the user stack of the current task is taken. */
#ifndef KWHY_USER_STACK_BPF_H
#define KWHY_USER_STACK_BPF_H

#include "compat.bpf.h"
#include "user_stack.h"

#define PF_KTHREAD 0x200000
#define PF_IO_WORKER 0x10	/* 5.12 "io-wq: fork worker threads from original task" */

#define STACK_CHUNK 1024

static __always_inline bool has_user_side(struct task_struct *task)
{
	return !(BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER));
}

/*
 * Registers and the top of the stack, at most "most" bytes of it, a constant.
 * Ends at the first piece that is not there: the end of the stack, or a page
 * that would have to be read from disk.
 */
static __always_inline void take_stack(struct user_stack *s, struct task_struct *task, __u32 most)
{
	struct pt_regs *regs = current_regs();
	__u64 sp = REGS_SP(regs);

	s->flags = has_user_side(task) ? 0 : USER_STACK_NONE;
	s->bytes = 0;
	if (s->flags)
		return;
	if (current_is_compat())
		s->flags |= USER_STACK_COMPAT;
	STACK_REGISTERS(regs, s->registers);
#pragma clang loop unroll(disable)
	for (__u32 at = 0; at < most; at += STACK_CHUNK) {
		if (bpf_probe_read_user(s->data + at, STACK_CHUNK, (void *)(sp + at)))
			break;
		s->bytes = at + STACK_CHUNK;
	}
}

/*
 * A number for where a call comes from, cheap enough for every call: the
 * instruction, the depth of the stack, and what lies on top of it and points
 * into the program's own code, which is mostly return addresses. Equal numbers
 * mean the same place unless by chance; one place may have several numbers.
 */
static __always_inline __u64 caller_number(struct task_struct *task)
{
	struct pt_regs *regs = current_regs();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 start, size, sp, number, words[32] = {};

	if (!has_user_side(task))
		return 1;
	sp = REGS_SP(regs);
	start = BPF_CORE_READ(mm, start_code);
	size = BPF_CORE_READ(mm, end_code) - start;
	number = REGS_IP(regs) * 0x9e3779b97f4a7c15ULL + sp;
	number = number * 0x9e3779b97f4a7c15ULL + start;
	bpf_probe_read_user(words, sizeof(words), (void *)sp);
#pragma unroll
	for (int i = 0; i < 32; i++) {
		__u64 offset = words[i] - start, difference = offset - size;
		__u64 next = (number ^ words[i]) * 0x9e3779b97f4a7c15ULL, inside;

		/* all ones when offset < size; without a branch, the verifier would follow both ways of each */
		barrier_var(difference);
		inside = -(((~offset & size) | ((~offset | size) & difference)) >> 63);
		number ^= (number ^ next) & inside;
	}
	return number | 2;	/* 0 and 1 have a meaning of their own */
}

#endif
