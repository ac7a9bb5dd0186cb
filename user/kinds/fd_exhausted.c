// SPDX-License-Identifier: BSD-2-Clause
#include "session.h"

const struct probe_type fd_exhausted_probe = { .name = "fd_exhausted", .kind = KIND_fd_exhausted };
const struct kind_type fd_exhausted_kind = { .kind = KIND_fd_exhausted, .probe = &fd_exhausted_probe };
