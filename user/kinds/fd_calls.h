/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls that make descriptors, and what each means to the probes. */
#ifndef KWHY_FD_CALLS_H
#define KWHY_FD_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/fd.h"

/* enum fd_call_meaning by number: ret[0] of the architecture's own table, ret[1] of the 32-bit one. */
void fd_calls_fill(uint8_t ret[2][FD_CALLS]);

/* Where io_uring_complete has its result. */
struct kernel;
void fd_calls_ring(const struct kernel *kernel, uint32_t *ret_argument, bool *ret_completion);

#endif
