// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dies in the ways a process can die of itself or of what the kernel does to it,
 * so that tests can compare what a tool says with what was done. Killers are in
 * slay.c, threads and terminals in perish.c, pid namespaces in nest.c.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "trigger.h"

/* Reached only by what should have died. */
static void __attribute__((noreturn)) survived(void)
{
	quit(1, "still alive");
}

static void run_segv(int argc, char **argv)
{
	volatile char *address = (char *)(uintptr_t)strtoull(argv[1], NULL, 16);

	(void)argc;
	ready(NULL);
	*address = 1;
	survived();
}

static volatile int deeper = 1;

static __attribute__((noinline)) int recurse(volatile char *above)
{
	volatile char frame[PAGE];

	frame[0] = above[0] + 1;
	return (deeper ? recurse(frame) : 0) + frame[0];
}

static void run_stack(int argc, char **argv)
{
	struct rlimit limit = { MIB, MIB };
	volatile char top = 0;

	(void)argc;
	(void)argv;
	setrlimit(RLIMIT_STACK, &limit);
	ready(NULL);
	recurse(&top);
	survived();
}

/* A page of a mapping that the file does not reach any more. */
static void run_bus(int argc, char **argv)
{
	int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	volatile char *map;

	(void)argc;
	if (fd < 0 || ftruncate(fd, 2 * PAGE))
		quit(1, "'%s': %s", argv[1], strerror(errno));
	map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || ftruncate(fd, 0))
		quit(1, "'%s': %s", argv[1], strerror(errno));
	ready(" address=%lx", (unsigned long)(uintptr_t)(map + PAGE));
	map[PAGE] = 1;
	survived();
}

/* Elsewhere than on amd64 a division by zero need not trap. */
static void run_fpe(int argc, char **argv)
{
	(void)argc;
	(void)argv;
#if defined(__x86_64__)
	ready(NULL);
	__asm__ volatile("xorl %%edx, %%edx; movl $1, %%eax;"
			 "xorl %%ecx, %%ecx; divl %%ecx"
			 ::: "eax", "ecx", "edx");
	survived();
#else
	quit(EXIT_CANNOT, "no trap for a division by zero");
#endif
}

static void run_ill(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	ready(NULL);
#if defined(__x86_64__)
	__asm__ volatile("ud2");
#else
	__builtin_trap();
#endif
	survived();
}

static void run_abort(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	ready(NULL);
	abort();
}

static void run_raise(int argc, char **argv)
{
	(void)argc;
	ready(NULL);
	syscall(SYS_kill, getpid(), number(argv[1]));
	survived();
}

static void run_exit(int argc, char **argv)
{
	(void)argc;
	ready(NULL);
	_exit(number(argv[1]));
}

static void run_wait(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	/* Ignored in what a shell starts with &. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	ready(NULL);
	idle();
}

/* Past the soft limit comes SIGXCPU; when that is ignored, SIGKILL at the hard. */
static void run_cpu(int argc, char **argv)
{
	struct rlimit limit = { number(argv[1]), number(argv[2]) };

	(void)argc;
	if (limit.rlim_cur != limit.rlim_max)
		signal(SIGXCPU, SIG_IGN);
	else
		limit.rlim_max++;
	if (setrlimit(RLIMIT_CPU, &limit))
		quit(1, "setrlimit: %s", strerror(errno));
	ready(NULL);
	for (;;)
		;
}

static void run_fsize(int argc, char **argv)
{
	struct rlimit limit = { PAGE, PAGE };
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)argc;
	ready(NULL);
	if (fd < 0 || setrlimit(RLIMIT_FSIZE, &limit) ||
	    pwrite(fd, "x", 1, 2 * PAGE) != 1)
		quit(1, "'%s': %s", argv[1], strerror(errno));
	survived();
}

static void run_strict(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	ready(NULL);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		quit(EXIT_CANNOT, "seccomp: %s", strerror(errno));
	syscall(SYS_getppid);
	/* Not an exit(), which is allowed. */
	for (;;)
		;
}

