/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side of the kinds about descriptors, played: what they ask of it
 * through libbpf is answered here, by definitions that come before the
 * library's. The clock goes when a test says so.
 */
#ifndef KWHY_TESTS_FD_KERNEL_H
#define KWHY_TESTS_FD_KERNEL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bpf/fd.h"
#include "session.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "fd_exhausted.skel.h"
#include "fd_leak.skel.h"
#include "fd_list.skel.h"
#pragma GCC diagnostic pop

enum { KERNEL_ENTRIES = 32768, KERNEL_FAILURES = 256, KERNEL_SITES = 64, KERNEL_SUSPECTS = 256 };
/* which map is meant, by what stands for its address */
enum { MAP_FAILURES = 1001, MAP_SITES, MAP_SUSPECTS };

static struct {
	uint64_t now_ns;
	/* the next pass takes so long, or fails */
	uint64_t pass_ns;
	int pass_error;
	struct fd_entry entries[KERNEL_ENTRIES];
	unsigned int entry_count;
	struct {
		struct fd_failure_key key;
		struct fd_failures failures;
	} failures[KERNEL_FAILURES];
	unsigned int failure_count;
	uint64_t sites[KERNEL_SITES];
	struct fd_site_count site_counts[KERNEL_SITES];
	unsigned int site_count;
	uint32_t suspects[KERNEL_SUSPECTS];
	unsigned int suspect_count;
} kernel;

static struct fd_list_bpf__bss kernel_list_bss;
/* ---- what is there -------------------------------------------------------- */

/* kernel.now_ns is set anew, too: 1000 s after the start */
static inline void kernel_clear(void)
{
	memset(&kernel_list_bss, 0, sizeof(kernel_list_bss));
	kernel.now_ns = 1000 * 1000000000ULL;
	kernel.pass_ns = 0;
	kernel.pass_error = 0;
	kernel.entry_count = kernel.failure_count = kernel.site_count = kernel.suspect_count = 0;
}

/* the session's kinds have their probes, and a list */
static inline void kernel_arm(struct session *s)
{
	static struct fd_list_bpf list = { .bss = &kernel_list_bss };
	static struct fd_exhausted_bpf exhausted = { .maps.failures = (struct bpf_map *)(uintptr_t)MAP_FAILURES };
	static struct fd_leak_bpf leak_probe = {
		.maps.sites = (struct bpf_map *)(uintptr_t)MAP_SITES,
		.maps.suspects = (struct bpf_map *)(uintptr_t)MAP_SUSPECTS,
	};

	s->fd_list.skeleton = &list;
	for (unsigned int i = 0; i < s->kind_count; i++)
		s->kinds[i].probe.wrapper = s->kinds[i].type->kind == KIND_fd_leak ? (void *)&leak_probe : &exhausted;
}

static inline struct fd_entry *kernel_entry(uint32_t fd)
{
	struct fd_entry *e = &kernel.entries[kernel.entry_count++];

	if (kernel.entry_count > KERNEL_ENTRIES)
		abort();
	*e = (struct fd_entry){ .fd = fd };
	return e;
}

/* what follows is its own */
static inline struct fd_owner *kernel_process(uint32_t pid, uint64_t start_ns)
{
	struct fd_owner *o = &kernel_entry(FD_OWNER)->owner;

	*o = (struct fd_owner){ .pid = pid, .ppid = 1, .start_ns = start_ns, .soft = 1024, .hard = 4096, .comm = "server" };
	return o;
}

static inline void kernel_opens(struct fd_file file, unsigned int count)
{
	uint32_t fd = kernel.entry_count && kernel.entries[kernel.entry_count - 1].fd != FD_OWNER ?
			      kernel.entries[kernel.entry_count - 1].fd + 1 : 0;

	while (count--)
		kernel_entry(fd++)->file = file;
}

static inline struct fd_failures *kernel_failures(const struct fd_failure_key *key)
{
	for (unsigned int i = 0; i < kernel.failure_count; i++)
		if (memcmp(&kernel.failures[i].key, key, sizeof(*key)) == 0)
			return &kernel.failures[i].failures;
	return NULL;
}

/* ---- what libbpf is asked --------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (clock != CLOCK_BOOTTIME)
		return syscall(SYS_clock_gettime, clock, ret);
	*ret = (struct timespec){ .tv_sec = kernel.now_ns / 1000000000, .tv_nsec = kernel.now_ns % 1000000000 };
	return 0;
}

struct bpf_link *bpf_program__attach_iter(const struct bpf_program *program, const struct bpf_iter_attach_opts *options)
{
	(void)program;
	(void)options;
	return NULL;
}

int bpf_link__fd(const struct bpf_link *link)
{
	(void)link;
	return 0;
}

/* a pass: those of the process that is wanted, or all */
int bpf_iter_create(int link_fd)
{
	bool wanted = false;
	int fd;

	(void)link_fd;
	if (kernel.pass_error) {
		errno = kernel.pass_error;
		return -errno;
	}
	kernel.now_ns += kernel.pass_ns;
	fd = memfd_create("pass", MFD_CLOEXEC);
	for (unsigned int i = 0; i < kernel.entry_count; i++) {
		const struct fd_entry *e = &kernel.entries[i];

		if (e->fd == FD_OWNER)
			wanted = !kernel_list_bss.wanted || kernel_list_bss.wanted == e->owner.pid;
		if (wanted && write(fd, e, sizeof(*e)) != sizeof(*e))
			abort();
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

int bpf_map__fd(const struct bpf_map *map)
{
	return (uintptr_t)map;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	const struct fd_failures *found = fd == MAP_FAILURES ? kernel_failures(key) : NULL;

	if (!found)
		return -ENOENT;
	memcpy(value, found, sizeof(*found));
	return 0;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	(void)value;
	(void)flags;
	if (fd != MAP_SUSPECTS || kernel.suspect_count == KERNEL_SUSPECTS)
		return -E2BIG;
	memcpy(&kernel.suspects[kernel.suspect_count++], key, sizeof(kernel.suspects[0]));
	return 0;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	for (unsigned int i = 0; fd == MAP_FAILURES && i < kernel.failure_count; i++)
		if (memcmp(&kernel.failures[i].key, key, sizeof(kernel.failures[i].key)) == 0) {
			kernel.failures[i] = kernel.failures[--kernel.failure_count];
			return 0;
		}
	for (unsigned int i = 0; fd == MAP_SUSPECTS && i < kernel.suspect_count; i++)
		if (memcmp(&kernel.suspects[i], key, sizeof(kernel.suspects[i])) == 0) {
			kernel.suspects[i] = kernel.suspects[--kernel.suspect_count];
			return 0;
		}
	return -ENOENT;
}

/* all at once, and then no more */
int bpf_map_lookup_batch(int fd, void *from, void *next, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *options)
{
	(void)from;
	(void)next;
	(void)options;
	if (fd != MAP_SITES || *count < kernel.site_count)
		return -EINVAL;
	*count = kernel.site_count;
	memcpy(keys, kernel.sites, *count * sizeof(kernel.sites[0]));
	memcpy(values, kernel.site_counts, *count * sizeof(kernel.site_counts[0]));
	return -ENOENT;
}

#endif
