/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF iterators over tasks and their descriptors: what libbpf is told of them, and how a pass is read. */
#ifndef KWHY_ITERATOR_H
#define KWHY_ITERATOR_H

#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

struct bpf_link;

enum { ITERATORS = 2 };

/* what was registered; negative: this kernel has none such */
struct iterators {
	int numbers[ITERATORS];
};

/*
 * Tells libbpf what SEC("kwhy_iter_task") and SEC("kwhy_iter_task_file") are.
 * Before the first object with such a program is opened, and once: libbpf moves
 * its list at each further call, and objects that are open point into it.
 */
void iterators_register(struct iterators *ret, const struct kernel *kernel);
/* After the last of those objects is closed. */
void iterators_unregister(const struct iterators *iterators);

/*
 * One pass: the program runs for every task (or descriptor) and writes records
 * of one size, each of which is handed to take(). -errno; -ETIME when it was
 * ended at until_ns (CLOCK_BOOTTIME; 0: never).
 */
int iterator_run(const struct bpf_link *link, size_t record_size, uint64_t until_ns,
		 void (*take)(void *context, const void *record), void *context);

#endif
