// SPDX-License-Identifier: BSD-2-Clause
/*
 * Uses up memory in the ways that end in an OOM kill, so that tests can compare
 * what a tool says with what the kernel says. Run it in a limited cgroup.
 * Every mode ends by itself (-t), and says "ready PID ..." once it is set up.
 */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "trigger.h"

#define BLOCK ((size_t)64 << 10)
#define STACK ((size_t)256 << 10)
#define GROUP_MAX 64

static const char block[BLOCK];

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static int write_file(struct hoard *hoard, size_t total)
{
	ssize_t n;

	while (hoard->used < total) {
		n = write(hoard->fd, block, sizeof(block));
		if (n < 0)
			return -errno;
		hoard->used += n;
	}
	return 0;
}

static struct hoard file_hoard(const char *path)
{
	struct hoard hoard = { .grow = write_file };

	hoard.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (hoard.fd < 0)
		quit(1, "open '%s': %s", path, strerror(errno));
	return hoard;
}

static int next_pipe(int ends[2])
{
	int err = pipe2(ends, O_NONBLOCK | O_CLOEXEC);

	if (!err)
		fcntl(ends[1], F_SETPIPE_SZ, MIB);
	return err;
}

static int next_socket(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			  0, ends);
}

/* Fills one pipe or socket after the other; nobody reads. */
static int fill_kernel(struct hoard *hoard, size_t total)
{
	int ends[2];
	ssize_t n;

	while (hoard->used < total) {
		n = write(hoard->fd, block, sizeof(block));
		if (n > 0) {
			hoard->used += n;
			continue;
		}
		if (hoard->fd >= 0 && errno != EAGAIN)
			return -errno;
		if (hoard->next(ends))
			return -errno;
		hoard->fd = ends[1];
	}
	return 0;
}

static struct hoard kernel_hoard(const char *kind)
{
	struct hoard hoard = { .grow = fill_kernel, .fd = -1 };
	struct rlimit limit;

	if (!strcmp(kind, "pipe"))
		hoard.next = next_pipe;
	else if (!strcmp(kind, "socket"))
		hoard.next = next_socket;
	else
		quit(EXIT_USAGE, "kernel: '%s' is neither pipe nor socket", kind);
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return hoard;
}

/* The rate holds on a slow machine too: the target follows the clock. */
static void __attribute__((noreturn))
grow_steadily(struct hoard *hoard, unsigned int mib_per_s, size_t max)
{
	size_t start = hoard->used, total = start;
	double begin = now();

	while (total < max) {
		sleep_ns(STEP_NS);
		total = start + (size_t)((now() - begin) * mib_per_s * MIB);
		if (total > max)
			total = max;
		grow_to(hoard, total);
	}
	idle();
}

static void run_leak(int argc, char **argv)
{
	struct hoard hoard = memory_hoard(MAP_PRIVATE);
	size_t max = argc > 3 ? number(argv[3]) * MIB : RESERVE;

	grow_to(&hoard, number(argv[1]) * MIB);
	ready(NULL);
	grow_steadily(&hoard, number(argv[2]), max);
}

static void run_burst(int argc, char **argv)
{
	struct hoard hoard = memory_hoard(MAP_PRIVATE);
	size_t base = number(argv[1]) * MIB, burst = number(argv[3]) * MIB;

	(void)argc;
	grow_to(&hoard, base);
	ready(NULL);
	sleep(number(argv[2]));
	grow_to(&hoard, base + burst);
	idle();
}

static void run_hold(int argc, char **argv)
{
	struct hoard hoard = memory_hoard(MAP_PRIVATE);

	(void)argc;
	grow_to(&hoard, number(argv[1]) * MIB);
	ready(NULL);
	idle();
}

/*
 * The working set is there at once, or after RAMP_S; its top is freed and needed
 * again for HOLD_S; then more is needed.
 */
static void run_steady(int argc, char **argv)
{
	struct hoard hoard = memory_hoard(MAP_PRIVATE);
	size_t set = number(argv[1]) * MIB, churn = number(argv[3]) * MIB;
	unsigned int ramp_s = argc > 5 ? number(argv[5]) : 0, i;
	double end;

	if (churn > set)
		quit(EXIT_USAGE, "the churn is part of the working set");
	for (i = 0; i < ramp_s * 20; i++) {
		grow_to(&hoard, set / (ramp_s * 20) * i);
		sleep_ns(STEP_NS);
	}
	grow_to(&hoard, set);
	ready(NULL);
	end = now() + number(argv[2]);
	while (now() < end) {
		sleep_ns(STEP_NS * 2);
		hoard.used = set - churn;
		madvise(hoard.base + hoard.used, churn, MADV_DONTNEED);
		grow_to(&hoard, set);
	}
	grow_to(&hoard, set + number(argv[4]) * MIB);
	idle();
}

static void run_tmpfs(int argc, char **argv)
{
	char path[PATH_MAX];
	struct hoard hoard;

	(void)argc;
	snprintf(path, sizeof(path), "%s/oom.%d", argv[1], getpid());
	hoard = file_hoard(path);
	ready(" file=%s", path);
	grow_steadily(&hoard, number(argv[2]), RESERVE);
}

static void run_shm(int argc, char **argv)
{
	struct hoard hoard = memory_hoard(MAP_SHARED);

	(void)argc;
	ready(NULL);
	grow_steadily(&hoard, number(argv[1]), RESERVE);
}

