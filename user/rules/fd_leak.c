// SPDX-License-Identifier: BSD-2-Clause
/* How the descriptors of a process move. */
#include "diagnosis.h"

#include "say.h"

static bool always(const struct observation *observation)
{
	(void)observation;
	return true;
}

static void unexplained(const struct observation *observation, struct verdict *ret)
{
	(void)observation;
	(void)ret;
}

static const struct rule rules[] = {
	{ "fd-unjudged", "nothing is claimed", always, unexplained },
};

static void describe(const struct observation *observation, struct verdict *ret)
{
	(void)observation;
	ret->severity = SEVERITY_INFO;
}

const struct rule_table fd_leak_rules = { rules, sizeof(rules) / sizeof(*rules), describe };
