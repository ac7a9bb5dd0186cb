// SPDX-License-Identifier: BSD-2-Clause
#include "diagnosis.h"
static bool always(const struct observation *observation) { (void)observation; return true; }
static void d(const struct observation *observation, struct verdict *ret) { (void)observation; (void)ret; }
static const struct rule rules[] = {
	{ "zombie-unrecognised", "x", always, d },
};
const struct rule_table zombie_rules = { .rules = rules, .count = 1, .describe = d };
