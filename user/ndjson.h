/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Observations and stream records as NDJSON lines, and back. What a line looks
 * like is in the tables of record.h; the common keys are here.
 *
 * {"time":"2026-11-21T10:42:17.305112233Z","kind":"oom_kill","severity":"error",
 *  "message":"…","host":"db1","boot_ns":81234567890123,"seq":2,"id":"…","schema":"1.0",
 *  "process":{…},"cgroup":{…},"container":{…},"oom_kill":{…},"diagnosis":{…}}
 */
#ifndef KWHY_NDJSON_H
#define KWHY_NDJSON_H

#include "diagnosis.h"
#include "observation.h"
#include "text.h"

#define LINE_BYTES 8000		/* with the newline; rsyslog splits at 8096 */
#define SCHEMA_VERSION "1.0"

/* what every line begins with */
struct line_head {
	uint64_t time_ns;
	const char *kind;
	enum severity severity;
	const char *message;
	const char *host;
	uint64_t boot_ns;
	uint64_t seq;
	const char *id;
};

/* One record as a JSON object: its known fields, in their order. */
void json_record(struct text *text, const struct record *record, const void *data);

/* RFC 3339 with nine digits, UTC. */
void text_time(struct text *text, uint64_t time_ns);

/* A whole line with its newline. verdict's evidence is shortened until the line fits. */
void ndjson_observation(struct text *text, struct observation *observation, struct verdict *verdict);
/* A line of the stream itself: record is start, gap or stop. */
void ndjson_stream(struct text *text, const struct line_head *head, const struct record *record,
		   const void *data);

/* Bytes the observation's objects take in a line, without head and diagnosis. */
size_t ndjson_observation_bytes(const struct observation *observation);

#endif
