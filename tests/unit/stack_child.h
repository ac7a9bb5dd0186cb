/* SPDX-License-Identifier: BSD-2-Clause */
/* The children of the tests of stacks: known chains of calls, built as programs usually are, that end in pause(). */
#ifndef KWHY_TEST_STACK_CHILD_H
#define KWHY_TEST_STACK_CHILD_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

/* what a call leaves to do keeps it from being a jump */
static volatile int sink;

static void ready(void)
{
	/* the second time no one listens */
	sink += write(3, "r", 1);
}

static NOINLINE void chain_inner(void)
{
	ready();
	for (;;) {
		pause();
		sink++;
	}
}

static NOINLINE void chain_middle(void)
{
	chain_inner();
	sink++;
}

static NOINLINE void chain_outer(void)
{
	chain_middle();
	sink++;
}

static NOINLINE void recurse(int depth)
{
	if (!depth)
		chain_inner();
	while (depth) {
		recurse(depth - 1);
		sink++;
	}
}

static void on_signal(int number)
{
	chain_outer();
	sink += number;
}

static NOINLINE void interrupted(void)
{
	raise(SIGUSR1);
	sink++;
}

static NOINLINE void run_handler(bool own_stack)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = own_stack ? SA_ONSTACK : 0 };
	stack_t stack = { .ss_size = 64 * 1024 };

	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	interrupted();
}

/* code that no file and no table knows, which calls what it gets; with a frame pointer, as V8's */
#if defined(__x86_64__)
static const unsigned char shim[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
#elif defined(__aarch64__)
static const unsigned char shim[] = {
	0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0x00, 0x00, 0x3f, 0xd6, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6,
};
#endif

static NOINLINE void run_generated(void)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(code, shim, sizeof(shim));
	mprotect(code, 4096, PROT_READ | PROT_EXEC);
	__builtin___clear_cache(code, (char *)code + 4096);
	((void (*)(void (*)(void)))code)(chain_outer);
	sink++;
}

/* calls by pointer only, so that it runs wherever it is mapped */
static NOINLINE __attribute__((no_sanitize("address", "undefined"))) void anywhere(void (*call)(void), volatile int *at)
{
	call();
	(*at)++;
}

/* the same file's code at a second place, as dlopen() would add it: after the first stack was taken */
static NOINLINE void run_mapped(void)
{
	uint64_t start, end, offset;
	char line[512], *copy;
	FILE *maps;
	int fd;

	ready();
	pause();
	maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx r-xp %lx", &start, &end, &offset) == 3 && start <= (uintptr_t)anywhere &&
		    (uintptr_t)anywhere < end)
			break;
	}
	fclose(maps);
	fd = open("/proc/self/exe", O_RDONLY);
	/* with room for the segments around it */
	copy = mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	copy = mmap(copy + (32 << 20), end - start, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, offset);
	((void (*)(void (*)(void), volatile int *))(copy + ((uintptr_t)anywhere - start)))(chain_outer, &sink);
}

static NOINLINE void run_exec(const char *path)
{
	ready();
	pause();
	execl(path, path, "child", "chain", NULL);
}

static void nothing(int number)
{
	(void)number;
}

static int run_child(const char *mode, const char *path)
{
	signal(SIGUSR2, nothing);
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(mode, "chain"))
		chain_outer();
	else if (!strcmp(mode, "deep"))
		recurse(20);
	else if (!strcmp(mode, "deeper"))
		recurse(200);
	else if (!strcmp(mode, "handler"))
		run_handler(false);
	else if (!strcmp(mode, "own stack"))
		run_handler(true);
	else if (!strcmp(mode, "generated"))
		run_generated();
	else if (!strcmp(mode, "mapped"))
		run_mapped();
	else if (!strcmp(mode, "exec"))
		run_exec(path);
	sink++;
	return 4;
}

#endif
