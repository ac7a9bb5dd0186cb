// SPDX-License-Identifier: BSD-2-Clause
/* What the threads of a process do: on trees that are made here, and on real processes. */
#include "user/acceptor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define PID 70
#define IN_PROGRAM "0x7ffe00001000 0x7f0000001000"
#define IN_32_BITS "0xffffd000 0xf7fd0000"

enum { NONE = -1, RUNS = -2, UNREADABLE = -3, KERNEL_THREAD = -4 };

/* one thread; tid 0: no more */
struct made {
	uint64_t tid;
	char state;
	long call;
	const char *wchan;
};

static char tree[32];
static struct procfs procfs;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_directory(const char *path)
{
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static void clear(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s/proc/%d && mkdir -p %s/proc/%d/task", tree, PID, tree, PID);
	assert_int_equal(system(command), 0);
}

static void make_stat(const char *below, uint64_t tid, char state, uint64_t threads)
{
	char path[128], text[128];

	snprintf(path, sizeof(path), "%s/proc/%d%s/stat", tree, PID, below);
	snprintf(text, sizeof(text), "%llu (a) R) %c 1 1 1 0 -1 4 1 1 1 1 70 23 9 9 20 0 %llu 0 186 1 2\n",
		 (unsigned long long)tid, state, (unsigned long long)threads);
	write_file(path, text);
}

static void make_thread(const struct made *thread, const char *place)
{
	char below[64], path[128], text[128];

	snprintf(below, sizeof(below), "/task/%llu", (unsigned long long)thread->tid);
	snprintf(path, sizeof(path), "%s/proc/%d%s", tree, PID, below);
	make_directory(path);
	make_stat(below, thread->tid, thread->state, 7);
	snprintf(path, sizeof(path), "%s/proc/%d%s/wchan", tree, PID, below);
	write_file(path, thread->wchan ? thread->wchan : "0");
	if (thread->call == UNREADABLE)
		return;
	if (thread->call == RUNS)
		snprintf(text, sizeof(text), "running\n");
	else if (thread->call == NONE)
		snprintf(text, sizeof(text), "-1 %s\n", place);
	else
		snprintf(text, sizeof(text), "%ld 0x5 0x7f00aa 0x200 0xffffffff 0x0 0x8 %s\n",
			 thread->call == KERNEL_THREAD ? 0 : thread->call,
			 thread->call == KERNEL_THREAD ? "0x0 0x0" : place);
	snprintf(path, sizeof(path), "%s/proc/%d%s/syscall", tree, PID, below);
	write_file(path, text);
}

static struct acceptor look_at(const struct made *threads, size_t max)
{
	struct acceptor look;

