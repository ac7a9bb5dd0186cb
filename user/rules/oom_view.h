/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the OOM rules see in an observation: the level that bound, the limit,
 * how the memory grew. Pure; every number that was not known stays "not known".
 */
#ifndef KWHY_OOM_VIEW_H
#define KWHY_OOM_VIEW_H

#include "observation.h"

enum oom_growth {
	OOM_GROWTH_UNKNOWN,	/* too few samples, or none of the shapes below */
	OOM_GROWTH_LEAK,	/* steady, no plateau */
	OOM_GROWTH_BURST,	/* flat before, then most of it within a moment */
	OOM_GROWTH_PLATEAU,	/* stood just below the limit for most of the time */
};

struct oom_shape {
	bool known;		/* enough samples to look at */
	enum oom_growth growth;
	uint64_t span_ns;	/* first sample to the instant */
	uint64_t first_bytes, last_bytes;
	uint64_t steady_bytes;	/* plateau: mean of its samples */
	uint64_t grown_bytes;	/* since growth set in */
	uint64_t grown_ns;	/* and how long it took */
	uint64_t steps;		/* samples of that growth */
};

struct oom_view {
	const struct oom_kill *oom;
	const struct oom_limit *binding;	/* NULL when no level is known to have bound */
	uint64_t limit_bytes;			/* of the domain; 0: unknown */
	uint64_t usage_bytes;			/* of the domain; 0: unknown */
	uint64_t victim_bytes;			/* anon + shmem of the victim; 0: unknown */
	const struct oom_candidate *largest;	/* other than the victims; NULL: unknown or none */
	bool host;				/* scope is global */
	struct oom_shape shape;
};

void oom_view_init(struct oom_view *ret, const struct observation *observation);

/* a task's part in the domain: anon + shmem */
uint64_t oom_candidate_bytes(const struct oom_candidate *candidate);

/* The domain's anonymous memory at a sample; false when it or its time is unknown. */
bool oom_sample_value(const struct oom_sample *sample, uint64_t *ret);

/* bytes per minute of the growth that led to the kill; 0 when it did not grow */
uint64_t oom_rate_per_min(const struct oom_shape *shape);

#endif
