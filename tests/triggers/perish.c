// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes with threads, and processes on terminals, that die. Every mode ends
 * by itself (-t), and says "ready PID ..." once it is set up.
 */
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "trigger.h"

static void start_thread(void *(*main)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 128 << 10);
	if (pthread_create(&thread, &attributes, main, argument))
		quit(1, "pthread_create: %s", strerror(errno));
	pthread_detach(thread);
}

static void *idle_thread(void *unused)
{
	(void)unused;
	idle();
}

static void *late_thread(void *text)
{
	prctl(PR_SET_NAME, "survivor");
	/* The leader is a zombie from here on. */
	sleep_ns(STEP_NS * 2);
	ready(" tid=%ld", syscall(SYS_gettid));
	sleep_ns(1000000000L);
	if (!text)
		idle();
	syscall(SYS_exit_group, number(text));
	return NULL;
}

/* The leader ends at once with 3, another thread a second later with CODE. */
static void run_leader(int argc, char **argv)
{
	start_thread(late_thread, argc > 1 ? argv[1] : NULL);
	syscall(SYS_exit, 3);
}

static void *fault_thread(void *address)
{
	prctl(PR_SET_NAME, "faulter");
	ready(" tid=%ld", syscall(SYS_gettid));
	*(volatile char *)address = 1;
	return NULL;
}

static void run_fault(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	start_thread(idle_thread, NULL);
	start_thread(fault_thread, (void *)16);
	idle();
}

/* N threads besides the leader, then SIGNAL from the process itself, or CODE. */
static void run_crowd(int argc, char **argv)
{
	unsigned int n = number(argv[1]), i;

	(void)argc;
	for (i = 0; i < n; i++)
		start_thread(idle_thread, NULL);
	ready(NULL);
	_exit(number(argv[2]));
}

static void *no_thread(void *unused)
{
	return unused;
}

/* N threads, one after the other. */
static void run_storm(int argc, char **argv)
{
	unsigned int n = number(argv[1]), i;
	pthread_t thread;

	(void)argc;
	ready(NULL);
	for (i = 0; i < n; i++)
		if (pthread_create(&thread, NULL, no_thread, NULL) ||
		    pthread_join(thread, NULL))
			quit(1, "thread %u: %s", i, strerror(errno));
	printf("made %u\n", n);
	fflush(stdout);
	_exit(0);
}

/* Another thread than the leader execs, while N are there. */
static void *exec_thread(void *argv)
{
	char **args = argv;

	prctl(PR_SET_NAME, "execer");
	execv(args[0], args);
	quit(EXIT_CANNOT, "run '%s': %s", args[0], strerror(errno));
}

static void run_exec(int argc, char **argv)
{
	unsigned int n = number(argv[1]), i;

	(void)argc;
	for (i = 1; i < n; i++)
		start_thread(idle_thread, NULL);
	printf("start %d\n", getpid());
	fflush(stdout);
	start_thread(exec_thread, argv + 2);
	idle();
}

/* --- terminals --- */

static int terminal_new(char *path, size_t size)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, path, size))
		quit(EXIT_CANNOT, "no terminal: %s", strerror(errno));
	return master;
}

/* The session leader's own death must not be what ends its child. */
static void __attribute__((noreturn)) lead_session(int end, int with_child)
{
	int child;

	if (with_child) {
		signal(SIGHUP, SIG_DFL);
		child = fork();
		if (!child) {
			alarm(30);
			idle();
		}
		if (write(end, &child, sizeof(child)) != sizeof(child))
			_exit(1);
		sleep_ns(STEP_NS * 4);
		_exit(0);
	}
	child = getpid();
	if (write(end, &child, sizeof(child)) != sizeof(child))
		_exit(1);
	alarm(30);
	idle();
}

/*
 * A session on a terminal: intr: ^C is typed; hangup: the terminal goes away;
 * leader: its leader exits, and a child of its group is left.
 */
static void run_pty(int argc, char **argv)
{
	const char *how = argv[1];
	int master, ends[2], leader, victim;
	char path[64];

	(void)argc;
	master = terminal_new(path, sizeof(path));
	if (pipe2(ends, O_CLOEXEC))
		quit(1, "pipe: %s", strerror(errno));
	leader = fork();
	if (!leader) {
		/* Ignored in what a shell starts with &. */
		signal(SIGINT, SIG_DFL);
		setsid();
		if (open(path, O_RDWR) < 0)
			_exit(1);
		close(master);
		lead_session(ends[1], !strcmp(how, "leader"));
	}
	if (leader < 0 || read(ends[0], &victim, sizeof(victim)) != sizeof(victim))
		quit(1, "no session: %s", strerror(errno));
	ready(" %d", victim);
	sleep_ns(STEP_NS * 2);
	if (!strcmp(how, "intr")) {
		if (write(master, "\003", 1) != 1)
			quit(1, "write: %s", strerror(errno));
	} else if (!strcmp(how, "hangup")) {
		close(master);
	}
	waitpid(leader, NULL, 0);
	sleep_ns(STEP_NS * 4);
}

static const struct mode modes[] = {
	{ "leader", 0, 1, run_leader, "[CODE]" },
	{ "fault", 0, 0, run_fault, "" },
	{ "crowd", 2, 2, run_crowd, "N CODE" },
	{ "storm", 1, 1, run_storm, "N" },
	{ "exec", 2, 1000, run_exec, "N PROGRAM [ARG...]" },
	{ "pty", 1, 1, run_pty, "intr|hangup|leader" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
