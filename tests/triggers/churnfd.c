// SPDX-License-Identifier: BSD-2-Clause
/*
 * Descriptors that come and go by every road that is no open and no close:
 * overwritten, inherited, sent, shared, closed in ranges and by exec. When it
 * comes to rest, the true number is told (fdtally.h).
 */
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include "fdtally.h"
#include "uring.h"

#define STACK (64 * 1024)
#define CHURNERS 8

static int event(int flags)
{
	return taken(eventfd(0, flags));
}

/* dup2 over itself, over an open one, to a free number. */
static void run_dup2(char *argument)
{
	int first, second;

	(void)argument;
	begin();
	first = event(EFD_CLOEXEC);
	second = event(0);
	for (unsigned int i = 0; i < options.count; i++) {
		dup2(first, first);
		taken(dup2(first, second));
		tally.closed++;
		taken(dup3(second, 40, O_CLOEXEC));
		tally.closed += i > 0;
	}
	taken(dup2(0, 41));
}

static void run_close_range(char *argument)
{
	(void)argument;
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		int low = event(0);

		for (int n = 0; n < 9; n++)
			event(0);
		if (syscall(SYS_close_range, low, low + 9,
			    i & 1 ? CLOSE_RANGE_UNSHARE : 0))
			quit(EXIT_CANNOT, "close_range: %s", strerror(errno));
		tally.closed += 10;
	}
	event(0);
	event(0);
	/* marks them, and closes none */
	syscall(SYS_close_range, 3, 100, 4 /* CLOSE_RANGE_CLOEXEC, 5.11 */);
}

/* What is marked goes, what is not stays; --count of each. */
static void run_exec(char *argument)
{
	static char name[] = "churnfd", after[] = "after";
	char *program[] = { name, after, NULL };

	(void)argument;
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		event(EFD_CLOEXEC);
		event(0);
	}
	tell("exec");
	execv("/proc/self/exe", program);
	quit(1, "exec: %s", strerror(errno));
}

static void run_after(char *argument)
{
	(void)argument;
	begin();
	for (int i = 0; i < 5; i++)
		event(EFD_CLOEXEC);
}

union control {
	char bytes[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

/* Sends two or receives two. */
static void pass(int socket, int fds[2], int send)
{
	union control control = { 0 };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (send) {
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(2 * sizeof(int));
		memcpy(CMSG_DATA(header), fds, 2 * sizeof(int));
	}
	if ((send ? sendmsg(socket, &message, 0)
		  : recvmsg(socket, &message, 0)) != 1)
		quit(1, "a message: %s", strerror(errno));
	if (!send)
		memcpy(fds, CMSG_DATA(header), 2 * sizeof(int));
}

/* Two come with every message, one of them is closed. */
static void run_scm(char *argument)
{
	int ends[2], sent[2] = { 0, 0 }, got[2];

	(void)argument;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends))
		quit(1, "socketpair: %s", strerror(errno));
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		pass(ends[0], sent, 1);
		pass(ends[1], got, 0);
		taken(got[0]);
		drop(taken(got[1]));
	}
}

/* Opened by a ring, three of four closed by it. */
static void run_uring(char *argument)
{
	struct uring ring;

	(void)argument;
	uring_open(&ring);
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		int fd = uring_openat(&ring, "/dev/null",
				      i & 1 ? IOSQE_ASYNC : 0);

		if (fd < 0)
			quit(EXIT_CANNOT, "io_uring: %s", strerror(-fd));
		taken(fd);
		if (i % 4 == 3)
			continue;
		if (uring_close(&ring, fd))
			quit(EXIT_CANNOT, "io_uring cannot close");
		tally.closed++;
	}
}

static void *churn(void *argument)
{
	int ends[2];

	for (unsigned int i = 0; i < options.count; i++) {
		drop(event(EFD_CLOEXEC));
		if (pipe2(ends, O_CLOEXEC))
			quit(1, "pipe2: %s", strerror(errno));
		drop(taken(ends[0]));
		drop(taken(ends[1]));
		drop(taken(dup(0)));
		/* never becomes a descriptor, though one is set aside */
		(void)!open("/nonexistent", O_RDONLY);
	}
	event(EFD_CLOEXEC);
	return argument;
}

