// SPDX-License-Identifier: BSD-2-Clause
/* Why a process got no descriptor. */
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
	{ "fd-unexplained", "nothing is claimed", always, unexplained },
};

static void describe(const struct observation *observation, struct verdict *ret)
{
	(void)observation;
	ret->severity = SEVERITY_ERROR;
}

const struct rule_table fd_exhausted_rules = { rules, sizeof(rules) / sizeof(*rules), describe };
