/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call stacks of living processes, from the registers and the top of the stack
 * that a probe copied. By .eh_frame, because most programs have no frame
 * pointers; by frame pointers where a file has none (Go). Files are opened
 * through /proc/PID/map_files, so that containers, deleted and replaced files
 * give what the process really runs.
 *
 * What the probe did not copy of the stack is never asked of the process: it
 * has moved on since, and a frame that was not there is worse than none.
 */
#ifndef KWHY_UNWIND_H
#define KWHY_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user_stack.h"

enum { CALL_STACK_FRAMES = 64 };

/* three frames: "inner+0x1c (job.c:12)", "event_loop+0x91 [libevent-2.1.so.7]", "nginx+0x35fc7" */
struct call_stack {
	uint32_t count;
	bool truncated;		/* outer frames are missing */
	char note[96];		/* what a reader of the stack has to know; "" mostly */
	uint64_t exact;		/* bit n: frame n stopped at pcs[n]; else pcs[n] is a return address */
	uint64_t pcs[CALL_STACK_FRAMES];	/* innermost first */
};

/* keeps what it read of the last few processes: open files, unwind tables, symbols */
struct unwinder;

/* -ENOMEM, -ENOEXEC, or why this executable cannot be read. Unsets DEBUGINFOD_URLS. */
int unwinder_open(struct unwinder **ret);
void unwinder_close(struct unwinder *unwinder);

/*
 * start_ns is the boot time of the process's start, as the kernel has it: with
 * the pid its identity. The first stack of a process costs milliseconds, later
 * ones microseconds.
 * 0 also for less than the whole stack, none included: truncated or note say so.
 * -ENOTSUP: a 32-bit program; ret has no frames but a note.
 * -ESRCH: the process is gone. -EACCES, -EPERM: not ours to read.
 */
int unwinder_unwind(struct unwinder *unwinder, uint64_t pid, uint64_t start_ns, const struct user_stack *stack,
		    struct call_stack *ret);

/*
 * Frame n as text, cut to size:
 *   function+0x1c (file.c:12)      with debug information
 *   function+0x1c [libfoo.so.1]    with a symbol
 *   libfoo.so.1+0x1234             with neither: the offset in the file's address space
 *   [vdso]+0x1234, [jit]           code that belongs to no file
 * The offset is that of the return address. Names are the file's: hostile, to
 * be escaped on output. The first time costs up to 50 ms where there is debug
 * information; names are kept. Works for a while after the process has ended.
 * -ERANGE: no such frame. -ESRCH: the process is gone and forgotten.
 */
int unwinder_frame(struct unwinder *unwinder, uint64_t pid, uint64_t start_ns, const struct call_stack *stack,
		   uint32_t n, char *ret, size_t size);

#endif
