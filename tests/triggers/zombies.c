// SPDX-License-Identifier: BSD-2-Clause
/*
 * Parents with children that are dead and not reaped, and some that do reap.
 * Every mode ends by itself (-t), and says "ready PID ..." once it is set up.
 */
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include "trigger.h"

static int child(void (*run)(void))
{
	int pid = fork();

	if (pid < 0)
		quit(1, "fork: %s", strerror(errno));
	if (!pid) {
		run();
		_exit(0);
	}
	return pid;
}

static void exit_3(void)
{
	_exit(3);
}

static void die(void)
{
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

/* COUNT zombies: every second one exits with 3, the others die of SIGTERM. */
static void bear(unsigned int count)
{
	siginfo_t info;

	for (unsigned int i = 0; i < count; i++) {
		int pid = child(i & 1 ? die : exit_3);

		waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	}
}

static void run_sleep(int argc, char **argv)
{
	(void)argc;
	bear(number(argv[1]));
	ready(NULL);
	idle();
}

static void run_stop(int argc, char **argv)
{
	(void)argc;
	bear(number(argv[1]));
	ready(NULL);
	raise(SIGSTOP);
	idle();
}

static void reap(int signal_number)
{
	(void)signal_number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* A handler that would reap, and SIGCHLD blocked. */
static void run_block(int argc, char **argv)
{
	sigset_t set;

	(void)argc;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGCHLD, reap);
	bear(number(argv[1]));
	ready(NULL);
	idle();
}

/* One more every MILLISECONDS, COUNT in all. */
static void run_grow(int argc, char **argv)
{
	unsigned int count = number(argv[1]), ms = number(argv[2]);

	(void)argc;
	ready(NULL);
	for (unsigned int i = 0; i < count; i++) {
		bear(1);
		sleep_ns(ms * 1000000L);
	}
	idle();
}

/* COUNT children, each dead for MILLISECONDS before it is reaped. */
static void run_reap(int argc, char **argv)
{
	unsigned int count = number(argv[1]), ms = number(argv[2]);

	(void)argc;
	ready(NULL);
	for (unsigned int i = 0; i < count; i++) {
		bear(1);
		sleep_ns(ms * 1000000L);
		reap(0);
	}
	printf("done\n");
	fflush(stdout);
	idle();
}

static unsigned int orphans;

/* its children outlive it, and the namespace's PID 1 inherits them */
static void leave_orphans(void)
{
	for (unsigned int i = 0; i < orphans; i++) {
		if (fork() == 0) {
			while (getppid() != 1)
				sleep_ns(1000000);
			_exit(3);
		}
	}
}

/* PID 1 of a pid namespace, which adopts COUNT orphans and reaps none: "ready PID INIT". */
static void run_init(int argc, char **argv)
{
	int pid;

	(void)argc;
	orphans = number(argv[1]);
	if (unshare(CLONE_NEWPID))
		quit(EXIT_CANNOT, "unshare: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		quit(1, "fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pid = child(leave_orphans);
		waitpid(pid, NULL, 0);
		idle();
	}
	ready(" %d", pid);
	waitpid(pid, NULL, 0);
}

/* "traced", of the child that waits for it */
static int pipes[2];

static void exit_when_told(void)
{
	char byte;

	close(pipes[1]);
	(void)!read(pipes[0], &byte, 1);
	_exit(3);
}

static int traced_pid;

static void trace(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_SEIZE, traced_pid, 0, 0))
		quit(EXIT_CANNOT, "ptrace: %s", strerror(errno));
	close(pipes[1]);
	idle();
}

/* A child that is dead, and a tracer that does not let it go: "ready PID TRACER". */
static void run_trace(int argc, char **argv)
{
	int tracer, pid;

	(void)argc;
	(void)argv;
	if (pipe(pipes))
		quit(1, "pipe: %s", strerror(errno));
	pid = traced_pid = child(exit_when_told);
	tracer = child(trace);
	close(pipes[1]);
	ready(" %d", tracer);
	waitpid(pid, NULL, 0);
	printf("reaped\n");
	idle();
}

static void live(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	idle();
}

/* COUNT children that live. */
static void run_live(int argc, char **argv)
{
	(void)argc;
	for (unsigned int i = number(argv[1]); i; i--)
		child(live);
	ready(NULL);
	idle();
}

static const struct mode modes[] = {
	{ "sleep", 1, 1, run_sleep, "COUNT" },
	{ "stop", 1, 1, run_stop, "COUNT" },
	{ "block", 1, 1, run_block, "COUNT" },
	{ "grow", 2, 2, run_grow, "COUNT MILLISECONDS" },
	{ "reap", 2, 2, run_reap, "COUNT MILLISECONDS" },
	{ "init", 1, 1, run_init, "COUNT" },
	{ "trace", 0, 0, run_trace, "" },
	{ "live", 1, 1, run_live, "COUNT" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
