/* SPDX-License-Identifier: BSD-2-Clause */
/* kwhy explain: recorded lines judged again, without kernel or root. */
#ifndef KWHY_EXPLAIN_H
#define KWHY_EXPLAIN_H

#include "options.h"
#include "tool.h"

/* Reads the files named, stdin when none is or for "-". Returns an exit status. */
int explain(const struct tool *tool, const struct options *options);

#endif
