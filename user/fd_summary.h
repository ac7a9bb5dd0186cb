/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the descriptors of one process are: by type, in groups that are alike,
 * and the TCP connections whose peer has closed. Filled from a list, then told.
 */
#ifndef KWHY_FD_SUMMARY_H
#define KWHY_FD_SUMMARY_H

#include "bpf/fd.h"
#include "procfs.h"
#include "record.h"
#include "table.h"
#include "text.h"

enum { FD_SUMMARY_TYPES = 24, FD_SUMMARY_GROUPS = 8192 };

struct fd_type_count {
	char type[24];
	uint64_t count;
};

/* descriptors that are alike */
struct fd_alike {
	uint64_t key;
	uint64_t count;
	uint64_t first_ns;	/* when the oldest whose opening was seen was opened; 0: none */
	uint64_t first_site;	/* where */
	uint32_t quiet;		/* jiffies: the longest */
	uint32_t fd;		/* of the first in the list */
	bool ports_differ, locals_differ;
	struct fd_file file;	/* that one */
};

struct fd_summary {
	struct fd_type_count types[FD_SUMMARY_TYPES];
	unsigned int type_count;
	struct table groups;
	uint64_t count;
	uint64_t ungrouped;	/* that found no place in the table */
	uint64_t close_wait;
	uint64_t jiffies_per_s;	/* 0: not known */
};

/* -ENOMEM */
int fd_summary_open(struct fd_summary *ret);
void fd_summary_close(struct fd_summary *summary);
void fd_summary_clear(struct fd_summary *summary);

void fd_summary_add(struct fd_summary *summary, uint32_t fd, const struct fd_file *file);

/* Types, the most frequent first; at most max. */
uint64_t fd_summary_types(const struct fd_summary *summary, struct fd_type *ret, uint64_t max);
/* The largest groups. Paths are asked of /proc/pid/fd. now_ns: CLOCK_BOOTTIME */
uint64_t fd_summary_groups(const struct fd_summary *summary, const struct procfs *procfs, uint64_t pid, uint64_t now_ns,
			   struct fd_group *ret, uint64_t max);
/* Groups of connections that the peer closed; *ret_sites are where their oldest were opened, 0 for unknown. */
uint64_t fd_summary_close_wait(const struct fd_summary *summary, struct fd_close_wait *ret, uint64_t *ret_sites,
			       uint64_t max);

/* "tcp to 10.0.3.7:5432", "/var/log/app.log": what the descriptor is, for people; false when it is not known */
bool fd_describe(struct text *text, const struct procfs *procfs, uint64_t pid, uint32_t fd, const struct fd_file *file);

#endif
