/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this kernel offers, asked of the kernel itself: its BTF and small test
 * programs, never its version.
 */
#ifndef KWHY_KERNEL_H
#define KWHY_KERNEL_H

#include <stdbool.h>

struct btf;

struct kernel {
	struct btf *btf;	/* vmlinux BTF */
	const char *btf_path;	/* --btf, or NULL for the kernel's own */
};

/* -errno: -ENOENT no BTF, -EINVAL the file is not BTF. */
int kernel_open(struct kernel *ret, const char *btf_path);
void kernel_close(struct kernel *kernel);

/* Arguments of a tracepoint as a BTF-typed program sees them; -ENOENT when there is none. */
int kernel_tracepoint_args(const struct kernel *kernel, const char *tracepoint);
/* True when the tracepoint's argument n is a pointer. */
bool kernel_tracepoint_pointer(const struct kernel *kernel, const char *tracepoint, int n);

/*
 * True when a task may be preempted inside a program on a tracepoint, so that
 * the next on that CPU is skipped: since 7.1, told by a tracepoint that came
 * with it.
 */
bool kernel_tracepoints_preempt(const struct kernel *kernel);
/* True when the kernel has BTF of its own: programs that get typed arguments need more than --btf. */
bool kernel_knows_types(void);
/* True when BTF has a function of that name. */
bool kernel_has_function(const struct kernel *kernel, const char *name);
/* The value of an enumerator, whatever its enumeration is called; -ENOENT when there is none. Not for negative ones. */
long kernel_enum_value(const struct kernel *kernel, const char *enumerator);

/*
 * 0 when an fentry program can be loaded for the function and attached to it;
 * -ENOENT: not in BTF, -EPERM: refused, -ENOTSUP: loads but does not attach.
 */
int kernel_fentry(const struct kernel *kernel, const char *function);
/* 0 when a kprobe on the function can be made. */
int kernel_kprobe(const char *function);

#endif
