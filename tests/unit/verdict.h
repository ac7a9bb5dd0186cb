/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of rules ask of every verdict. The cmocka headers come first. */
#ifndef KWHY_TEST_VERDICT_H
#define KWHY_TEST_VERDICT_H

#include <stdio.h>
#include <string.h>

#include "user/diagnosis.h"
#include "user/text.h"

/* all texts of a verdict, one per line */
static inline const char *words_of(const struct verdict *v)
{
	static char data[64 * 1024];
	const struct diagnosis *d = &v->diagnosis;
	struct text text = TEXT_ON(data);

	text_format(&text, "%s\n%s\n%s\n", v->message, d->title, d->cause);
	for (uint64_t i = 0; i < d->evidence_count; i++)
		text_format(&text, "%s: %s\n", d->evidence[i].about, d->evidence[i].claim);
	for (uint64_t i = 0; i < d->advice_count; i++)
		text_format(&text, "do: %s\n", d->advice[i]);
	for (uint64_t i = 0; i < d->verify_count; i++)
		text_format(&text, "verify: %s\n", d->verify[i]);
	return data;
}

static inline void check_verdict(const char *path, enum event_kind kind, const struct verdict *v)
{
	const struct rule_table *table = rules_of(kind);
	const struct diagnosis *d = &v->diagnosis;
	unsigned int i = 0;

	while (i < table->count && strcmp(table->rules[i].id, d->rule) != 0)
		i++;
	assert_true(i < table->count);
	assert_true(v->severity > SEVERITY_DEBUG && v->severity <= SEVERITY_CRITICAL);
	if (!*v->message || !d->known.title || !*d->title || !d->known.cause || !*d->cause || !d->known.confidence ||
	    !d->known.resource)
		fail_msg("%s: a part is missing", path);
	/* where nothing is wrong there is nothing to do; many a death needs no command to be sure of */
	if (v->severity > SEVERITY_INFO && kind != KIND_exit && (!d->advice_count || !d->verify_count || !d->evidence_count))
		fail_msg("%s: nothing to do, to verify or to see", path);
	assert_true(memchr(v->message, 0, sizeof(v->message)) && memchr(d->title, 0, sizeof(d->title)));
	assert_true(d->evidence_count <= sizeof(d->evidence) / sizeof(d->evidence[0]));
	assert_true(d->advice_count <= sizeof(d->advice) / sizeof(d->advice[0]));
	assert_true(d->verify_count <= sizeof(d->verify) / sizeof(d->verify[0]));
	for (i = 0; i < d->evidence_count; i++)
		if (!*d->evidence[i].claim || !d->evidence[i].known.basis)
			fail_msg("%s: evidence %u is empty", path, i);
	if (strstr(words_of(v), "(null)"))
		fail_msg("%s: (null)", path);
}

/* the record of a kind; what it is of lies at the same place whatever the kind */
static inline const struct record *kind_record(enum event_kind kind)
{
	static const struct record *const records[KIND_COUNT] = {
#define KIND(NAME, SYMPTOM, WORD) [KIND_##NAME] = &NAME##_record,
#include "events/all.def"
	};

	return records[kind];
}

#endif
