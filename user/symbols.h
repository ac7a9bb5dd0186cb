/* SPDX-License-Identifier: BSD-2-Clause */
/* The function and source line of an instruction in a mapped file. */
#ifndef KWHY_SYMBOLS_H
#define KWHY_SYMBOLS_H

#include <stdint.h>

struct symbol {
	char name[128];		/* "main+0x14" */
	char line[160];		/* "crash.c:12"; "" without debug information */
};

/*
 * path is as the process saw it; neighbour is a process that lives in the same
 * root directory (its parent), asked because the process itself is gone.
 * -ENOENT: no such file or no symbol, -ESTALE: the file is another one by now.
 * May take milliseconds: for faults only.
 */
int symbol_find(struct symbol *ret, uint64_t neighbour, const char *path, uint64_t inode, uint64_t file_offset);

#endif
