/* SPDX-License-Identifier: BSD-2-Clause */
/* Observations of every kind there is, for tests that must hold for all. */
#ifndef KWHY_TESTS_KINDS_H
#define KWHY_TESTS_KINDS_H

#include "random.h"
#include "user/observation.h"

static inline const struct record *kind_record(enum event_kind kind)
{
	static const struct record *const records[KIND_COUNT] = {
#define KIND(NAME, SYMPTOM, WORD) [KIND_##NAME] = &NAME##_record,
#include "events/all.def"
	};

	return records[kind];
}

/* The kind's own part: they share the memory at the end. */
static inline void *kind_part(struct observation *observation)
{
	return &observation->oom_kill;
}

/* What a probe and its enrichment may fill, at random; all else is zero. */
static inline void fill_parts(struct fill *fill, struct observation *ret, enum event_kind kind)
{
	memset(ret, 0, sizeof(*ret));
	ret->kind = kind;
	fill_record(fill, &process_record, &ret->process);
	fill_record(fill, &cgroup_record, &ret->cgroup);
	fill_record(fill, &container_record, &ret->container);
	fill_record(fill, kind_record(kind), kind_part(ret));
}

#endif