	clear();
	make_stat("", PID, threads[0].state, 7);
	for (size_t i = 0; i < max && threads[i].tid; i++)
		make_thread(&threads[i], IN_PROGRAM);
	assert_int_equal(acceptor_look(&procfs, PID, &look), 0);
	return look;
}

/* ---- one thread ----------------------------------------------------------------- */

static const struct {
	struct made thread;
	enum acceptor_state state;
	long call;
	bool idle;
} one_thread[] = {
	{ { PID, 'S', SYS_accept4, NULL }, ACCEPTOR_WAITING, SYS_accept4, false },
	{ { PID, 'S', SYS_accept, NULL }, ACCEPTOR_WAITING, SYS_accept, false },
	{ { PID, 'S', SYS_epoll_pwait, NULL }, ACCEPTOR_WAITING, SYS_epoll_pwait, false },
	{ { PID, 'S', 441, NULL }, ACCEPTOR_WAITING, 441, false },	/* epoll_pwait2 */
	{ { PID, 'S', SYS_ppoll, NULL }, ACCEPTOR_WAITING, SYS_ppoll, false },
	{ { PID, 'S', SYS_pselect6, NULL }, ACCEPTOR_WAITING, SYS_pselect6, false },
	{ { PID, 'S', SYS_io_uring_enter, NULL }, ACCEPTOR_WAITING, SYS_io_uring_enter, false },
#ifdef SYS_epoll_wait
	{ { PID, 'S', SYS_epoll_wait, "ep_poll" }, ACCEPTOR_WAITING, SYS_epoll_wait, false },
	{ { PID, 'S', SYS_poll, NULL }, ACCEPTOR_WAITING, SYS_poll, false },
	{ { PID, 'S', SYS_select, NULL }, ACCEPTOR_WAITING, SYS_select, false },
	{ { PID, 'S', SYS_pause, NULL }, ACCEPTOR_BLOCKED, SYS_pause, true },
#endif
	{ { PID, 'S', SYS_futex, NULL }, ACCEPTOR_BLOCKED, SYS_futex, true },
	{ { PID, 'S', SYS_clock_nanosleep, NULL }, ACCEPTOR_BLOCKED, SYS_clock_nanosleep, true },
	{ { PID, 'S', SYS_wait4, NULL }, ACCEPTOR_BLOCKED, SYS_wait4, true },
	{ { PID, 'S', SYS_read, NULL }, ACCEPTOR_BLOCKED, SYS_read, false },
	{ { PID, 'D', SYS_read, NULL }, ACCEPTOR_BLOCKED, SYS_read, false },
	{ { PID, 'S', SYS_connect, NULL }, ACCEPTOR_BLOCKED, SYS_connect, false },
	{ { PID, 'S', SYS_flock, NULL }, ACCEPTOR_BLOCKED, SYS_flock, false },
	{ { PID, 'S', 9999, NULL }, ACCEPTOR_BLOCKED, 9999, false },
	/* a page of a program that is read from disk */
	{ { PID, 'D', NONE, NULL }, ACCEPTOR_BLOCKED, -1, false },
	{ { PID, 'S', KERNEL_THREAD, NULL }, ACCEPTOR_BLOCKED, -1, false },
	{ { PID, 'D', UNREADABLE, NULL }, ACCEPTOR_BLOCKED, -1, false },
	{ { PID, 'S', UNREADABLE, NULL }, acceptor_state_unknown, -1, false },
	/* it woke up in between */
	{ { PID, 'S', RUNS, NULL }, ACCEPTOR_RUNNING, -1, false },
	{ { PID, 'R', SYS_accept4, NULL }, ACCEPTOR_RUNNING, -1, false },
	{ { PID, 'T', SYS_accept4, NULL }, ACCEPTOR_STOPPED, -1, false },
	{ { PID, 't', SYS_read, NULL }, ACCEPTOR_STOPPED, -1, false },
	/* frozen: both versions of the freezer */
	{ { PID, 'S', SYS_epoll_pwait, "do_freezer_trap" }, ACCEPTOR_STOPPED, -1, false },
	{ { PID, 'S', SYS_read, "get_signal" }, ACCEPTOR_STOPPED, -1, false },
	{ { PID, 'D', SYS_futex, "__refrigerator" }, ACCEPTOR_STOPPED, -1, false },
	{ { PID, 'D', SYS_clock_nanosleep, "hrtimer_nanosleep" }, ACCEPTOR_STOPPED, -1, false },
	{ { PID, 'S', SYS_clock_nanosleep, "hrtimer_nanosleep" }, ACCEPTOR_BLOCKED, SYS_clock_nanosleep, true },
	/* memory is freed before there is some for the connection */
	{ { PID, 'D', SYS_accept4, "shrink_lruvec" }, ACCEPTOR_BLOCKED, SYS_accept4, false },
	/* poll() after SIGSTOP and SIGCONT, and a sleep */
	{ { PID, 'S', SYS_restart_syscall, "poll_schedule_timeout.constprop.0" }, ACCEPTOR_WAITING, SYS_restart_syscall, false },
	{ { PID, 'S', SYS_restart_syscall, "hrtimer_nanosleep" }, ACCEPTOR_BLOCKED, SYS_restart_syscall, true },
};

static void test_one_thread(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(one_thread); i++) {
		struct acceptor look = look_at(&one_thread[i].thread, 1);

		if (look.state != one_thread[i].state || look.syscall != one_thread[i].call || look.idle != one_thread[i].idle)
			fail_msg("row %zu: state %d, call %ld, idle %d", i, look.state, look.syscall, look.idle);
		assert_int_equal(look.tid, PID);
		assert_int_equal(look.threads, 7);
		assert_int_equal(look.cpu_ns, 93 * (1000000000ULL / sysconf(_SC_CLK_TCK)));
		assert_false(look.compat);
	}
}

