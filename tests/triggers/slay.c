// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sends a signal in every way there is, and is gone at once, or after STAY_MS.
 * Says "ready PID [tid=TID]" before.
 */
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "trigger.h"

#define GROUP_MAX 64

#ifndef SYS_pidfd_open
#define SYS_pidfd_send_signal 424
#define SYS_pidfd_open 434
#endif

static void __attribute__((noreturn)) leave(long result, const char *stay)
{
	if (result)
		quit(errno == ENOSYS ? EXIT_CANNOT : 1, "not sent: %s",
		     strerror(errno));
	if (stay)
		sleep_ns(number(stay) * 1000000L);
	syscall(SYS_exit_group, 0);
	abort();
}

static void run_kill(int argc, char **argv)
{
	ready(NULL);
	leave(kill(number(argv[2]), number(argv[1])), argc > 3 ? argv[3] : NULL);
}

static void run_tkill(int argc, char **argv)
{
	ready(NULL);
	leave(syscall(SYS_tkill, number(argv[2]), number(argv[1])),
	      argc > 3 ? argv[3] : NULL);
}

static void run_tgkill(int argc, char **argv)
{
	int pid = number(argv[2]);

	ready(NULL);
	leave(syscall(SYS_tgkill, pid, pid, number(argv[1])),
	      argc > 3 ? argv[3] : NULL);
}

static void run_pidfd(int argc, char **argv)
{
	int fd = syscall(SYS_pidfd_open, number(argv[2]), 0);

	if (fd < 0)
		quit(EXIT_CANNOT, "pidfd_open: %s", strerror(errno));
	ready(NULL);
	leave(syscall(SYS_pidfd_send_signal, fd, number(argv[1]), NULL, 0),
	      argc > 3 ? argv[3] : NULL);
}

static void run_queue(int argc, char **argv)
{
	union sigval value = { .sival_int = 7 };

	ready(NULL);
	leave(sigqueue(number(argv[2]), number(argv[1]), value),
	      argc > 3 ? argv[3] : NULL);
}

/* As if FAKE had sent it. */
static void run_forge(int argc, char **argv)
{
	siginfo_t info = { .si_code = SI_QUEUE };

	info.si_signo = number(argv[1]);
	info.si_pid = number(argv[3]);
	ready(NULL);
	leave(syscall(SYS_rt_sigqueueinfo, number(argv[2]), info.si_signo,
		      &info),
	      argc > 4 ? argv[4] : NULL);
}

static void *thread_main(void *argv)
{
	char **args = argv;

	prctl(PR_SET_NAME, "slayer");
	ready(" tid=%ld", syscall(SYS_gettid));
	leave(kill(number(args[2]), number(args[1])), args[3]);
}

static void run_thread(int argc, char **argv)
{
	pthread_t thread;

	(void)argc;
	if (pthread_create(&thread, NULL, thread_main, argv))
		quit(1, "pthread_create failed");
	idle();
}

/* Many at once: the group of N children. */
static void run_group(int argc, char **argv)
{
	unsigned int n = number(argv[2]), i;
	int first = 0, child;

	if (n < 1 || n > GROUP_MAX)
		quit(EXIT_USAGE, "1 to %d children", GROUP_MAX);
	printf("children");
	for (i = 0; i < n; i++) {
		fflush(stdout);
		child = fork();
		if (!child) {
			alarm(30);
			idle();
		}
		if (child < 0 || setpgid(child, first ? first : child))
			quit(1, "no child: %s", strerror(errno));
		if (!first)
			first = child;
		printf(" %d", child);
	}
	putchar('\n');
	ready(NULL);
	sleep_ns(STEP_NS * 2);
	if (kill(-first, number(argv[1])))
		quit(1, "kill: %s", strerror(errno));
	while (wait(NULL) > 0)
		;
	leave(0, argc > 3 ? argv[3] : NULL);
}

static int fork_idle(void)
{
	int pid = fork();

	if (pid < 0)
		quit(1, "fork: %s", strerror(errno));
	if (!pid) {
		alarm(30);
		idle();
	}
	return pid;
}

/* N killers at once, each with a victim of its own: "pair VICTIM KILLER". */
static void run_pairs(int argc, char **argv)
{
	unsigned int n = number(argv[2]), i;
	int victims[GROUP_MAX], ends[2], pid;
	char byte;

	(void)argc;
	if (n > GROUP_MAX)
		quit(EXIT_USAGE, "1 to %d pairs", GROUP_MAX);
	for (i = 0; i < n; i++)
		victims[i] = fork_idle();
	if (pipe(ends))
		quit(1, "pipe: %s", strerror(errno));
	for (i = 0; i < n; i++) {
		pid = fork();
		if (!pid) {
			close(ends[1]);
			/* All go when the writer is gone. */
			if (read(ends[0], &byte, 1) < 0)
				_exit(1);
			_exit(kill(victims[i], number(argv[1])) != 0);
		}
		printf("pair %d %d\n", victims[i], pid);
		fflush(stdout);
	}
	ready(NULL);
	close(ends[1]);
	while (wait(NULL) > 0)
		;
}

/* TERM, and KILL after MS, as those do who stop services. */
static void run_stop(int argc, char **argv)
{
	int pid = number(argv[1]);

	ready(NULL);
	if (kill(pid, SIGTERM))
		quit(1, "kill: %s", strerror(errno));
	sleep_ns(number(argv[2]) * 1000000L);
	leave(kill(pid, SIGKILL), argc > 3 ? argv[3] : NULL);
}

/* The kernel kills what it traces when it ends. */
static void run_trace(int argc, char **argv)
{
	int pid = number(argv[1]);

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL))
		quit(EXIT_CANNOT, "ptrace %d: %s", pid, strerror(errno));
	ready(NULL);
	leave(0, argc > 2 ? argv[2] : NULL);
}

static const struct mode modes[] = {
	{ "kill", 2, 3, run_kill, "SIGNAL PID [STAY_MS]" },
	{ "tkill", 2, 3, run_tkill, "SIGNAL PID [STAY_MS]" },
	{ "tgkill", 2, 3, run_tgkill, "SIGNAL PID [STAY_MS]" },
	{ "pidfd", 2, 3, run_pidfd, "SIGNAL PID [STAY_MS]" },
	{ "queue", 2, 3, run_queue, "SIGNAL PID [STAY_MS]" },
	{ "forge", 3, 4, run_forge, "SIGNAL PID FAKE-PID [STAY_MS]" },
	{ "thread", 2, 3, run_thread, "SIGNAL PID [STAY_MS]" },
	{ "group", 2, 3, run_group, "SIGNAL N [STAY_MS]" },
	{ "stop", 2, 3, run_stop, "PID MS [STAY_MS]" },
	{ "pairs", 2, 2, run_pairs, "SIGNAL N" },
	{ "trace", 1, 2, run_trace, "PID [STAY_MS]" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
