// SPDX-License-Identifier: BSD-2-Clause
/*
 * System calls of the 32-bit table from a 64-bit program (int 0x80): the
 * numbers and the width of pointers in memory are other ones.
 *
 *	kill		ends its child with kill(2); says "victim PID" and "killer PID"
 *	exec PATH	execve(2) of what does not exist; says "failed PID ERRNO"
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NARROW_EXECVE = 11, NARROW_KILL = 37 };

#if defined(__x86_64__)
static long call_narrow(long number, long first, long second, long third)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(number), "b"(first), "c"(second), "d"(third)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}
#else
static long call_narrow(long number, long first, long second, long third)
{
	(void)number, (void)first, (void)second, (void)third;
	return -ENOSYS;
}
#define MAP_32BIT 0
#endif

static int run_kill(void)
{
	pid_t child = fork();
	long err;

	if (!child)
		for (;;)
			pause();
	usleep(100000);
	err = call_narrow(NARROW_KILL, child, SIGKILL, 0);
	if (err)
		kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	printf("victim %d\nkiller %d\n", child, getpid());
	return err ? 77 : 0;
}

/* what the kernel reads there: a path, a vector of one pointer and its end, an empty environment */
struct narrow_arguments {
	char path[256];
	uint32_t argv[2];
	uint32_t envp[1];
};

static int run_exec(const char *path)
{
	struct narrow_arguments *low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long err;

	if (low == MAP_FAILED)
		return 77;
	snprintf(low->path, sizeof(low->path), "%s", path);
	low->argv[0] = (uintptr_t)low->path;
	err = call_narrow(NARROW_EXECVE, (intptr_t)low->path, (intptr_t)low->argv, (intptr_t)low->envp);
	printf("failed %d %ld\n", getpid(), -err);
	return err == -ENOSYS ? 77 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "kill") == 0)
		return run_kill();
	if (argc == 3 && strcmp(argv[1], "exec") == 0)
		return run_exec(argv[2]);
	fprintf(stderr, "usage: narrow kill | exec PATH\n");
	return 2;
}