/* trap: a signal that could have a handler. thread: only the thread. */
static unsigned int verdict(const char *name)
{
	if (!strcmp(name, "trap"))
		return SECCOMP_RET_TRAP;
	return strcmp(name, "thread") ? SECCOMP_RET_KILL_PROCESS
				      : SECCOMP_RET_KILL_THREAD;
}

static void run_filter(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 verdict(argc > 1 ? argv[1] : "")),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		quit(EXIT_CANNOT, "seccomp: %s", strerror(errno));
	ready(" syscall=%d", (int)SYS_getppid);
	syscall(SYS_getppid);
	survived();
}

static void run_pipe(int argc, char **argv)
{
	int ends[2];

	(void)argc;
	(void)argv;
	if (pipe(ends))
		quit(1, "pipe: %s", strerror(errno));
	close(ends[0]);
	signal(SIGPIPE, SIG_DFL);
	ready(NULL);
	if (write(ends[1], "x", 1) != 1)
		quit(1, "write: %s", strerror(errno));
	survived();
}

static void run_itimer(int argc, char **argv)
{
	struct itimerval timer = { .it_value.tv_usec = 100000 };
	const char *clock = argc > 1 ? argv[1] : "real";

	ready(NULL);
	setitimer(!strcmp(clock, "real") ? ITIMER_REAL
		  : !strcmp(clock, "prof") ? ITIMER_PROF
					   : ITIMER_VIRTUAL, &timer, NULL);
	while (strcmp(clock, "real"))
		;
	idle();
}

static void run_timer(int argc, char **argv)
{
	struct itimerspec when = { .it_value.tv_nsec = 100000000 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL };
	timer_t timer;

	(void)argc;
	event.sigev_signo = number(argv[1]);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		quit(1, "timer_create: %s", strerror(errno));
	ready(NULL);
	timer_settime(timer, 0, &when, NULL);
	idle();
}

/* A byte that a child writes makes the kernel send SIGIO. */
static void run_sigio(int argc, char **argv)
{
	int ends[2], child;

	(void)argc;
	(void)argv;
	if (pipe(ends) || fcntl(ends[0], F_SETOWN, getpid()) ||
	    fcntl(ends[0], F_SETFL, O_ASYNC))
		quit(1, "pipe: %s", strerror(errno));
	child = fork();
	if (!child) {
		sleep_ns(STEP_NS * 4);
		_exit(write(ends[1], "x", 1) != 1);
	}
	ready(" %d", child);
	idle();
}

/* A child that gets SIG when this, its parent, ends: with CODE or by itself. */
static void run_pdeath(int argc, char **argv)
{
	int ends[2], child;
	char byte = 1;

	if (pipe2(ends, O_CLOEXEC))
		quit(1, "pipe: %s", strerror(errno));
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, number(argv[1]));
		alarm(30);
		if (write(ends[1], &byte, 1) != 1)
			_exit(1);
		idle();
	}
	if (child < 0 || read(ends[0], &byte, 1) != 1)
		quit(1, "no child: %s", strerror(errno));
	ready(" %d", child);
	if (argc < 3)
		idle();
	sleep_ns(STEP_NS * 2);
	_exit(number(argv[2]));
}

static double cpu_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* Uses processor time, half of it in the kernel, and memory; exits with CODE. */
static void run_work(int argc, char **argv)
{
	struct hoard hoard = memory_hoard(MAP_PRIVATE);
	double half = number(argv[1]) / 2000.0;

	(void)argc;
	ready(NULL);
	grow_to(&hoard, number(argv[2]) * MIB);
	munmap(hoard.base, RESERVE);
	while (cpu_seconds() < half)
		;
	while (cpu_seconds() < 2 * half)
		syscall(SYS_getppid);
	_exit(number(argv[3]));
}

