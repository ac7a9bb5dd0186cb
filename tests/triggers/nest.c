// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pid namespaces, seen from outside: pids are those of whoever runs this. Exit
 * 77 where there can be none.
 */
#include <sched.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "trigger.h"

#define FAMILY_MAX 64
#define STACK ((size_t)64 << 10)

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

/* sends[0] is ours, sends[1] that of the namespace. */
static int sends[2];

/* What is forked next is PID 1 of a new namespace. */
static void namespace_new(void)
{
	int one = 1;

	if (unshare(CLONE_NEWPID))
		quit(EXIT_CANNOT, "no pid namespace: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sends) ||
	    setsockopt(sends[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)))
		quit(1, "socketpair: %s", strerror(errno));
}

static void announce(void)
{
	if (write(sends[1], "x", 1) != 1)
		_exit(99);
}

/* The kernel translates the pid of who announced itself. */
static int announced(void)
{
	char byte, control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	struct ucred peer;

	if (recvmsg(sends[0], &message, 0) != 1)
		quit(1, "recvmsg: %s", strerror(errno));
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_CREDENTIALS)
		quit(1, "no credentials");
	memcpy(&peer, CMSG_DATA(header), sizeof(peer));
	return peer.pid;
}

static int fork_or_quit(void)
{
	int pid = fork();

	if (pid < 0)
		quit(1, "fork: %s", strerror(errno));
	return pid;
}

static void say_end(const char *who, int pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		quit(1, "waitpid: %s", strerror(errno));
	printf("%s %d %d %d\n", who, pid, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	fflush(stdout);
}

/* PROGRAM as PID 1. */
static void run_run(int argc, char **argv)
{
	int pid;

	(void)argc;
	namespace_new();
	pid = fork_or_quit();
	if (!pid) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	printf("init %d\n", pid);
	fflush(stdout);
	say_end("gone", pid);
}

static void __attribute__((noreturn)) init_with(unsigned int n, int code, int all)
{
	unsigned int i;
	char byte;

	alarm(30);
	for (i = 0; i < n; i++) {
		if (fork_or_quit())
			continue;
		announce();
		idle();
	}
	if (read(sends[1], &byte, 1) != 1)
		_exit(98);
	if (all) {
		kill(-1, all);
		while (wait(NULL) > 0)
			;
	}
	if (code >= 0)
		_exit(code);
	idle();
}

/* "init PID", "ready PID CHILD...", then what init does. */
static void family(unsigned int n, int code, int all)
{
	unsigned int i;
	int init;

	if (n < 1 || n > FAMILY_MAX)
		quit(EXIT_USAGE, "1 to %d children", FAMILY_MAX);
	namespace_new();
	init = fork_or_quit();
	if (!init)
		init_with(n, code, all);
	printf("init %d\n", init);
	printf("ready %d", getpid());
	for (i = 0; i < n; i++)
		printf(" %d", announced());
	putchar('\n');
	fflush(stdout);
	if (write(sends[0], "x", 1) != 1)
		quit(1, "write: %s", strerror(errno));
	say_end("gone", init);
}

/* N children of an init that exits with CODE, or lives until it is killed. */
static void run_family(int argc, char **argv)
{
	family(number(argv[1]), argc > 2 ? (int)number(argv[2]) : -1, 0);
}

/* kill(-1) inside the namespace. */
static void run_all(int argc, char **argv)
{
	(void)argc;
	family(number(argv[2]), 0, number(argv[1]));
}

struct clone_set {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
		stack_size, tls, set_tid, set_tid_size;
};

/* pids[0] in the new namespace, pids[1] in ours; 0: whatever comes. */
static int fork_as(const int pids[2])
{
	struct clone_set set = { .exit_signal = SIGCHLD };

	if (!pids[1])
		return fork_or_quit();
	set.set_tid = (uintptr_t)pids;
	set.set_tid_size = 2;
	return syscall(SYS_clone3, &set, sizeof(set));
}

static unsigned long long start_of(int pid)
{
	char path[64], text[1024], *at;
	unsigned long long ticks = 0;
	ssize_t n;
	int fd, i;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strrchr(text, ')');
	for (i = 2; at && i < 22; i++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at, NULL, 10);
	return ticks;
}

/* Says "victim PID START-TICKS killer PID NAME" of a generation. */
static int generation(unsigned int i, const int pids[2])
{
	int victim, killer;
	char name[16];

	victim = fork_as(pids);
	if (victim < 0)
		return victim;
	if (!victim) {
		announce();
		idle();
	}
	announced();
	snprintf(name, sizeof(name), "killer-%u", i);
	printf("victim %d %llu", victim, start_of(victim));
	fflush(stdout);
	killer = fork_or_quit();
	if (!killer) {
		prctl(PR_SET_NAME, name);
		/* Our own number of it means something else in there. */
		_exit(kill(pids[0] ? pids[0] : 2, SIGKILL) != 0);
	}
	printf(" killer %d %s\n", killer, name);
	waitpid(killer, NULL, 0);
	waitpid(victim, NULL, 0);
	return victim;
}

/* N processes with one pid, one after the other, each killed by another. */
static void run_recycle(int argc, char **argv)
{
	unsigned int n = number(argv[1]), i;
	int init, pids[2] = { 0, 0 };

	(void)argc;
	namespace_new();
	init = fork_or_quit();
	if (!init)
		idle();
	pids[1] = generation(0, pids);
	pids[0] = 2;
	for (i = 1; i < n; i++)
		if (generation(i, pids) < 0)
			break;
	if (i < n && i == 1)
		quit(EXIT_CANNOT, "clone3 with a pid: %s", strerror(errno));
	printf("made %u\n", i);
	fflush(stdout);
	kill(init, SIGKILL);
	waitpid(init, NULL, 0);
}

static const struct mode modes[] = {
	{ "run", 1, 1000, run_run, "PROGRAM [ARG...]" },
	{ "family", 1, 2, run_family, "N [CODE]" },
	{ "all", 2, 2, run_all, "SIGNAL N" },
	{ "recycle", 1, 1, run_recycle, "N" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
