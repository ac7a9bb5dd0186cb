/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of io_uring by raw system calls, one request at a time: libraries differ
 * in what they hide, and guests have none.
 */
#ifndef URING_H
#define URING_H

#include <linux/io_uring.h>
#include <sys/syscall.h>
#include "trigger.h"

#define URING_ENTRIES 4

struct uring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static inline void *uring_map(int fd, size_t bytes, off_t offset)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, offset);

	if (map == MAP_FAILED)
		quit(EXIT_CANNOT, "io_uring: mmap: %s", strerror(errno));
	return map;
}

static inline void uring_open(struct uring *ring)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	ring->fd = syscall(SYS_io_uring_setup, URING_ENTRIES, &p);
	if (ring->fd < 0)
		quit(EXIT_CANNOT, "io_uring: %s", strerror(errno));
	sq = uring_map(ring->fd,
		       p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		       IORING_OFF_SQ_RING);
	cq = uring_map(ring->fd, p.cq_off.cqes +
		       p.cq_entries * sizeof(struct io_uring_cqe),
		       IORING_OFF_CQ_RING);
	ring->sqes = uring_map(ring->fd,
			       p.sq_entries * sizeof(struct io_uring_sqe),
			       IORING_OFF_SQES);
	ring->sq_tail = (void *)(sq + p.sq_off.tail);
	ring->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring->sq_array = (void *)(sq + p.sq_off.array);
	ring->cq_head = (void *)(cq + p.cq_off.head);
	ring->cq_tail = (void *)(cq + p.cq_off.tail);
	ring->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring->cqes = (void *)(cq + p.cq_off.cqes);
}

/* Submits one request, and waits for what became of it: 0 and more, or -errno. */
static inline int uring_do(struct uring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *ring->sq_tail, slot = tail & *ring->sq_mask;
	unsigned int head = *ring->cq_head;
	int result;

	ring->sqes[slot] = *sqe;
	ring->sq_array[slot] = slot;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	while (syscall(SYS_io_uring_enter, ring->fd, 1, 1,
		       IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		if (errno != EINTR)
			quit(1, "io_uring_enter: %s", strerror(errno));
	while (__atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) == head)
		syscall(SYS_io_uring_enter, ring->fd, 0, 1,
			IORING_ENTER_GETEVENTS, NULL, 0);
	result = ring->cqes[head & *ring->cq_mask].res;
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return result;
}

/* flags: IOSQE_ASYNC has it done by a worker of the kernel. */
static inline int uring_openat(struct uring *ring, const char *path,
			       unsigned int flags)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_OPENAT,
		.flags = flags,
		.fd = AT_FDCWD,
		.addr = (unsigned long)path,
		.open_flags = O_RDONLY | O_CLOEXEC,
	};

	return uring_do(ring, &sqe);
}

static inline int uring_close(struct uring *ring, int fd)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_CLOSE, .fd = fd };

	return uring_do(ring, &sqe);
}

#endif
