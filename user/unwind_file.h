/* SPDX-License-Identifier: BSD-2-Clause */
/* The files a process maps, opened as it sees them: whatever its root, and also when they were deleted or replaced. */
#ifndef KWHY_UNWIND_FILE_H
#define KWHY_UNWIND_FILE_H

#include <libelf.h>

#include "unwind_space.h"

/* -ENOEXEC, -EINVAL: not an ELF file that lies so; else why it cannot be opened */
int code_file_extent(const struct code_file *file, struct elf_extent *ret);

/* Its descriptor, which *ret_elf needs, or -1. */
int code_file_open_elf(const struct code_file *file, Elf **ret_elf);

#endif