static void run_kernel(int argc, char **argv)
{
	struct hoard hoard = kernel_hoard(argv[1]);

	ready(NULL);
	grow_steadily(&hoard, argc > 2 ? number(argv[2]) : 6,
		      RESERVE);
}

/*
 * write: page cache made dirty by write(2), far above the limit: reclaim
 * writes it back, no kill. mlock: the pages are mapped and cannot be reclaimed.
 */
static void run_cache(int argc, char **argv)
{
	struct hoard hoard = file_hoard(argv[1]);
	size_t size = number(argv[2]) * MIB;

	ready(NULL);
	if (argc > 3 && !strcmp(argv[3], "mlock")) {
		hoard.grow = touch_pages;
		if (ftruncate(hoard.fd, size))
			quit(1, "ftruncate: %s", strerror(errno));
		hoard.base = mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_SHARED, hoard.fd, 0);
		if (hoard.base == MAP_FAILED)
			quit(1, "mmap: %s", strerror(errno));
		if (mlock2(hoard.base, size, MLOCK_ONFAULT))
			quit(1, "mlock2: %s", strerror(errno));
	}
	if (argc > 4)
		grow_steadily(&hoard, number(argv[4]), size);
	grow_to(&hoard, size);
	printf("done %zu\n", hoard.used);
	fflush(stdout);
	idle();
}

static void *thread_main(void *rate)
{
	struct hoard hoard = memory_hoard(MAP_PRIVATE);

	prctl(PR_SET_NAME, "oom-thread");
	/* The leader is a zombie from here on, the process lives. */
	sleep_ns(STEP_NS * 4);
	ready(" tid=%ld", syscall(SYS_gettid));
	grow_steadily(&hoard, *(unsigned int *)rate, RESERVE);
}

static void run_thread(int argc, char **argv)
{
	static unsigned int rate;
	pthread_t thread;

	(void)argc;
	rate = number(argv[1]);
	if (pthread_create(&thread, NULL, thread_main, &rate))
		quit(1, "pthread_create failed");
	/* Only this thread. pthread_exit() would want libgcc_s at run time. */
	syscall(SYS_exit, 0);
}

/* Runs on memory shared with the parent, libc state too: system calls only. */
static int sharer_main(void *unused)
{
	(void)unused;
	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	return 0;
}

static void run_sharedmm(int argc, char **argv)
{
	struct hoard hoard = memory_hoard(MAP_PRIVATE);
	char *stack = malloc(STACK);
	int pid;

	(void)argc;
	pid = stack ? clone(sharer_main, stack + STACK, CLONE_VM | SIGCHLD, NULL)
		    : -1;
	if (pid < 0)
		quit(1, "clone: %s", strerror(errno));
	ready(" %d", pid);
	grow_steadily(&hoard, number(argv[1]), RESERVE);
}

/* A child that has touched its memory when this returns, and then idles. */
static int fork_holder(size_t bytes)
{
	unsigned int seconds = alarm(0);
	struct hoard hoard;
	int pid, filled[2];
	char byte = 1;

	alarm(seconds);
	if (pipe2(filled, O_CLOEXEC))
		quit(1, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		quit(1, "fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(seconds);
		hoard = memory_hoard(MAP_PRIVATE);
		grow_to(&hoard, bytes);
		if (write(filled[1], &byte, 1) != 1)
			_exit(1);
		idle();
	}
	close(filled[1]);
	if (read(filled[0], &byte, 1) != 1)
		quit(1, "the child died early");
	close(filled[0]);
	return pid;
}

static void run_group(int argc, char **argv)
{
	struct hoard hoard = memory_hoard(MAP_PRIVATE);
	unsigned int n = number(argv[1]), i;
	size_t each = number(argv[2]) * MIB;
	char pids[GROUP_MAX * 12] = "";
	size_t length = 0;

	(void)argc;
	if (n < 1 || n > GROUP_MAX)
		quit(EXIT_USAGE, "group: 1 to %d processes", GROUP_MAX);
	for (i = 1; i < n; i++)
		length += snprintf(pids + length, sizeof(pids) - length, " %d",
				   fork_holder(each));
	grow_to(&hoard, each);
	ready("%s", pids);
	grow_steadily(&hoard, number(argv[3]), RESERVE);
}

static const struct mode modes[] = {
	{ "leak", 2, 3, run_leak, "START_MIB MIB_PER_S [MAX_MIB]" },
	{ "burst", 3, 3, run_burst, "BASE_MIB HOLD_S BURST_MIB" },
	{ "hold", 1, 1, run_hold, "MIB" },
	{ "steady", 4, 5, run_steady,
	  "SET_MIB HOLD_S CHURN_MIB NEED_MIB [RAMP_S]" },
	{ "tmpfs", 2, 2, run_tmpfs, "DIR MIB_PER_S" },
	{ "shm", 1, 1, run_shm, "MIB_PER_S" },
	{ "kernel", 1, 2, run_kernel, "pipe|socket [MIB_PER_S]" },
	{ "cache", 2, 4, run_cache, "FILE MIB [write|mlock [MIB_PER_S]]" },
	{ "thread", 1, 1, run_thread, "MIB_PER_S" },
	{ "sharedmm", 1, 1, run_sharedmm, "MIB_PER_S" },
	{ "group", 3, 3, run_group, "N MIB_EACH MIB_PER_S" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
