// SPDX-License-Identifier: BSD-2-Clause
/*
 * Starts programs in odd ways, or fails to; and waits for one, to say what the
 * kernel says about its end.
 */
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "trigger.h"

#define NOBODY 65534

extern char **environ;

static void __attribute__((noreturn)) not_started(const char *path)
{
	quit(EXIT_CANNOT, "run '%s': %s", path, strerror(errno));
}

/* Since 5.18 the kernel makes one empty argument of none. */
static void run_argc0(int argc, char **argv)
{
	char *none[] = { NULL };

	(void)argc;
	ready(NULL);
	execve(argv[1], none, environ);
	not_started(argv[1]);
}

static void run_memfd(int argc, char **argv)
{
	int from = open(argv[1], O_RDONLY | O_CLOEXEC), to;
	char buffer[PAGE];
	ssize_t n;

	(void)argc;
	to = syscall(SYS_memfd_create, "in memory", 0);
	if (from < 0 || to < 0)
		not_started(argv[1]);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, n) != n)
			not_started(argv[1]);
	ready(" fd=%d", to);
	syscall(SYS_execveat, to, "", argv + 1, environ, AT_EMPTY_PATH);
	not_started(argv[1]);
}

/* Relative to a directory's descriptor. */
static void run_at(int argc, char **argv)
{
	int fd = open(argv[1], O_RDONLY | O_DIRECTORY);

	(void)argc;
	ready(" fd=%d", fd);
	syscall(SYS_execveat, fd, argv[2], argv + 2, environ, 0);
	not_started(argv[2]);
}

/* In memory shared with the parent, which waits: system calls only. */
static void fail_as(unsigned int uid, const char *path, char **args)
{
	volatile int error = 0;
	int pid, status;

	pid = vfork();
	if (!pid) {
		if (uid && syscall(SYS_setresuid, uid, uid, uid))
			_exit(1);
		execve(path, args, environ);
		error = errno;
		_exit(error == ENOENT ? 127 : 126);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		quit(1, "vfork: %s", strerror(errno));
	printf("child %d errno %d\n", pid, error);
	ready(NULL);
}

static void run_fail(int argc, char **argv)
{
	(void)argc;
	fail_as(0, argv[1], argv + 1);
}

static void run_nobody(int argc, char **argv)
{
	(void)argc;
	fail_as(NOBODY, argv[1], argv + 1);
}

/* Along PATH, one attempt per directory. */
static void run_search(int argc, char **argv)
{
	int pid = fork(), status;

	(void)argc;
	if (!pid) {
		setenv("PATH", argv[1], 1);
		execvp(argv[2], argv + 2);
		_exit(errno == ENOENT ? 127 : 126);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		quit(1, "fork: %s", strerror(errno));
	printf("child %d\n", pid);
	ready(NULL);
}

/* More processes than this user may have: execve() says so, not setuid(). */
static void run_crowded(int argc, char **argv)
{
	struct rlimit limit = { 0, 0 };
	int ends[2], other;
	char byte = 1;

	(void)argc;
	if (pipe2(ends, O_CLOEXEC))
		quit(1, "pipe: %s", strerror(errno));
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) ||
		    write(ends[1], &byte, 1) != 1)
			_exit(1);
		idle();
	}
	if (other < 0 || read(ends[0], &byte, 1) != 1 ||
	    setrlimit(RLIMIT_NPROC, &limit))
		quit(1, "no process of nobody: %s", strerror(errno));
	fail_as(NOBODY, argv[1], argv + 1);
	kill(other, SIGKILL);
}

/* one: an argument longer than 128 KiB; total: longer than RLIMIT_STACK / 4. */
static void run_big(int argc, char **argv)
{
	struct rlimit limit = { MIB, MIB };
	size_t each = strcmp(argv[1], "one") ? 100 << 10 : 200 << 10;
	char *args[7] = { argv[2] };
	unsigned int i;

	(void)argc;
	setrlimit(RLIMIT_STACK, &limit);
	for (i = 1; i < (strcmp(argv[1], "one") ? 6 : 2); i++) {
		args[i] = malloc(each + 1);
		if (!args[i])
			quit(1, "no memory");
		memset(args[i], 'x', each);
		args[i][each] = '\0';
	}
	fail_as(0, argv[2], args);
}

