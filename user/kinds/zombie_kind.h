/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the zombie kind: what its parts share. */
#ifndef KWHY_ZOMBIE_KIND_H
#define KWHY_ZOMBIE_KIND_H

#include "bpf/zombie.h"
#include "session.h"

enum {
	ZOMBIE_BODIES = 32768,
	ZOMBIE_HOLDERS = 8192,
};

/* A zombie, from the pass that saw it first until the one that does not. */
struct zombie_body {
	uint64_t pid;		/* the key */
	uint64_t start_ns;
	uint64_t first_ns;	/* first seen */
	uint64_t holder;	/* key of that */
	uint64_t pass;		/* last seen in */
	uint32_t passes;	/* that saw it */
	uint32_t status;
	char comm[16];
};

/* Who ought to reap: a parent, or a tracer that holds the children of another. */
struct zombie_holder {
	uint64_t key;		/* pid, and whether it traces them */
	uint64_t first_ns;	/* first seen with a zombie */
	uint64_t last_ns;	/* and last */
	/* in this pass: those seen in an earlier one, too, and of these those older than the threshold */
	uint64_t settled, stuck;
	uint64_t reaped;
	uint64_t told, told_ns;	/* how many the last line said, and when; 0: none yet */
	uint64_t base, base_ns;	/* how many were settled at the line before: growth is seen against it */
	bool incomplete;	/* in this pass: some had no place in the table */
	bool placed;		/* and some had one */
	struct zombie_owner facts;
};

struct zombie_state {
	struct session *session;
	struct table bodies, holders;
	struct zombie_holder *holder;	/* in a pass: of the zombies that are read now */
	uint64_t pass, now_ns, next_ns, interval_ns, threshold_ns;
	bool fixed_interval;
	uint64_t unseen;		/* in a pass: parents without a place in the tables, at most */
	uint64_t generated;		/* observations made, what had no place, and passes that failed */
};

/* A pass at now_ns: begin, take what the probe writes (struct zombie_entry), end. */
void zombie_begin(struct zombie_state *state);
void zombie_take(void *state, const void *record);
void zombie_end(struct zombie_state *state);
/* True when it is old enough to be told of. */
bool zombie_is_stuck(const struct zombie_state *state, const struct zombie_body *body);
/* zombie_tell.c: what is known of it now, as an observation, which is delivered. */
void zombie_tell(const struct zombie_state *state, const struct zombie_holder *holder);

#endif