/* The kernel's own account of what this process read and wrote. */
static unsigned long long io_bytes(const char *key)
{
	unsigned long long bytes = 0;
	char text[512] = "", *at;
	int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		quit(EXIT_CANNOT, "/proc/self/io: %s", strerror(errno));
	at = strstr(text, key);
	if (at)
		bytes = strtoull(at + strlen(key), NULL, 10);
	close(fd);
	return bytes;
}

static void run_io(int argc, char **argv)
{
	int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	static char block[MIB];
	unsigned int n = number(argv[2]), i;

	(void)argc;
	for (i = 0; i < n; i++)
		if (write(fd, block, sizeof(block)) != sizeof(block))
			quit(1, "'%s': %s", argv[1], strerror(errno));
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	for (i = 0; i < n / 2; i++)
		if (pread(fd, block, sizeof(block), i * MIB) != sizeof(block))
			quit(1, "'%s': %s", argv[1], strerror(errno));
	ready(" read=%llu write=%llu", io_bytes("\nread_bytes: "),
	      io_bytes("\nwrite_bytes: "));
	_exit(137);
}

static void on_signal(int signal)
{
	char text[] = "got 00\n";

	text[4] += signal / 10;
	text[5] += signal % 10;
	if (write(1, text, sizeof(text) - 1) < 0)
		_exit(1);
}

static void on_obey(int signal)
{
	_exit(128 + signal);
}

/* What a process may have set up for SIGTERM. late, block: for MS. */
static void run_story(int argc, char **argv)
{
	const char *action = argv[1];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (!strcmp(action, "ignore"))
		signal(SIGTERM, SIG_IGN);
	else if (!strcmp(action, "block"))
		sigprocmask(SIG_BLOCK, &set, NULL);
	else if (!strcmp(action, "handle"))
		signal(SIGTERM, on_signal);
	else if (!strcmp(action, "obey"))
		signal(SIGTERM, on_obey);
	else if (strcmp(action, "default") && strcmp(action, "late"))
		quit(EXIT_USAGE, "story: '%s'?", action);
	ready(NULL);
	if (!strcmp(action, "late")) {
		sleep_ns((argc > 2 ? number(argv[2]) : 500) * 1000000L);
		signal(SIGTERM, on_signal);
		puts("handler");
		fflush(stdout);
	}
	if (!strcmp(action, "block") && argc > 2) {
		sleep_ns(number(argv[2]) * 1000000L);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
	idle();
}

static const struct mode modes[] = {
	{ "segv", 1, 1, run_segv, "HEX-ADDRESS" },
	{ "stack", 0, 0, run_stack, "" },
	{ "bus", 1, 1, run_bus, "FILE" },
	{ "fpe", 0, 0, run_fpe, "" },
	{ "ill", 0, 0, run_ill, "" },
	{ "abort", 0, 0, run_abort, "" },
	{ "raise", 1, 1, run_raise, "SIGNAL" },
	{ "exit", 1, 1 << 20, run_exit, "CODE [ANYTHING...]" },
	{ "wait", 0, 1000, run_wait, "[ANYTHING...]" },
	{ "cpu", 2, 2, run_cpu, "SOFT_S HARD_S (SIGXCPU ignored if different)" },
	{ "fsize", 1, 1, run_fsize, "FILE" },
	{ "strict", 0, 0, run_strict, "" },
	{ "filter", 0, 1, run_filter, "[process|thread|trap]" },
	{ "pipe", 0, 0, run_pipe, "" },
	{ "itimer", 0, 1, run_itimer, "[real|prof|virtual]" },
	{ "timer", 1, 1, run_timer, "SIGNAL" },
	{ "sigio", 0, 0, run_sigio, "" },
	{ "pdeath", 1, 2, run_pdeath, "SIGNAL [CODE]" },
	{ "work", 3, 3, run_work, "CPU_MS MIB CODE" },
	{ "io", 2, 2, run_io, "FILE MIB" },
	{ "story", 1, 2, run_story, "default|ignore|block|handle|obey|late [MS]" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
