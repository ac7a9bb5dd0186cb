// SPDX-License-Identifier: BSD-2-Clause
#include "tool.h"

static const struct tool fdleak = {
	.name = "fdleak",
	.summary = "Says which descriptors a process leaks, where it opens them, how long its limit lasts, and why\n"
		   "\"too many open files\". Without --pid: the processes nearest their limit, then every refusal.",
	.usage = "[-p PID] [OPTION...]",
	.examples = "  fdleak                             # who is near the limit, then EMFILE and ENFILE as they happen\n"
		    "  fdleak -p 4121 -d 30               # one process for half a minute: what grows, from where\n"
		    "  fdleak -p 4121 --svg fds.svg       # a flame graph of what is open, when it ends\n",
	.kinds = { KIND_fd_leak, KIND_fd_exhausted },
};

int main(int argc, char **argv)
{
	return tool_watch(&fdleak, argc, argv);
}
