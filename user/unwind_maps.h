/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/maps and the headers of the ELF files in it: pure functions of bytes that a process may have chosen. */
#ifndef KWHY_UNWIND_MAPS_H
#define KWHY_UNWIND_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 7f0c5c028000-7f0c5c1bd000 r-xp 00028000 fe:01 1835   /usr/lib/x86_64-linux-gnu/libc.so.6 */
struct mapping {
	uint64_t start, end;
	uint64_t offset;	/* in the file */
	uint64_t inode;		/* 0: belongs to no file */
	uint32_t major, minor;
	bool executable;
	bool deleted;		/* the kernel's " (deleted)", which is no part of path */
	const char *path;	/* in the line, not NUL terminated; also "[vdso]", "[anon:name]" */
	size_t path_length;
};

/* line without its newline; -EINVAL */
int mapping_parse(const char *line, size_t length, struct mapping *ret);

/* where in the process an ELF file lies */
struct elf_extent {
	uint64_t low, high;	/* from its first segment to the end of its last */
	uint64_t bias;		/* of its addresses */
};

/* what of a file's beginning elf_extent_parse() looks at */
enum { ELF_HEAD_BYTES = 8192 };

/*
 * From the first bytes of a file and where an executable part of it is mapped.
 * -ENOEXEC: no 64-bit program or library of this byte order, -EINVAL: none
 * that could have been mapped so.
 */
int elf_extent_parse(const void *head, size_t length, const struct mapping *mapping, struct elf_extent *ret);

#endif
