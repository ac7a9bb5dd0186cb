// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "session.h"

static int tcp_retransmit_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	(void)probe;
	(void)kernel;
	(void)core_path;
	return -ENOTSUP;
}

static const struct hook_choice hooks[] = { { .name = "tracepoint" } };

const struct probe_type tcp_retransmit_probe = {
	.name = "tcp_retransmit", .kind = KIND_tcp_retransmit, .hooks = hooks, .hook_count = 1, .open = tcp_retransmit_probe_open,
};

const struct kind_type tcp_retransmit_kind = { .kind = KIND_tcp_retransmit, .probe = &tcp_retransmit_probe };