static void test_gone(void **state)
{
	static const struct made zombie = { PID, 'Z', UNREADABLE, NULL };
	struct acceptor look;

	(void)state;
	look = look_at(&zombie, 1);
	assert_int_equal(look.state, ACCEPTOR_GONE);
	assert_int_equal(look.tid, 0);
	assert_int_equal(look.syscall, -1);
	assert_int_equal(acceptor_look(&procfs, PID + 1, &look), 0);
	assert_int_equal(look.state, ACCEPTOR_GONE);
	assert_int_equal(look.threads, 0);
}

static void test_compat(void **state)
{
#if defined(__x86_64__)
	/* accept4, epoll_wait, socketcall(5 is accept()), futex_time64, read */
	static const struct {
		long call;
		enum acceptor_state state;
	} rows[] = {
		{ 364, ACCEPTOR_WAITING }, { 256, ACCEPTOR_WAITING }, { 102, ACCEPTOR_WAITING }, { 422, ACCEPTOR_BLOCKED },
		{ 3, ACCEPTOR_BLOCKED },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct made thread = { PID, 'S', rows[i].call, NULL };
		struct acceptor look;

		clear();
		make_stat("", PID, 'S', 1);
		make_thread(&thread, IN_32_BITS);
		assert_int_equal(acceptor_look(&procfs, PID, &look), 0);
		assert_int_equal(look.state, rows[i].state);
		assert_int_equal(look.syscall, rows[i].call);
		assert_true(look.compat);
		assert_int_equal(look.idle, rows[i].call == 422);
	}
#endif
	(void)state;
}

/* ---- several threads ------------------------------------------------------------- */

static void test_several(void **state)
{
	static const struct {
		const char *what;
		struct made threads[4];
		uint64_t tid;
		enum acceptor_state state;
	} rows[] = {
		{ "blocked, and its workers idle",
		  { { PID, 'S', SYS_read, NULL }, { 71, 'S', SYS_futex, NULL }, { 72, 'S', SYS_futex, NULL } }, PID, ACCEPTOR_BLOCKED },
		{ "an event loop with helpers", { { PID, 'S', SYS_epoll_pwait, NULL }, { 71, 'S', SYS_futex, NULL }, { 72, 'R', RUNS, NULL } },
		  PID, ACCEPTOR_WAITING },
		{ "a busy event loop", { { PID, 'R', RUNS, NULL }, { 71, 'S', SYS_epoll_pwait, NULL } }, PID, ACCEPTOR_RUNNING },
		{ "a thread that accepts", { { PID, 'S', SYS_futex, NULL }, { 71, 'R', RUNS, NULL }, { 72, 'S', SYS_accept4, NULL } },
		  72, ACCEPTOR_WAITING },
		{ "blocked, and another thread has a socket of its own", { { PID, 'S', SYS_flock, NULL }, { 71, 'S', SYS_accept4, NULL } },
		  PID, ACCEPTOR_BLOCKED },
		{ "a pool that runs", { { PID, 'S', SYS_futex, NULL }, { 71, 'S', SYS_epoll_pwait, NULL }, { 72, 'R', RUNS, NULL } },
		  72, ACCEPTOR_RUNNING },
		{ "a pool with nothing to do", { { PID, 'S', SYS_futex, NULL }, { 71, 'S', SYS_read, NULL }, { 72, 'S', SYS_epoll_pwait, NULL } },
		  72, ACCEPTOR_WAITING },
		{ "a pool that is blocked", { { PID, 'S', SYS_futex, NULL }, { 71, 'S', SYS_futex, NULL }, { 72, 'S', SYS_connect, NULL } },
		  72, ACCEPTOR_BLOCKED },
		{ "a deadlock", { { PID, 'S', SYS_futex, NULL }, { 71, 'S', SYS_futex, NULL } }, PID, ACCEPTOR_BLOCKED },
		{ "stopped", { { PID, 'T', SYS_futex, NULL }, { 71, 'T', SYS_accept4, NULL } }, PID, ACCEPTOR_STOPPED },
		{ "its first thread has ended", { { PID, 'Z', UNREADABLE, NULL }, { 71, 'S', SYS_futex, NULL }, { 72, 'S', SYS_accept4, NULL } },
		  72, ACCEPTOR_WAITING },
		{ "nothing may be told", { { PID, 'S', UNREADABLE, NULL }, { 71, 'S', UNREADABLE, NULL } }, PID, acceptor_state_unknown },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct acceptor look = look_at(rows[i].threads, COUNT(rows[i].threads));

		if (look.state != rows[i].state || (look.tid != rows[i].tid && look.state != acceptor_state_unknown))
			fail_msg("%s: thread %d, state %d", rows[i].what, (int)look.tid, look.state);
	}
}

