// SPDX-License-Identifier: BSD-2-Clause
#include "tool.h"

static const struct tool retranswatch = {
	.name = "retranswatch",
	.summary = "Says why TCP sent segments again: the path, the peer, a closed window or a drop on this host; whose\n"
		   "connection it is, and how its peers and subnets do.",
	.usage = "[OPTION...]",
	.examples = "  retranswatch                       # a card per connection in trouble, until Ctrl-C\n"
		    "  retranswatch -c nginx              # only connections of nginx\n"
		    "  retranswatch -d 60 -j              # a minute, as JSON\n",
	.kinds = { KIND_tcp_retransmit },
};

int main(int argc, char **argv)
{
	return tool_watch(&retranswatch, argc, argv);
}
