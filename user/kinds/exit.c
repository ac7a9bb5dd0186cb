// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include "session.h"
static int no_open(struct probe *p, const struct kernel *k, const char *c) { (void)p; (void)k; (void)c; return -ENOTSUP; }
static const struct hook_choice hooks[] = { { .name = "tracepoint" } };
const struct probe_type exit_probe = { .name = "exit", .kind = KIND_exit, .hooks = hooks, .hook_count = 1, .open = no_open };
const struct kind_type exit_kind = { .kind = KIND_exit, .probe = &exit_probe };