/* as many files as there are threads are not read */
static void test_bounded(void **state)
{
	struct made thread = { .state = 'S', .call = SYS_futex };
	struct acceptor look;

	(void)state;
	clear();
	make_stat("", PID, 'S', 7);
	for (int i = 0; i < ACCEPTOR_THREADS + 50; i++) {
		thread.tid = PID + i;
		make_thread(&thread, IN_PROGRAM);
	}
	assert_int_equal(acceptor_look(&procfs, PID, &look), 0);
	assert_int_equal(look.state, ACCEPTOR_BLOCKED);
}

static void test_hostile(void **state)
{
	static const char *const calls[] = {
		"", "\n", "x", "-", "18446744073709551616 0x5", "99999999999 0x5 0x0 0x0 0x0 0x0 0x0 0x1 0x1", "0", "288",
		"288 zz 0x", "288 0x5 0xfffffffffffffffffffffffffffffffff 0x0 0x0 0x0 0x0 0x1 0x1", "288\0 0x5",
	};
	static const struct made thread = { PID, 'S', NONE, NULL };
	struct acceptor look;
	char path[128];

	(void)state;
	look_at(&thread, 1);
	snprintf(path, sizeof(path), "%s/proc/%d/task/%d/syscall", tree, PID, PID);
	for (size_t i = 0; i < COUNT(calls); i++) {
		write_file(path, calls[i]);
		assert_int_equal(acceptor_look(&procfs, PID, &look), 0);
		assert_int_equal(look.tid, PID);
		assert_true(look.state == ACCEPTOR_BLOCKED || look.state == ACCEPTOR_WAITING);
	}
	snprintf(path, sizeof(path), "%s/proc/%d/task/%d/stat", tree, PID, PID);
	write_file(path, "70 (a) S");
	assert_int_equal(acceptor_look(&procfs, PID, &look), 0);
	assert_int_equal(look.state, ACCEPTOR_GONE);
	snprintf(path, sizeof(path), "%s/proc/%d/stat", tree, PID);
	write_file(path, "70 (a) S");
	assert_int_equal(acceptor_look(&procfs, PID, &look), -EINVAL);
}

static void test_weight(void **state)
{
	const struct acceptor order[] = {
		{ .state = ACCEPTOR_GONE }, { .state = ACCEPTOR_BLOCKED, .idle = true }, { .state = ACCEPTOR_WAITING },
		{ .state = ACCEPTOR_BLOCKED }, { .state = ACCEPTOR_RUNNING }, { .state = ACCEPTOR_STOPPED },
		{ .state = ACCEPTOR_FD_EXHAUSTED },
	};

	(void)state;
	for (size_t i = 1; i < COUNT(order); i++)
		assert_true(acceptor_weight(&order[i]) > acceptor_weight(&order[i - 1]));
	assert_int_equal(acceptor_weight(&(struct acceptor){ 0 }), 0);
}

