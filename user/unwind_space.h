/* SPDX-License-Identifier: BSD-2-Clause */
/* What is mapped in one living process and may be executed, and libdwfl's view of it. */
#ifndef KWHY_UNWIND_SPACE_H
#define KWHY_UNWIND_SPACE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table.h"
#include "unwind_maps.h"

/* one file that code was mapped from */
struct code_file {
	uint64_t start, end;	/* of the mapping, which names it in /proc/PID/map_files */
	uint64_t offset;
	uint64_t inode;
	uint32_t major, minor;
	struct elf_extent extent;
	bool is_elf;		/* extent is known and a module of libdwfl */
	bool is_vdso;
	bool is_memory;		/* got its name from memfd_create() */
	bool deleted;
	uint64_t pid;
	char *path;		/* in the process's root */
};

enum { CODE_JIT = -1 };

/* what a frame is called; longer names are not kept */
struct code_name {
	uint64_t key;
	char text[248];
};

enum { CODE_NAMES = 4096 };

/* addresses that may be executed */
struct code_range {
	uint64_t start, end;
	int32_t file;		/* CODE_JIT: belongs to none */
};

struct code_map {
	struct code_range *ranges;	/* ascending */
	struct code_file *files;
	uint32_t range_count, file_count;
	uint32_t range_room, file_room;
};

struct address_space {
	uint64_t pid, start_ns;
	uint64_t last_used;
	uint64_t next_refresh_ns;	/* CLOCK_MONOTONIC: not before */
	int memory_fd;			/* ends with the process and with its execve() */
	uint64_t exe_inode;
	struct code_map code;
	Dwfl_Callbacks find;
	Dwfl *dwfl;
	struct walk *walk;		/* the stack being unwound, for the callbacks */
	void *vdso;
	size_t vdso_size;
	struct table names;		/* of struct code_name: finding one takes up to milliseconds */
};

/* A descriptor of the memory of the process that started then. -ESRCH, -EACCES, -EPERM. */
int process_memory_open(uint64_t pid, uint64_t start_ns, int *ret);

/*
 * Takes memory_fd, also when it fails. elf gives the architecture; it stays
 * the caller's. ret may not move, and is scratch when it fails.
 */
int address_space_open(struct address_space *ret, uint64_t pid, uint64_t start_ns, int memory_fd, Elf *elf,
		       const Dwfl_Thread_Callbacks *callbacks);
void address_space_close(struct address_space *space);

/* False: the process is gone, or runs another program by now. address: any that can be read without a page fault. */
bool address_space_lives(const struct address_space *space, uint64_t address);

/* Reads the maps again, unless that was a moment ago: then false. */
bool address_space_refresh(struct address_space *space);

/* where address may be executed; NULL: nowhere that is known */
const struct code_range *address_space_find(const struct address_space *space, uint64_t address);

#endif