/* Writes over its own arguments, as daemons do. */
static void run_title(int argc, char **argv)
{
	size_t room = argv[argc - 1] + strlen(argv[argc - 1]) - argv[0] + 1;
	char title[64];

	snprintf(title, sizeof(title), "%s", argv[1]);
	memset(argv[0], 0, room);
	snprintf(argv[0], room, "%s", title);
	ready(NULL);
	idle();
}

static int start_child(char **args)
{
	int pid = fork();

	if (pid < 0)
		quit(1, "fork: %s", strerror(errno));
	if (!pid) {
		execvp(args[0], args);
		_exit(127);
	}
	return pid;
}

/* Never waits for what it starts. */
static void run_zombie(int argc, char **argv)
{
	(void)argc;
	printf("child %d\n", start_child(argv + 1));
	ready(NULL);
	idle();
}

static long long time_us(const struct timeval *time)
{
	return time->tv_sec * 1000000LL + time->tv_usec;
}

/*
 * "gone PID STATUS SIGNAL CORE RSS_BYTES USER_US SYSTEM_US WALL_NS", as wait4()
 * says it.
 */
static void run_reap(int argc, char **argv)
{
	struct timespec begin, end;
	struct rusage usage;
	int pid, status;

	(void)argc;
	/* A child starts with its parent's peak: nothing must be in ours. */
	clock_gettime(CLOCK_BOOTTIME, &begin);
	pid = start_child(argv + 1);
	printf("child %d\n", pid);
	ready(NULL);
	if (wait4(pid, &status, 0, &usage) != pid)
		quit(1, "wait4: %s", strerror(errno));
	clock_gettime(CLOCK_BOOTTIME, &end);
	printf("gone %d %d %d %d %lld %lld %lld %lld\n", pid,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 0,
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	       WIFSIGNALED(status) && WCOREDUMP(status),
	       usage.ru_maxrss * 1024LL, time_us(&usage.ru_utime),
	       time_us(&usage.ru_stime),
	       (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec -
		       begin.tv_nsec);
}

/* N processes, one after the other, PROGRAM each: "made N FIRST LAST". */
static void run_storm(int argc, char **argv)
{
	unsigned int n = number(argv[1]), i;
	int pid, status;

	(void)argc;
	ready(NULL);
	for (i = 0; i < n; i++) {
		pid = start_child(argv + 2);
		if (waitpid(pid, &status, 0) != pid || status)
			quit(1, "child %u: status %d", i, status);
	}
	printf("made %u\n", n);
}

static const struct mode modes[] = {
	{ "argc0", 1, 1, run_argc0, "PROGRAM" },
	{ "memfd", 1, 1000, run_memfd, "PROGRAM [ARG...]" },
	{ "at", 2, 1000, run_at, "DIR PROGRAM [ARG...]" },
	{ "fail", 1, 1000, run_fail, "PROGRAM [ARG...]" },
	{ "nobody", 1, 1000, run_nobody, "PROGRAM [ARG...] (as nobody)" },
	{ "search", 2, 1000, run_search, "PATH PROGRAM [ARG...]" },
	{ "crowded", 1, 1000, run_crowded, "PROGRAM [ARG...]" },
	{ "big", 2, 2, run_big, "one|total PROGRAM" },
	{ "title", 1, 1000, run_title, "TITLE [ROOM...]" },
	{ "zombie", 1, 1000, run_zombie, "PROGRAM [ARG...]" },
	{ "reap", 1, 1000, run_reap, "PROGRAM [ARG...]" },
	{ "storm", 2, 1000, run_storm, "N PROGRAM [ARG...]" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
