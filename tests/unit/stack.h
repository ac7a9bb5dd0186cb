/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of stacks share: a child that sleeps in a known place, and its stack as a probe would copy it. */
#ifndef KWHY_TEST_STACK_H
#define KWHY_TEST_STACK_H

#include "user/unwind.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/procfs.h"

struct child {
	pid_t pid;
	uint64_t start_ns;
};

static uint64_t start_of(pid_t pid)
{
	struct process_stat stat;
	struct procfs procfs;
	int err;

	assert_int_equal(procfs_open(&procfs, NULL), 0);
	err = procfs_stat(&procfs, pid, &stat);
	procfs_close(&procfs);
	assert_int_equal(err, 0);
	return stat.start_ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

/* until it sleeps and has done so for a moment: a start has short sleeps, too */
static void wait_asleep(pid_t pid)
{
	struct process_stat stat = { 0 };
	struct procfs procfs;

	assert_int_equal(procfs_open(&procfs, NULL), 0);
	for (int times = 0, tries = 0; times < 5 && tries < 20000; tries++) {
		usleep(1000);
		assert_int_equal(procfs_stat(&procfs, pid, &stat), 0);
		assert_true(stat.state != 'Z');
		times = stat.state == 'S' ? times + 1 : 0;
	}
	procfs_close(&procfs);
	assert_int_equal(stat.state, 'S');
}

/* one that says so itself: it writes a byte to descriptor 3 and sleeps */
static struct child start_program(const char *path, char *const *arguments)
{
	struct child child;
	int pipes[2];
	char byte;

	assert_int_equal(pipe(pipes), 0);
	child.pid = fork();
	if (!child.pid) {
		if (pipes[1] != 3)
			dup2(pipes[1], 3);
		close(pipes[0] == 3 ? pipes[1] : pipes[0]);
		alarm(100);
		execv(path, arguments);
		_exit(127);
	}
	assert_true(child.pid > 0);
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	wait_asleep(child.pid);
	child.start_ns = start_of(child.pid);
	return child;
}

static void stop_child(struct child child)
{
	kill(child.pid, SIGKILL);
	assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
}

/* the registers by DWARF number */
static void take_registers(pid_t pid, struct user_stack *ret)
{
	struct user_regs_struct r;
	struct iovec room = { .iov_base = &r, .iov_len = sizeof(r) };

	assert_int_equal(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &room), 0);
#if defined(__x86_64__)
	const uint64_t values[] = {
		r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8,
		r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip,
	};

	memcpy(ret->registers, values, sizeof(values));
#elif defined(__aarch64__)
	memcpy(ret->registers, r.regs, sizeof(r.regs));
	ret->registers[31] = r.sp;
	ret->registers[32] = r.pc;
#endif
}

static uint64_t stack_pointer(const struct user_stack *stack)
{
#if defined(__x86_64__)
	return stack->registers[7];
#elif defined(__aarch64__)
	return stack->registers[31];
#endif
}

static void take_stack(struct child child, struct user_stack *ret)
{
	char path[64];
	ssize_t n;
	int fd;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(ptrace(PTRACE_SEIZE, child.pid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, child.pid, 0, 0), 0);
	assert_int_equal(waitpid(child.pid, NULL, __WALL), child.pid);
	take_registers(child.pid, ret);
	snprintf(path, sizeof(path), "/proc/%d/mem", child.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = pread(fd, ret->data, sizeof(ret->data), stack_pointer(ret));
	assert_true(n > 0);
	ret->bytes = n;
	close(fd);
	assert_int_equal(ptrace(PTRACE_DETACH, child.pid, 0, 0), 0);
}

#endif
