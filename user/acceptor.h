/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process does instead of accept(), from what /proc says of its threads:
 * one look, taken after clients were turned away.
 *
 * Of several threads the one that says most is told:
 *  1. the first thread, when it runs, is stopped, or is blocked in a call in
 *     which threads do work: single-threaded servers and event loops with
 *     helpers that sleep;
 *  2. a thread in accept(): whoever accepts is free, whatever others do;
 *  3. the first thread, when it waits for events;
 *  4. any that runs or is stopped, that waits for events, that is blocked in a
 *     call in which threads do work, in this order;
 *  5. the first: all of them pass time (futex, sleep, wait for a child or a
 *     signal), which is what a deadlock looks like, too.
 * It is not known what a thread waits for: the events may be another socket's.
 */
#ifndef KWHY_ACCEPTOR_H
#define KWHY_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"
#include "procfs.h"

#define ACCEPTOR_THREADS 256	/* of a process that are looked at: the first and the oldest others */

struct acceptor {
	enum acceptor_state state;	/* acceptor_state_unknown: it sleeps, and /proc does not say in what */
	uint64_t tid;			/* the thread of which that is told; 0 when it is gone */
	long syscall;			/* when it waits or is blocked: the call it is in; -1: in none, or not known */
	bool compat;			/* a number of the 32-bit table */
	bool idle;			/* blocked in a call in which threads pass time */
	uint64_t cpu_ns;		/* of the process until now, in steps of 10 ms */
	uint64_t threads;
};

/* -errno; a process that is not there is no failure but gone. Frozen by its cgroup is stopped, too. */
int acceptor_look(const struct procfs *procfs, uint64_t pid, struct acceptor *ret);

/*
 * How much a look explains, for several processes that have one socket open: a
 * parent that waits for its workers says least of those that are there.
 */
unsigned int acceptor_weight(const struct acceptor *acceptor);

#endif
