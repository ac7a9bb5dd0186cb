// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include "session.h"
static int no_open(struct probe *p, const struct kernel *k, const char *c) { (void)p; (void)k; (void)c; return -ENOTSUP; }
static const struct hook_choice hooks[] = { { .name = "tracepoint" } };
const struct probe_type exec_probe = { .name = "exec", .kind = KIND_exec, .hooks = hooks, .hook_count = 1, .open = no_open };
const struct kind_type exec_kind = { .kind = KIND_exec, .probe = &exec_probe };

#include "exit_kind.h"
bool exec_last_failure(struct session *s, const struct process *p, struct failed_exec *r, uint64_t b) { (void)s;(void)p;(void)r;(void)b; return false; }
