// SPDX-License-Identifier: BSD-2-Clause
/* Stacks, paths and arguments are as long as those who made them like: a line must hold the longest. */
#include "fd_exhausted_kind.h"
#include "fit.h"
#include "ndjson.h"

/* what the observation may take, so that the diagnosis has room */
enum { OBSERVATION_BYTES = 5200 };

void fd_exhausted_fit(struct observation *o)
{
	struct fd_exhausted *x = &o->fd_exhausted;

	while (ndjson_observation_bytes(o) > OBSERVATION_BYTES) {
		if (fit_args(&o->process, 4))
			observation_truncated(o, "process.args");
		else if (fit_list(&x->stack_count, 10))
			observation_truncated(o, "fd_exhausted.stack");
		else if (fit_list(&x->top_count, 3))
			observation_truncated(o, "fd_exhausted.top");
		else if (fit_places(o, 96))
			observation_truncated(o, "cgroup.path");
		else if (fit_list(&x->by_type_count, 6))
			observation_truncated(o, "fd_exhausted.by_type");
		else if (fit_list(&x->stack_count, 4))
			observation_truncated(o, "fd_exhausted.stack");
		else if (fit_args(&o->process, 0))
			observation_truncated(o, "process.args");
		else if (fit_list(&x->top_count, 0))
			observation_truncated(o, "fd_exhausted.top");
		else if (fit_list(&x->stack_count, 0))
			observation_truncated(o, "fd_exhausted.stack");
		else
			return;
	}
}
