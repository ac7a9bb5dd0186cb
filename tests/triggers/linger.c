// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes that hold memory and do not go when they are killed: asleep in D on
 * a frozen file system, or held in the exit stop of a tracer.
 * Every mode ends by itself (-t), and says "ready PID ..." once it is set up.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include "trigger.h"

/* Sleeps in D as soon as the file system below FILE is frozen. */
static void run_write(int argc, char **argv)
{
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct hoard hoard = memory_hoard(MAP_PRIVATE);

	(void)argc;
	if (fd < 0)
		quit(1, "open '%s': %s", argv[1], strerror(errno));
	grow_to(&hoard, number(argv[2]) * MIB);
	ready(NULL);
	for (;;) {
		if (pwrite(fd, "", 1, 0) != 1)
			quit(1, "write '%s': %s", argv[1], strerror(errno));
		sleep_ns(STEP_NS);
	}
}

/* Freezes the file system of DIR until a signal or the end of time. */
static void run_freeze(int argc, char **argv)
{
	int dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC), taken;
	sigset_t set;

	(void)argc;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (dir < 0 || ioctl(dir, FIFREEZE, 0))
		quit(EXIT_CANNOT, "freeze '%s': %s", argv[1], strerror(errno));
	ready(NULL);
	sigwait(&set, &taken);
	if (ioctl(dir, FITHAW, 0))
		quit(1, "thaw '%s': %s", argv[1], strerror(errno));
}

/*
 * PID, once killed, stays for SECONDS in this tracer's exit stop: dying, its
 * memory still mapped. Prints "exiting PID" when it is there.
 */
static void run_trace(int argc, char **argv)
{
	int pid = number(argv[1]), status;

	(void)argc;
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXIT))
		quit(EXIT_CANNOT, "ptrace %d: %s", pid, strerror(errno));
	ready(NULL);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
			printf("exiting %d\n", pid);
			fflush(stdout);
			sleep(number(argv[2]));
		}
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
	printf("gone %d\n", pid);
}

static const struct mode modes[] = {
	{ "trace", 2, 2, run_trace, "PID SECONDS" },
	{ "write", 2, 2, run_write, "FILE MIB" },
	{ "freeze", 1, 1, run_freeze, "DIR" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
