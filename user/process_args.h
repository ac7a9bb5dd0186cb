/* SPDX-License-Identifier: BSD-2-Clause */
/* A block of NUL-terminated arguments as words of a record, redacted. */
#ifndef KWHY_PROCESS_ARGS_H
#define KWHY_PROCESS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

/*
 * Splits size bytes at their NULs into at most max words of word_size bytes;
 * returns how many. *ret_cut: something did not fit, or the last has no NUL.
 */
uint64_t args_split(char *words, size_t word_size, uint64_t max, const char *block, size_t size, bool *ret_cut);

/* The arguments of a process from such a block; true when something was left out. */
bool process_args_fill(struct process *process, const char *block, size_t size, bool cut, bool no_redact);

#endif
