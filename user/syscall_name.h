/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of system calls by the numbers of the running architecture. */
#ifndef KWHY_SYSCALL_NAME_H
#define KWHY_SYSCALL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* compat: the number is of the architecture's 32-bit table. "openat", "syscall 999" when it has no name. */
void syscall_name(char *ret, size_t size, uint64_t number, bool compat);

#endif
