// SPDX-License-Identifier: BSD-2-Clause
#include "tool.h"

static const struct tool oomwatch = {
	.name = "oomwatch",
	.summary = "Says why the kernel killed a process for memory: which limit, how full, who grew, what to do.",
	.usage = "[OPTION...]",
	.examples = "  oomwatch                           # a card per kill, until Ctrl-C\n"
		    "  oomwatch --cgroup /system.slice    # only services\n"
		    "  oomwatch -n 1 -j                   # one kill as JSON, then end\n"
		    "  oomwatch -w /var/log/oom.ndjson    # cards here, NDJSON there\n",
	.kinds = { KIND_oom_kill },
};

int main(int argc, char **argv)
{
	return tool_watch(&oomwatch, argc, argv);
}
