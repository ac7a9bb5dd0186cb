/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A user stack as a probe takes it: the registers at the entry into the kernel
 * and the top of the stack, copied. Unwound by user space, because Debian's
 * programs have no frame pointers that the kernel could follow.
 */
#ifndef KWHY_BPF_USER_STACK_H
#define KWHY_BPF_USER_STACK_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define USER_STACK_REGISTERS 33
#define USER_STACK_BYTES (32 * 1024)
#define USER_STACK_PAGE 4096

enum user_stack_flags {
	USER_STACK_NONE = 1,	/* the thread has no user side: a worker of io_uring, a kernel thread */
	USER_STACK_COMPAT = 2,	/* a 32-bit program */
};

struct user_stack {
	/* by DWARF number; x86-64: 0-15 and 16 the instruction, arm64: 0-30, 31 sp, 32 the instruction */
	__u64 registers[USER_STACK_REGISTERS];
	__u32 flags;
	__u32 bytes;	/* of data: what was there, and readable without a page fault, from the stack pointer up */
	char data[USER_STACK_BYTES];
};

#endif
