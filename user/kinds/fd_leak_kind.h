/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the kind fd_leak: what its parts share. */
#ifndef KWHY_FD_LEAK_KIND_H
#define KWHY_FD_LEAK_KIND_H

#include "bpf/fd.h"
#include "fd_summary.h"
#include "session.h"
#include "unwind.h"

enum {
	FD_PROCESSES = 8192,
	FD_SITES = 16384,	/* as many as the kernel side counts */
	FD_PLACES = 4096,
	FD_SAMPLES = 16384,
	FD_HISTORY = 24,
};

/* A process as it was seen from look to look. */
struct fd_process {
	uint64_t pid;		/* the key */
	struct fd_owner owner;	/* at the last look */
	uint64_t first_ns, last_ns;
	uint64_t first_open, open, peak;
	/* of those open at the last look */
	uint64_t outstanding, marked, unmatched;
	uint32_t looks, rises, falls;	/* looks in all; at which more, fewer were open than at the one before */
	/* what was open, and when: looks come late where much is to be told, and are not at even distances */
	uint32_t history[FD_HISTORY];
	uint64_t history_ns[FD_HISTORY];
	/* looks that stand apart in time, when the last of them was, and one sample for so many of them */
	uint32_t even_looks, history_count, history_stride;
	uint64_t even_ns;
	uint64_t pass;
	uint32_t told_looks;	/* looks there were at its last line; 0: none yet */
	bool exec;		/* it became another program since the first look */
	bool newborn;		/* it started while we watched: what it had then was inherited */
	bool suspect;		/* its stacks are taken */
};

/* Where descriptors are opened: a call stack of a process, or a number for one that was not taken. */
struct fd_place {
	uint64_t key;
	uint64_t pid;
	bool has_stack;
	struct call_stack stack;
	uint64_t opened, opened_before;	/* at the last look of its process alone, and at the one before */
	uint64_t outstanding, previous, first;
	uint32_t rises, falls;
	/* the oldest that is open */
	uint64_t peak, peak_ns;	/* the most that were open at a look, and when that was first so */
	uint64_t oldest_ns;
	uint32_t oldest_fd;
	struct fd_file oldest;
	bool mixed;		/* they are of different types */
};

/* one of the kernel side's numbers for a place */
struct fd_site_place {
	uint64_t site;
	uint64_t place;
	bool ambiguous;		/* it stood for different stacks */
	bool growing;		/* every stack from there is asked for */
};

/* a descriptor whose own stack was taken */
struct fd_sample {
	uint64_t key;		/* pid, number */
	uint64_t opened_ns;
	uint64_t place;
};

struct fd_leak_state {
	struct session *session;
	struct table processes, places, sites, samples;
	/* of the process looked at alone; another one is filled meanwhile, as it may be gone */
	struct fd_summary *summary;
	struct fd_summary summaries[2];
	struct fd_type_count first_types[FD_SUMMARY_TYPES];
	unsigned int first_type_count;
	uint64_t first_close_wait;
	struct fd_process *current;	/* in a look */
	bool found;			/* in a look: there was a process */
	bool detailed;			/* in a look: of one process, with a summary */
	bool partial;			/* the last look ran out of time */
	uint64_t pass, now_ns, next_ns, tell_ns, interval_ns;
	bool listed;			/* the processes nearest their limit were told */
	bool ended;			/* that of --pid is gone */
	uint64_t opened, opened_before;	/* by the process that is looked at alone */
	uint64_t unplaced;	/* processes without a place in the table */
	uint64_t generated;
};

/* The map in which openings are noted, for the list of descriptors. */
int fd_leak_map(const struct probe *probe);

/* Descriptors per minute of a process, where it is watched for long enough; false when not. */
bool fd_leak_growth(struct session *session, uint64_t pid, uint64_t start_ns, int64_t *ret);

/* fd_leak_look.c: what is open now, of one process (0: all). -errno */
int fd_leak_look(struct fd_leak_state *state, uint64_t pid);
/* A stack was taken: what its number stands for. */
void fd_leak_take_stack(struct fd_leak_state *state, const struct fd_stack_event *event);
/* The place of a number; NULL when there is none. */
struct fd_place *fd_leak_place(const struct fd_leak_state *state, uint64_t site);
/* Slope over its history, per minute. */
int64_t fd_leak_slope(const struct fd_process *process);
/* The same, where it agrees with the first look and the last: after a burst it means nothing. */
bool fd_leak_rate(const struct fd_process *process, int64_t *ret);
/*
 * Its history at even distances of time: as many values as it has samples, the
 * first and the last as they were seen, between two looks on the line that joins
 * them. Returns their number; *ret_step_ns is the distance.
 */
uint64_t fd_leak_history(const struct fd_process *process, uint64_t ret[FD_HISTORY], uint64_t *ret_step_ns);

/*
 * Openings by place and in all, as the kernel side has counted them. Before a
 * look: what is opened between the two is open, and none is called closed that
 * is not.
 */
void fd_leak_count_opened(struct fd_leak_state *state, uint64_t pid);

/*
 * fd_leak_tell.c: looks at this process alone and tells of it, or of what it
 * had last when it has ended; false when it is gone or the filters leave it out.
 */
bool fd_leak_tell(struct fd_leak_state *state, uint64_t pid, bool overview);

/* fd_leak_fit.c: keeps the line below LINE_BYTES. */
void fd_leak_fit(struct observation *observation);

/* fd_leak_output.c: --folded and --svg, at the end; errors are told. */
void fd_leak_write(struct fd_leak_state *state);

#endif