static void run_threads(char *argument)
{
	pthread_t threads[CHURNERS];

	(void)argument;
	begin();
	for (int i = 0; i < CHURNERS; i++)
		if (pthread_create(threads + i, NULL, churn, NULL))
			quit(1, "pthread_create");
	for (int i = 0; i < CHURNERS; i++)
		pthread_join(threads[i], NULL);
}

/* The child has what we had, closes some of it and opens more: "child PID OPEN". */
static void run_fork(char *argument)
{
	int child;

	(void)argument;
	begin();
	for (unsigned int i = 0; i < options.count; i++)
		event(EFD_CLOEXEC);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 3; i++)
			event(0);
		drop(event(0));
		close(0);
		printf("child %d %lu\n", getpid(), count_open());
		fflush(stdout);
		idle();
	}
	event(0);
	rest_ms(100);
}

static int stop_opening;

static int open_in_our_table(void *argument)
{
	(void)argument;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int i = 0; i < options.count; i++)
		(void)!eventfd(0, 0);
	drop(3);
	while (!stop_opening)
		pause();
	return 0;
}

/* Another process that has not a copy of our table but the table: "sharer PID". */
static void run_shared(char *argument)
{
	static char stack[STACK] __attribute__((aligned(16)));
	int child;

	(void)argument;
	(void)!dup2(0, 3);
	begin();
	child = clone(open_in_our_table, stack + STACK, CLONE_FILES | SIGCHLD,
		      NULL);
	if (child < 0)
		quit(EXIT_CANNOT, "clone: %s", strerror(errno));
	printf("sharer %d\n", child);
	event(0);
	rest_ms(300);
	/* its own memory: what it counted, we have to */
	tally.opened += options.count;
	tally.closed++;
}

static void run_getfd(char *argument)
{
	int self = syscall(SYS_pidfd_open, getpid(), 0);

	(void)argument;
	if (self < 0)
		quit(EXIT_CANNOT, "pidfd_open: %s", strerror(errno));
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		int fd = taken(syscall(SYS_pidfd_getfd, self, 0, 0));

		if (i & 1)
			drop(fd);
	}
}

/* Programs that start with a copy of ours, which is not ours. */
static void run_spawn(char *argument)
{
	static char name[] = "true";
	char *program[] = { name, NULL };
	int pid;

	(void)argument;
	begin();
	for (int i = 0; i < 20; i++)
		event(i & 1 ? EFD_CLOEXEC : 0);
	for (unsigned int i = 0; i < options.count; i++) {
		if (posix_spawnp(&pid, name, NULL, NULL, program, environ))
			quit(EXIT_CANNOT, "no program 'true'");
		waitpid(pid, NULL, 0);
	}
}

/* A second table for one of our threads, which is not counted as ours. */
static void *live_apart(void *argument)
{
	if (unshare(CLONE_FILES))
		quit(EXIT_CANNOT, "unshare: %s", strerror(errno));
	for (unsigned int i = 0; i < options.count; i++)
		(void)!eventfd(0, EFD_CLOEXEC);
	for (;;)
		pause();
	return argument;
}

static void run_apart(char *argument)
{
	pthread_t thread;

	(void)argument;
	begin();
	event(0);
	if (pthread_create(&thread, NULL, live_apart, NULL))
		quit(1, "pthread_create");
	rest_ms(200);
	event(0);
}

static const struct pattern patterns[] = {
	{ "dup2", run_dup2 }, { "close_range", run_close_range },
	{ "exec", run_exec }, { "after", run_after },
	{ "scm", run_scm }, { "uring", run_uring },
	{ "threads", run_threads }, { "fork", run_fork },
	{ "shared", run_shared }, { "getfd", run_getfd },
	{ "spawn", run_spawn }, { "apart", run_apart }, { 0 },
};

int main(int argc, char **argv)
{
	return tally_main(patterns, argc, argv);
}
