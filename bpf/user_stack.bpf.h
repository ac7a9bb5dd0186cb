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

#define CALLER_WORDS 32
#define CALLER_MIX 0x9e3779b97f4a7c15ULL

/*
 * A number for where a call comes from, cheap enough for every call: the
 * instruction, the depth of the stack, and what lies on top of it and points
 * into the program's own code, which is mostly return addresses. Equal numbers
 * mean the same place unless by chance; one place may have several numbers.
 *
 * The task is current_task(). A sum, each word with a factor of its own, so
 * that none waits for the one before.
 */
static __always_inline __u64 caller_number(struct task_struct *task)
{
	struct pt_regs *regs = current_regs();
	struct mm_struct *mm = LOAD(task, mm);
	__u64 start, size, sp, number, factor = CALLER_MIX, words[CALLER_WORDS];

	if (!mm || LOAD(task, flags) & (PF_KTHREAD | PF_IO_WORKER))
		return 1;
	sp = LOAD_SP(regs);
	start = LOAD(mm, start_code);
	size = LOAD(mm, end_code) - start;
	number = (LOAD_IP(regs) * CALLER_MIX + sp) * CALLER_MIX + start;
	/* what cannot be read is zero */
	bpf_probe_read_user(words, sizeof(words), (void *)sp);
#pragma unroll
	for (int i = 0; i < CALLER_WORDS; i++) {
		__u64 offset = words[i] - start;
		/* all ones when offset < size; without a branch, the verifier would follow both ways of each */
		__u64 inside = (__s64)((offset - size) & ~offset) >> 63;

		barrier_var(inside);
		factor *= CALLER_MIX;
		number += words[i] * factor & inside;
	}
	return number | 2;	/* 0 and 1 have a meaning of their own */
}

#endif
