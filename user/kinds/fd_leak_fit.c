// SPDX-License-Identifier: BSD-2-Clause
/* Stacks, paths and arguments are as long as those who made them like: a line must hold the longest. */
#include "fd_leak_kind.h"
#include "fit.h"
#include "ndjson.h"

/* what the observation may take, so that the diagnosis has room */
enum { OBSERVATION_BYTES = 5000 };

static bool fit_stacks(struct fd_leak *x, uint64_t least)
{
	bool done = false;

	for (uint64_t i = 0; i < x->sites_count; i++)
		done |= fit_list(&x->sites[i].stack_count, least);
	for (uint64_t i = 0; i < x->close_wait_count; i++)
		done |= fit_list(&x->close_wait[i].stack_count, least);
	return done;
}

void fd_leak_fit(struct observation *o)
{
	struct fd_leak *x = &o->fd_leak;

	while (ndjson_observation_bytes(o) > OBSERVATION_BYTES) {
		if (fit_args(&o->process, 4))
			observation_truncated(o, "process.args");
		else if (fit_list(&x->sites_count, 3))
			observation_truncated(o, "fd_leak.sites");
		else if (fit_stacks(x, 8))
			observation_truncated(o, "fd_leak.stack");
		else if (fit_list(&x->top_count, 3))
			observation_truncated(o, "fd_leak.top");
		else if (fit_list(&x->close_wait_count, 2))
			observation_truncated(o, "fd_leak.close_wait");
		else if (fit_places(o, 96))
			observation_truncated(o, "cgroup.path");
		else if (fit_list(&x->sites_count, 1))
			observation_truncated(o, "fd_leak.sites");
		else if (fit_stacks(x, 4))
			observation_truncated(o, "fd_leak.stack");
		else if (fit_list(&x->by_type_count, 6))
			observation_truncated(o, "fd_leak.by_type");
		else if (fit_list(&x->top_count, 0))
			observation_truncated(o, "fd_leak.top");
		else if (fit_args(&o->process, 0))
			observation_truncated(o, "process.args");
		else if (fit_list(&x->close_wait_count, 0))
			observation_truncated(o, "fd_leak.close_wait");
		else if (fit_list(&x->sites_count, 0))
			observation_truncated(o, "fd_leak.sites");
		else
			return;
	}
}
