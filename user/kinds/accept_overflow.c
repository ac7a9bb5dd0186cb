// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "session.h"

static int accept_overflow_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	(void)probe;
	(void)kernel;
	(void)core_path;
	return -ENOTSUP;
}

static const struct hook_choice hooks[] = { { .name = "tracepoint" } };

const struct probe_type accept_overflow_probe = {
	.name = "accept_overflow", .kind = KIND_accept_overflow, .hooks = hooks, .hook_count = 1, .open = accept_overflow_probe_open,
};

const struct kind_type accept_overflow_kind = { .kind = KIND_accept_overflow, .probe = &accept_overflow_probe };
