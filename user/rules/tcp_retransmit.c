// SPDX-License-Identifier: BSD-2-Clause
#include "diagnosis.h"
#include "say.h"

static bool any_matches(const struct observation *observation)
{
	(void)observation;
	return true;
}

static void unknown_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	(void)observation;
	text_add(&text, "why is not known");
}

static void tcp_retransmit_describe(const struct observation *observation, struct verdict *ret)
{
	(void)observation;
	ret->severity = SEVERITY_WARNING;
}

static const struct rule rules[] = {
	{ "tcp-retransmit-unknown", "Nothing is known of it.", any_matches, unknown_explain },
};

const struct rule_table tcp_retransmit_rules = {
	.rules = rules, .count = sizeof(rules) / sizeof(rules[0]), .describe = tcp_retransmit_describe,
};
