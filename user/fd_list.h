/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The open descriptors of one process or of all, from the kernel's own tables:
 * no /proc, so neither hidepid nor a network namespace hides anything.
 */
#ifndef KWHY_FD_LIST_H
#define KWHY_FD_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/fd.h"
#include "kernel.h"

struct fd_list_bpf;
struct bpf_link;

struct fd_list {
	struct fd_list_bpf *skeleton;	/* NULL: not open, or this kernel has no such iterator */
	struct bpf_link *one;		/* on the process that was asked for last */
	uint64_t one_pid;
};

/*
 * After iterators_register(). descriptors_fd: the map in which fd_leak notes
 * what is opened, or -1. -errno.
 */
int fd_list_open(struct fd_list *ret, const struct kernel *kernel, int descriptors_fd);
void fd_list_close(struct fd_list *list);

/* CONFIG_HZ, after a pass: what fd_file.quiet is counted in; 0: not known */
uint64_t fd_list_jiffies_per_s(const struct fd_list *list);

/*
 * Hands out every process (fd is FD_OWNER) and then each of its descriptors, in
 * the order of their numbers. pid 0: of all processes. remember: what is there
 * now will be known as older than what is opened from here on. until_ns
 * (CLOCK_BOOTTIME): -ETIME after it, with what there was time for; 0: no hurry.
 */
int fd_list_run(struct fd_list *list, uint64_t pid, bool remember, uint64_t until_ns,
		void (*take)(void *context, const struct fd_entry *entry), void *context);

#endif
