/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the kind fd_exhausted: what its parts share. */
#ifndef KWHY_FD_EXHAUSTED_KIND_H
#define KWHY_FD_EXHAUSTED_KIND_H

#include "bpf/fd.h"
#include "fd_summary.h"
#include "session.h"
#include "unwind.h"

enum { FD_INCIDENTS = 64, FD_INCIDENT_CALLS = 48 };

/* one call of an incident, and what of its failures was told */
struct fd_incident_call {
	struct fd_failure_key key;
	uint64_t count;		/* as last read from the kernel */
	uint64_t told;		/* of these */
	uint64_t first_ns, last_ns;
};

/*
 * A process that gets no descriptor, from the first refusal on. Its lines come
 * further and further apart while it goes on.
 */
struct fd_incident {
	uint64_t start_ns;	/* of the process; 0: this place is free */
	uint64_t pid;
	uint32_t error;
	enum fd_limit limit_kind;
	struct fd_incident_call calls[FD_INCIDENT_CALLS];
	unsigned int call_count;
	uint64_t first_ns;	/* of the incident */
	uint64_t total;		/* failures told since it began */
	uint64_t due_ns;	/* when it is looked at again; 0: when there is news */
	uint64_t told_ns;
	uint64_t kernel_told_ns;	/* when the kernel told of it last */
	uint64_t looked_ns;	/* when its descriptors and its stack were looked at */
	uint64_t listed_ns;	/* when its descriptors were, which is done again for later lines */
	unsigned int lines;
	/* processor time of the thread that goes on, where the window began */
	uint32_t tid;
	uint64_t cpu_ns, cpu_at_ns;
	struct call_stack stack;	/* without names as yet; count is 0 when it has them, or when there is none */
	struct observation observation;
};

struct fd_exhausted_state {
	struct session *session;
	struct fd_incident incidents[FD_INCIDENTS];
	struct fd_summary summary;
	uint64_t bad_records;
};

/* fd_exhausted_limit.c: which limit refused the call, as far as it can be told; FD_LIMIT unknown is 0 */
enum fd_limit fd_exhausted_limit(const struct fd_exhausted_state *state, const struct fd_failure_event *event,
				 const char *syscall);
/* Its value, and those of the others that matter. */
void fd_exhausted_limits(const struct fd_exhausted_state *state, uint32_t user_ns, struct fd_exhausted *x);
/* fd_exhausted_fit.c */
void fd_exhausted_fit(struct observation *observation);
/* fd_exhausted_look.c: who it is, what it has open, the stack: asked at once, it may be gone soon. */
void fd_exhausted_look(struct fd_exhausted_state *state, struct fd_incident *incident,
		       const struct fd_failure_event *event);
/* Its descriptors again, as they are now; what is known stays where the process is gone, or freed most of them. */
void fd_exhausted_look_again(struct fd_exhausted_state *state, struct fd_incident *incident);
/* The stack in words, before it is told. */
void fd_exhausted_name(struct session *session, struct fd_incident *incident);
/* What each failure says of limits and use: both may change while the incident goes on. */
void fd_exhausted_update(struct fd_incident *incident, const struct fd_failure_event *event);

#endif
