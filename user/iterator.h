/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF iterators over tasks: what libbpf is told of them, and how a pass is read. */
#ifndef KWHY_ITERATOR_H
#define KWHY_ITERATOR_H

#include <stddef.h>

#include "kernel.h"

struct bpf_link;

/*
 * Tells libbpf what SEC("kwhy_iter_task") is. Before the first object with such
 * a program is opened, and once: libbpf moves its list at each further call,
 * and objects that are open point into it. Its number, or -errno.
 */
int iterator_register(const struct kernel *kernel);
/* After the last of those objects is closed. */
void iterator_unregister(int number);

/*
 * One pass: the program runs for every task and writes records of one size,
 * each of which is handed to take(). -errno.
 */
int iterator_run(const struct bpf_link *link, size_t record_size,
		 void (*take)(void *context, const void *record), void *context);

#endif