/* ---- real ones --------------------------------------------------------------------- */

static int listener(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 5))
		_exit(1);
	return fd;
}

static void *accept_forever(void *context)
{
	(void)context;
	accept(listener(), NULL, NULL);
	return NULL;
}

static void in_accept(void)
{
	accept(listener(), NULL, NULL);
}

static void in_epoll(void)
{
	struct epoll_event event;

	epoll_wait(epoll_create1(0), &event, 1, -1);
}

static void in_poll(void)
{
	struct pollfd one = { .fd = listener(), .events = POLLIN };

	/* a timeout is what makes it start again after a stop */
	poll(&one, 1, 1000000);
}

static void in_read(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) == 0 && read(ends[0], &byte, 1) < 0)
		_exit(1);
}

static void in_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, accept_forever, NULL);
	pthread_join(thread, NULL);
}

static void in_program(void)
{
	for (;;)
		;
}

static pid_t child(void (*does)(void))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	does();
	_exit(0);
}

/* until it is what it is to be, for ten seconds */
static struct acceptor becomes(pid_t pid, enum acceptor_state wanted, bool first)
{
	struct acceptor look = { 0 };
	struct procfs ours;

	assert_int_equal(procfs_open(&ours, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(acceptor_look(&ours, pid, &look), 0);
		if (look.state == wanted && (look.tid == (uint64_t)pid) == first)
			break;
		usleep(10000);
	}
	procfs_close(&ours);
	assert_int_equal(look.state, wanted);
	assert_int_equal(look.tid == (uint64_t)pid, first);
	return look;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	becomes(pid, ACCEPTOR_GONE, false);
	waitpid(pid, NULL, 0);
	becomes(pid, ACCEPTOR_GONE, false);
}

static void test_real(void **state)
{
	static const struct {
		void (*does)(void);
		enum acceptor_state state;
		bool first;
	} rows[] = {
		{ in_accept, ACCEPTOR_WAITING, true }, { in_epoll, ACCEPTOR_WAITING, true }, { in_poll, ACCEPTOR_WAITING, true },
		{ in_read, ACCEPTOR_BLOCKED, true }, { in_thread, ACCEPTOR_WAITING, false }, { in_program, ACCEPTOR_RUNNING, true },
	};

	(void)state;
	if (access("/proc/self/syscall", R_OK))
		skip();
	for (size_t i = 0; i < COUNT(rows); i++) {
		pid_t pid = child(rows[i].does);
		struct acceptor look;

		assert_true(pid > 0);
		look = becomes(pid, rows[i].state, rows[i].first);
		assert_int_equal(look.threads, rows[i].does == in_thread ? 2 : 1);
		assert_int_equal(look.syscall < 0, rows[i].does == in_program);
		kill(pid, SIGSTOP);
		becomes(pid, ACCEPTOR_STOPPED, true);
		kill(pid, SIGCONT);
		/* epoll_wait() does not start again */
		if (rows[i].does != in_epoll)
			becomes(pid, rows[i].state, rows[i].first);
		end(pid);
	}
}

static int setup(void **state)
{
	char path[64];

	(void)state;
	strcpy(tree, "/tmp/kwhy-task.XXXXXX");
	if (!mkdtemp(tree))
		return -1;
	snprintf(path, sizeof(path), "%s/proc", tree);
	return mkdir(path, 0755) || procfs_open(&procfs, tree);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	procfs_close(&procfs);
	snprintf(command, sizeof(command), "rm -rf %s", tree);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_thread), cmocka_unit_test(test_gone), cmocka_unit_test(test_compat),
		cmocka_unit_test(test_several), cmocka_unit_test(test_bounded), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_weight), cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
