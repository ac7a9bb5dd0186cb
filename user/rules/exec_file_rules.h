/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules about execs that rest on what the file showed just after. Pure. */
#ifndef KWHY_EXEC_FILE_RULES_H
#define KWHY_EXEC_FILE_RULES_H

#include "diagnosis.h"

#define EXEC_RULE(NAME) \
	bool exec_##NAME##_matches(const struct observation *observation); \
	void exec_##NAME##_explain(const struct observation *observation, struct verdict *ret);

EXEC_RULE(no_file)
EXEC_RULE(interpreter)
EXEC_RULE(loader)
EXEC_RULE(return)
EXEC_RULE(mode)
EXEC_RULE(mount)
EXEC_RULE(type)
EXEC_RULE(search)
EXEC_RULE(denied)
EXEC_RULE(format)
EXEC_RULE(machine)
EXEC_RULE(text)
EXEC_RULE(empty)
EXEC_RULE(links)
EXEC_RULE(scripts)

#undef EXEC_RULE

#endif
