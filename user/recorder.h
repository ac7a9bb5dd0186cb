/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The always-on recorder: at each tick one pass of a BPF iterator over all
 * processes, kept as short series per process, per memory cgroup and for the
 * host. A pass that took long makes the next come later, so that the recorder
 * stays below a thousandth of one CPU whatever the host.
 */
#ifndef KWHY_RECORDER_H
#define KWHY_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "cgroupfs.h"
#include "core_btf.h"
#include "kernel.h"
#include "procfs.h"
#include "series.h"
#include "table.h"

enum {
	PROCESS_HALF = 6,	/* points of a process: 2 * 6 */
	PROCESS_WIDTH = 2,	/* time, pages of anon + shmem + swap */
	DOMAIN_HALF = 12,
	DOMAIN_WIDTH = 5,	/* time, usage, anon, file, shmem; the last two UINT32_MAX when not read */
};

struct recorder_process {
	uint64_t pid;		/* the key */
	uint64_t start_ns;
	uint64_t cgroup_id;
	uint64_t pass;		/* last seen in */
	uint32_t anon_pages, file_pages, shmem_pages, swap_pages, pagetables_kib;
	uint32_t ppid;
	int32_t oom_score_adj;
	char comm[16];
	struct series series;
	uint32_t points[2 * PROCESS_HALF * PROCESS_WIDTH];
};

/* a memory cgroup; id 0 is the host */
struct recorder_domain {
	uint64_t id;		/* the key */
	uint64_t parent_id;	/* 0: below the root */
	uint64_t version;
	uint64_t pass;
	uint64_t usage_pages, max_pages;
	uint64_t anon_pages;	/* of its processes and those below, this pass */
	uint64_t oom_kills;	/* seen by this run */
	struct series series;
	uint32_t points[2 * DOMAIN_HALF * DOMAIN_WIDTH];
};

/* command line and executable of a large process, read while it lives */
struct recorder_identity {
	uint64_t pid, start_ns;
	uint64_t args_count;
	char exe[256];
	char args[16][160];
};

struct recorder {
	struct recorder_bpf *skeleton;
	struct core_btf core;
	uint64_t origin_ns;	/* CLOCK_BOOTTIME of time 0 of the points */
	uint64_t tick_ns;	/* until the next pass */
	bool fixed_tick;
	uint64_t ticks;
	uint64_t pass;
	uint64_t table_full;	/* processes and cgroups without a place, ever */
	uint32_t page_size;
	struct table processes, domains;
	const struct procfs *procfs;
	const struct cgroupfs *cgroupfs;
	struct recorder_identity identity[16];
	unsigned int identity_next;
};

/* After iterators_register(). tick_ns 0: as often as is cheap. Opens it; loading is apart, so that the kernel's BTF can be let go in between. */
int recorder_open(struct recorder *ret, const struct kernel *kernel, const struct procfs *procfs,
		  const struct cgroupfs *cgroupfs, uint64_t tick_ns);
int recorder_load(struct recorder *recorder);
void recorder_close(struct recorder *recorder);

/* One pass, pushed onto the series. -errno when the iterator could not be read. */
int recorder_tick(struct recorder *recorder, uint64_t now_ns);
/* A pass between ticks: brings the figures up to date, keeps what is gone, adds no point. */
int recorder_refresh(struct recorder *recorder);

struct recorder_process *recorder_find_process(const struct recorder *recorder, uint64_t pid,
					       uint64_t start_ns);
struct recorder_domain *recorder_find_domain(const struct recorder *recorder, uint64_t id);
/* NULL when the process was never large enough, or is new. */
const struct recorder_identity *recorder_find_identity(const struct recorder *recorder, uint64_t pid,
							uint64_t start_ns);
/* True when the process's cgroup is the domain or below it; the host holds all. */
bool recorder_in_domain(const struct recorder *recorder, const struct recorder_process *process,
			uint64_t domain_id);
static inline uint64_t recorder_time(const struct recorder *recorder, const uint32_t *point)
{
	return recorder->origin_ns + point[0] * 10000000ULL;	/* points count in 10 ms */
}

#endif
