// SPDX-License-Identifier: BSD-2-Clause
#include "tool.h"

static const struct tool acceptwatch = {
	.name = "acceptwatch",
	.summary = "Says which listening socket turned clients away: its queue and limit, what set that limit, who ought to have\n"
		   "called accept() and what it did instead.",
	.usage = "[OPTION...]",
	.examples = "  acceptwatch                        # a card per listener that overflows, until Ctrl-C\n"
		    "  acceptwatch -p 4121                # only sockets of this process\n"
		    "  acceptwatch -d 60 -j               # a minute, as JSON\n",
	.kinds = { KIND_accept_overflow },
};

int main(int argc, char **argv)
{
	return tool_watch(&acceptwatch, argc, argv);
}
