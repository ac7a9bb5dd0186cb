// SPDX-License-Identifier: BSD-2-Clause
#include "session.h"

const struct probe_type fd_leak_probe = { .name = "fd_leak", .kind = KIND_fd_leak };
const struct kind_type fd_leak_kind = { .kind = KIND_fd_leak, .probe = &fd_leak_probe };
