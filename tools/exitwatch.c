// SPDX-License-Identifier: BSD-2-Clause
#include "tool.h"

static const struct tool exitwatch = {
	.name = "exitwatch",
	.summary = "Says why a process died and who killed it, why a program could not be started, who leaves zombies.\n"
		   "Shows deaths by signal, cores, the statuses 126, 127 and 128+n, failed execs; --all shows all.",
	.usage = "[OPTION...]",
	.examples = "  exitwatch                          # abnormal deaths and failed execs, until Ctrl-C\n"
		    "  exitwatch --all -j | jq .message   # every exec and every exit\n"
		    "  exitwatch -p 4121 --children       # one process and what it starts\n"
		    "  exitwatch --cgroup /system.slice   # only services\n",
	.kinds = { KIND_exec, KIND_exit, KIND_zombie },
};

int main(int argc, char **argv)
{
	return tool_watch(&exitwatch, argc, argv);
}
