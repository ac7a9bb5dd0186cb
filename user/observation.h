/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An observation: what the kernel reported and what user space looked up at
 * once. It is the seam: one NDJSON line holds all of it, and everything after
 * it (rules, rendering) works the same on a live one and on a recorded one.
 */
#ifndef KWHY_OBSERVATION_H
#define KWHY_OBSERVATION_H

#include "record.h"

struct observation {
	enum event_kind kind;
	uint64_t time_ns;	/* since the epoch; when it happened */
	uint64_t boot_ns;	/* CLOCK_BOOTTIME; when it happened */
	uint64_t seq;		/* of the line, gap-free per run */
	char id[48];		/* unique for ever: boot, run, seq */
	char host[72];
	struct process process;
	struct cgroup cgroup;
	struct container container;
	/* lists that were cut so that the line stays below LINE_BYTES */
	uint64_t truncated_count;
	char truncated[8][48];
	union {
#define KIND(NAME, SYMPTOM, WORD) struct NAME NAME;
#include "events/all.def"
	};
};

/* Everything unknown; of the kinds' parts only the one of this kind is touched. */
void observation_clear(struct observation *observation, enum event_kind kind);
/* Notes that something of the observation was cut. */
void observation_truncated(struct observation *observation, const char *what);
/* Derives container and unit from the cgroup's path. */
void observation_identify(struct observation *observation);

/* a text field from a string */
#define KNOW_TEXT(RECORD_POINTER, NAME, STRING) \
	(text_copy((RECORD_POINTER)->NAME, sizeof((RECORD_POINTER)->NAME), STRING, strlen(STRING)), \
	 (RECORD_POINTER)->known.NAME = 1)

#endif
