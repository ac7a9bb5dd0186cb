// SPDX-License-Identifier: BSD-2-Clause
#include "diagnosis.h"

#include <string.h>

#include "text.h"

const struct rule_table *rules_of(enum event_kind kind)
{
	static const struct rule_table *const tables[KIND_COUNT] = {
#define KIND(NAME, SYMPTOM, WORD) [KIND_##NAME] = &NAME##_rules,
#include "events/all.def"
	};

	return kind < KIND_COUNT ? tables[kind] : NULL;
}

void diagnose(const struct observation *observation, struct verdict *ret)
{
	const struct rule_table *table = rules_of(observation->kind);
	const struct rule *rule = table->rules;

	memset(ret, 0, sizeof(*ret));
	while (!rule->matches(observation))
		rule++;
	text_copy(ret->diagnosis.rule, sizeof(ret->diagnosis.rule), rule->id, strlen(rule->id));
	ret->diagnosis.known.rule = 1;
	table->describe(observation, ret);
	rule->explain(observation, ret);
}
