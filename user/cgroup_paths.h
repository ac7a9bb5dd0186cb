/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths of cgroups by id, as the probes tell them: nothing is read from /proc
 * or /sys for an event. Bounded: when it is full it begins anew, and so do the
 * probes.
 */
#ifndef KWHY_CGROUP_PATHS_H
#define KWHY_CGROUP_PATHS_H

#include "observation.h"
#include "table.h"

struct cgroup_event;
struct probe;

struct cgroup_paths {
	struct table table;	/* of struct cgroup_path */
};

/* What an observation says of its cgroup and container, ready to be copied. */
struct cgroup_path {
	uint64_t id;
	bool cut;		/* deeper or longer than could be told */
	struct cgroup cgroup;
	struct container container;
};

/* -ENOMEM; opening twice is fine. */
int cgroup_paths_open(struct cgroup_paths *paths);
void cgroup_paths_close(struct cgroup_paths *paths);

/* False when the table is full: clear it, tell the probes to begin anew. */
bool cgroup_paths_take(struct cgroup_paths *paths, const struct cgroup_event *event);
void cgroup_paths_clear(struct cgroup_paths *paths);
/* The probe has told nothing yet. */
void cgroup_paths_forget(const struct probe *probe);

/* NULL when it was never told (lost, or the cgroup is unknown). */
const struct cgroup_path *cgroup_paths_find(const struct cgroup_paths *paths, uint64_t id);
/* Id, and what else is known of it. */
void cgroup_paths_fill(const struct cgroup_paths *paths, struct observation *observation, uint64_t id,
		       uint64_t version);

#endif
