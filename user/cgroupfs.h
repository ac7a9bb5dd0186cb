/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cgroup hierarchies of this mount namespace: which one has the memory
 * controller, the directory of a cgroup by its id, and what it holds.
 */
#ifndef KWHY_CGROUPFS_H
#define KWHY_CGROUPFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cgroup_layout {
	CGROUP_LAYOUT_NONE,
	CGROUP_LAYOUT_V1,
	CGROUP_LAYOUT_V2,
	CGROUP_LAYOUT_HYBRID,	/* memory on v1, and a cgroup2 mount beside it */
};

/* What is not there: fd -1, version 0, mount "". */
struct cgroupfs {
	int memory_fd;		/* root of the hierarchy with the memory controller */
	int memory_version;
	char memory_mount[256];	/* /sys/fs/cgroup/memory, as mountinfo has it: without --root */
	int unified_fd;		/* root of cgroup2, with or without memory */
	char unified_mount[256];
	enum cgroup_layout layout;
};

enum memory_class_known {
	MEMORY_CLASS_KNOWN_ANON = 1 << 0,
	MEMORY_CLASS_KNOWN_FILE = 1 << 1,
	MEMORY_CLASS_KNOWN_SHMEM = 1 << 2,
	MEMORY_CLASS_KNOWN_KERNEL = 1 << 3,
};

/* What a cgroup and those below it hold; a field is valid when its bit is set. */
struct memory_classes {
	uint64_t anon_bytes;
	uint64_t file_bytes;	/* page cache without shmem */
	uint64_t shmem_bytes;
	uint64_t kernel_bytes;	/* on v2 before 5.18 the sum of the parts counted: a lower bound */
	uint32_t known;
};

/* A line of mountinfo that is a cgroup mount. */
struct cgroup_mount {
	int version;
	bool memory;		/* v1 with the memory controller */
	bool whole;		/* of the hierarchy's root, not of a directory below it */
	char path[256];
};

/* root NULL is "/". No cgroup mount at all is no failure: CGROUP_LAYOUT_NONE. */
int cgroupfs_open(struct cgroupfs *ret, const char *root);
void cgroupfs_close(struct cgroupfs *cgroupfs);

/*
 * O_PATH descriptor of the directory of the cgroup with this id, for openat().
 * -ESTALE: no such cgroup, or no longer. -EPERM: needs CAP_DAC_READ_SEARCH in
 * the initial user namespace. -ENOENT: no such hierarchy.
 */
int cgroupfs_open_id(const struct cgroupfs *cgroupfs, int version, uint64_t id);

/*
 * Path below the mount, "/" for its root, cut on a character's boundary; also
 * of a cgroup that was removed meanwhile. -EXDEV: outside of what is mounted.
 */
int cgroupfs_path(const struct cgroupfs *cgroupfs, int fd, int version, char *ret, size_t size);

int cgroupfs_memory_classes(int dir_fd, int version, struct memory_classes *ret);

/* Charged to the cgroup and below. The root of v2 has none: -ENOENT. */
int cgroupfs_usage(int dir_fd, int version, uint64_t *ret);

/* line has no newline. -ENOENT: not a cgroup mount. */
int cgroup_mount_parse(const char *line, size_t length, struct cgroup_mount *ret);

/* kernel_bytes of v1 is not in memory.stat but in files of its own. */
int memory_stat_v1_parse(const char *data, size_t length, struct memory_classes *ret);
int memory_stat_v2_parse(const char *data, size_t length, struct memory_classes *ret);

#endif
