/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way to ask the kernel for a descriptor, for exhaust.c. A call returns 0
 * or more, or -errno; what it needs is prepared while there is room.
 */
#ifndef ROADS_H
#define ROADS_H

#include <linux/bpf.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "uring.h"

struct road {
	const char *name;
	/* what the kernel says, and what a tool must call it */
	const char *syscall;
	int error;
	const char *limit;
	int (*call)(void);
	void (*prepare)(void);
	/* instead of filling the table */
	void (*fill)(void);
};

/* What the calls work on. */
static struct {
	int null;	/* /dev/null */
	int space;	/* a namespace, for its ioctl */
	int self;	/* a pidfd */
	int listener;
	int ends[2];	/* of a Unix socket */
	struct uring ring;
	rlim_t soft;
	unsigned int weight;	/* refusals in one call, where that is not one */
	unsigned int failed;	/* calls, to find out that there is no more */
} has;

static int answer(long result)
{
	return result < 0 ? -errno : (int)result;
}

static void need(int fd, const char *what)
{
	if (fd < 0)
		quit(EXIT_CANNOT, "%s: %s", what, strerror(errno));
}

#ifdef SYS_open
static int __attribute__((noinline)) road_open(void)
{
	return answer(syscall(SYS_open, "/dev/null", O_RDONLY));
}

static int road_creat(void)
{
	return answer(syscall(SYS_creat, "/dev/null", 0600));
}

static int road_pipe(void)
{
	int ends[2];

	return answer(syscall(SYS_pipe, ends));
}

static int road_dup2(void)
{
	return answer(syscall(SYS_dup2, has.null, (int)has.soft));
}

static int road_eventfd(void)
{
	return answer(syscall(SYS_eventfd, 0));
}

static int road_epoll_create(void)
{
	return answer(syscall(SYS_epoll_create, 1));
}

static int road_inotify_init(void)
{
	return answer(syscall(SYS_inotify_init));
}

static int road_signalfd(void)
{
	unsigned long set = 0;

	return answer(syscall(SYS_signalfd, -1, &set, 8));
}
#endif

static int __attribute__((noinline)) road_openat(void)
{
	int fd = answer(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY));

	/* not the last call of its caller: the frame stays */
	__asm__ volatile("" ::: "memory");
	return fd;
}

static int road_openat2(void)
{
	struct open_how how = { .flags = O_RDONLY };

	return answer(syscall(SYS_openat2, AT_FDCWD, "/dev/null", &how,
			      sizeof(how)));
}

static int road_socket(void)
{
	return answer(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
}

static int road_socketpair(void)
{
	int ends[2];

	return answer(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends));
}

static void listen_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	has.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	need(has.listener, "socket");
	if (bind(has.listener, (void *)&address, sizeof(address)) ||
	    listen(has.listener, 8) ||
	    getsockname(has.listener, (void *)&address, &length) ||
	    connect(client, (void *)&address, length))
		quit(EXIT_CANNOT, "tcp on loopback: %s", strerror(errno));
}

static int __attribute__((noinline)) road_accept(void)
{
	return answer(syscall(SYS_accept, has.listener, NULL, NULL));
}

static int road_accept4(void)
{
	return answer(syscall(SYS_accept4, has.listener, NULL, NULL,
			      SOCK_CLOEXEC));
}

static int road_dup(void)
{
	return answer(syscall(SYS_dup, has.null));
}

static int road_dup3(void)
{
	return answer(syscall(SYS_dup3, has.null, (int)has.soft, O_CLOEXEC));
}

static int road_dupfd(void)
{
	return answer(syscall(SYS_fcntl, has.null, F_DUPFD, 0));
}

static int road_dupfd_cloexec(void)
{
	return answer(syscall(SYS_fcntl, has.null, F_DUPFD_CLOEXEC, 3));
}

static int road_pipe2(void)
{
	int ends[2];

	return answer(syscall(SYS_pipe2, ends, O_CLOEXEC));
}

static int road_eventfd2(void)
{
	return answer(syscall(SYS_eventfd2, 0, O_CLOEXEC));
}

static int road_epoll_create1(void)
{
	return answer(syscall(SYS_epoll_create1, O_CLOEXEC));
}

static int road_timerfd(void)
{
	return answer(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0));
}

static int road_signalfd4(void)
{
	unsigned long set = 0;

	return answer(syscall(SYS_signalfd4, -1, &set, 8, 0));
}

static int road_inotify_init1(void)
{
	return answer(syscall(SYS_inotify_init1, O_CLOEXEC));
}

static int road_memfd(void)
{
	return answer(syscall(SYS_memfd_create, "exhaust", 0));
}

static int road_pidfd_open(void)
{
	return answer(syscall(SYS_pidfd_open, getpid(), 0));
}

static void open_self(void)
{
	has.self = road_pidfd_open();
	need(has.self, "pidfd_open");
}

static int road_pidfd_getfd(void)
{
	return answer(syscall(SYS_pidfd_getfd, has.self, has.null, 0));
}

static int road_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
				.value_size = 4, .max_entries = 1 };

	return answer(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int road_clone3(void)
{
	int pidfd;
	struct clone_args args = { .flags = CLONE_PIDFD,
				   .pidfd = (unsigned long)&pidfd,
				   .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		_exit(0);
	return answer(pid);
}

static int road_userfaultfd(void)
{
	return answer(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int road_perf_event(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_DUMMY };

	return answer(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int road_fanotify(void)
{
	return answer(syscall(SYS_fanotify_init, FAN_CLASS_NOTIF, O_RDONLY));
}

static int road_mq_open(void)
{
	return answer(syscall(SYS_mq_open, "kwhy-exhaust", O_RDWR | O_CREAT,
			      0600, NULL));
}

static int road_open_tree(void)
{
	return answer(syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* CLONE */));
}

static int road_fsopen(void)
{
	return answer(syscall(SYS_fsopen, "tmpfs", 0));
}

static int road_landlock(void)
{
	unsigned long handled = 1;

	return answer(syscall(SYS_landlock_create_ruleset, &handled, 8, 0));
}

static int road_io_uring_setup(void)
{
	struct io_uring_params params = { 0 };

	return answer(syscall(SYS_io_uring_setup, 1, &params));
}

static void open_space(void)
{
	has.space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	need(has.space, "/proc/self/ns/net");
}

static int road_ioctl(void)
{
	return answer(syscall(SYS_ioctl, has.space, NS_GET_USERNS, 0));
}

static void open_ring(void)
{
	uring_open(&has.ring);
}

static int road_io_uring(void)
{
	return uring_openat(&has.ring, "/dev/null", 0);
}

static int road_io_uring_async(void)
{
	return uring_openat(&has.ring, "/dev/null", IOSQE_ASYNC);
}

#ifdef __x86_64__
/* dup by the gate of 32-bit programs, where 41 is dup and not socket */
static int road_compat(void)
{
	long result = 41;

	__asm__ volatile("int $0x80" : "+a"(result) : "b"((long)has.null)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static void cannot_compat(int number)
{
	static const char text[] = "trigger: no 32-bit system calls here\n";

	(void)number;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(EXIT_CANNOT);
}

static void try_compat(void)
{
	int fd;

	signal(SIGSEGV, cannot_compat);
	fd = road_compat();
	if (fd < 0)
		cannot_compat(0);
	close(fd);
}
#endif

#endif
