// SPDX-License-Identifier: BSD-2-Clause
#include "diagnosis.h"
#include "say.h"

static bool always(const struct observation *observation)
{
	(void)observation;
	return true;
}

static void explain(const struct observation *observation, struct verdict *ret)
{
	(void)observation;
	KNOW(&ret->diagnosis, confidence, BASIS_UNKNOWN);
}

static void describe(const struct observation *observation, struct verdict *ret)
{
	(void)observation;
	ret->severity = SEVERITY_INFO;
}

static const struct rule rules[] = {
	{ "exec-unrecognised", "none of the above", always, explain },
};

const struct rule_table exec_rules = {
	.rules = rules,
	.count = sizeof(rules) / sizeof(rules[0]),
	.describe = describe,
};
