/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers of /proc below a root directory (a small fake tree in tests). Every
 * parser is a pure function of bytes that a process may have chosen.
 */
#ifndef KWHY_PROCFS_H
#define KWHY_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESS_ARG_BYTES 160

struct procfs {
	int fd;		/* the proc directory */
};

/* 4121 (postgres) S 1 ... */
struct process_stat {
	char state;
	uint64_t ppid;
	uint64_t cpu_ticks;	/* of a process: of all its threads, also of those that ended */
	uint64_t start_ticks;	/* since boot, in the reader's time namespace */
	uint64_t threads;
	bool exiting;		/* its main thread is ending or has ended */
	char comm[64];		/* kernel threads' names are longer than 16 */
};

enum meminfo_known {
	MEMINFO_KNOWN_TOTAL = 1 << 0,
	MEMINFO_KNOWN_AVAILABLE = 1 << 1,
	MEMINFO_KNOWN_FREE = 1 << 2,
	MEMINFO_KNOWN_ANON = 1 << 3,
	MEMINFO_KNOWN_CACHED = 1 << 4,
	MEMINFO_KNOWN_SHMEM = 1 << 5,
	MEMINFO_KNOWN_SLAB = 1 << 6,
	MEMINFO_KNOWN_KERNEL = 1 << 7,
	MEMINFO_KNOWN_SWAP_TOTAL = 1 << 8,
	MEMINFO_KNOWN_SWAP_FREE = 1 << 9,
};

/* A field is valid when its bit of meminfo_known is set; the bits are in the fields' order. */
struct meminfo {
	uint64_t total_bytes;
	uint64_t available_bytes;
	uint64_t free_bytes;
	uint64_t anon_bytes;
	uint64_t cached_bytes;	/* the kernel's "Cached": page cache with shmem, without buffers */
	uint64_t shmem_bytes;
	uint64_t slab_bytes;
	uint64_t kernel_bytes;	/* slab, kernel stacks, page tables, per-CPU: known when all are */
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;
	uint32_t known;
};

/* root NULL is "/". Close with procfs_close(). */
int procfs_open(struct procfs *ret, const char *root);
void procfs_close(struct procfs *procfs);

int procfs_stat(const struct procfs *procfs, uint64_t pid, struct process_stat *ret);

/* The process a thread belongs to, by its id; a process is its own. -errno; -EBADMSG where the file does not say. */
int procfs_tgid(const struct procfs *procfs, uint64_t pid, uint64_t *ret);

/*
 * Whether pid is still the process that started at start_ns (CLOCK_BOOTTIME).
 * /proc has clock ticks, so a pid reused within one tick of 10 ms is not told
 * apart. A zombie is still itself.
 */
bool procfs_same_process(const struct procfs *procfs, uint64_t pid, uint64_t start_ns);

/* As the kernel says, with its " (deleted)"; cut on a character's boundary. */
int procfs_exe(const struct procfs *procfs, uint64_t pid, char *ret, size_t size);

/* What a descriptor refers to, as /proc has it: a path, or "socket:[4711]". */
int procfs_fd(const struct procfs *procfs, uint64_t pid, uint32_t fd, char *ret, size_t size);

/* How many descriptors a process has, at most max of them counted where the kernel does not say it (before 6.2). */
int procfs_fd_count(const struct procfs *procfs, uint64_t pid, uint64_t max, uint64_t *ret);

/*
 * At most max arguments, each cut on a character's boundary. None is no
 * failure: kernel threads and processes that gave up their memory have none.
 * The caller redacts them before anything else sees them.
 */
int procfs_args(const struct procfs *procfs, uint64_t pid, char (*ret)[PROCESS_ARG_BYTES],
		size_t max, uint64_t *ret_count);

/* Kernel function the process sleeps in; -ENOENT when it does not or may not be told. */
int procfs_wchan(const struct procfs *procfs, uint64_t pid, char *ret, size_t size);

int procfs_meminfo(const struct procfs *procfs, struct meminfo *ret);

/* 36 characters and a NUL. */
int procfs_boot_id(const struct procfs *procfs, char *ret, size_t size);

int process_stat_parse(const char *data, size_t length, struct process_stat *ret);
int args_parse(const char *data, size_t length, char (*ret)[PROCESS_ARG_BYTES], size_t max,
	       uint64_t *ret_count);
int meminfo_parse(const char *data, size_t length, struct meminfo *ret);

/*
 * A small file of /proc or a cgroup directory, at most size - 1 bytes and a
 * NUL. What did not fit is dropped; ret is scratch when it fails.
 */
int file_read_at(int dir_fd, const char *path, char *ret, size_t size, size_t *ret_length);

/* Decimal digits at data: how many, 0 for none or a number above 64 bits. */
size_t digits_parse(const char *data, size_t length, uint64_t *ret);

/* "MemFree:  123 kB" or "anon 4096", in bytes or whatever the file counts */
struct named_number {
	const char *name;	/* not NUL terminated */
	size_t length;
	uint64_t value;
};

/*
 * The next line of that form from *at on; others are skipped, and so is a last
 * line without newline: it was cut. False at the end.
 */
bool named_number_next(const char *data, size_t length, size_t *at, struct named_number *ret);

/* Where a named number of a file belongs; bit of "known" to set. */
struct number_slot {
	const char *name;
	size_t offset;
	uint32_t known;
};

/* Stores number into the uint64_t of base that its slot names: its bit, or 0 for none. */
uint32_t number_store(const struct number_slot *slots, size_t count,
		      const struct named_number *number, void *base);

#endif
