/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the oom_kill kind: what its parts share. */
#ifndef KWHY_OOM_KILL_H
#define KWHY_OOM_KILL_H

#include "oom.h"
#include "session.h"

enum {
	OOM_INCIDENTS = 16,
	OOM_MEMBERS = 256,
};

/* One decision of the OOM killer, from its first victim until the last is gone. */
struct oom_incident {
	uint64_t decision;	/* 0: free */
	uint64_t member_count, alive, truncated;
	struct {
		uint64_t pid;
		bool gone;
	} members[OOM_MEMBERS];
	uint64_t freed_bytes, last_exit_ns;
	uint64_t settle_ns;		/* told not before this: their memory is still being given back */
	uint64_t binding_id;	/* cgroup that was reached; 0: host or unknown */
	struct observation observation;
};

struct oom_state {
	struct oom_incident incidents[OOM_INCIDENTS];
	uint64_t promoted;	/* parts whose head was lost, or that did not decode */
	uint64_t last_recent[OOM_INCIDENTS];	/* decisions just closed: late parts are no news */
	unsigned int last_recent_next;
};

/* event -> observation: the kernel's facts, and the paths made of the names it sent */
void oom_decode(struct oom_incident *incident, const struct oom_victim_event *event);
/* everything looked up at once: identity, history, candidates, classes */
void oom_enrich(struct session *session, struct oom_incident *incident);
/* no member has an address space any more */
bool oom_all_gone(const struct session *session, const struct oom_incident *incident);
/* what is known once the victims are gone, or still there */
void oom_close_up(struct session *session, struct oom_incident *incident, uint64_t now_ns);
/* keeps the line below LINE_BYTES */
void oom_fit(struct observation *observation);

#endif
