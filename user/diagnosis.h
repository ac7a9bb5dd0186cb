/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules: pure functions of an observation. No clock, no file, no global;
 * tests/conventions checks it with nm.
 */
#ifndef KWHY_DIAGNOSIS_H
#define KWHY_DIAGNOSIS_H

#include "observation.h"

/* a diagnosis and what the head of the line says because of it */
struct verdict {
	enum severity severity;
	bool repeats;	/* more of the same: NDJSON has it, people are not told again */
	bool brief;	/* a line of a list: people get the message and no card */
	char message[320];
	struct diagnosis diagnosis;
};

/* One way to explain an observation of a kind. The first that matches is taken. */
struct rule {
	const char *id;
	const char *doc;
	bool (*matches)(const struct observation *observation);
	void (*explain)(const struct observation *observation, struct verdict *ret);
};

/*
 * The rules of a kind, the last of which always matches and claims nothing,
 * and the words they share (title, evidence, severity).
 */
struct rule_table {
	const struct rule *rules;
	unsigned int count;
	void (*describe)(const struct observation *observation, struct verdict *ret);
};

#define KIND(NAME, SYMPTOM, WORD) extern const struct rule_table NAME##_rules;
#include "events/all.def"

const struct rule_table *rules_of(enum event_kind kind);
void diagnose(const struct observation *observation, struct verdict *ret);

#endif
