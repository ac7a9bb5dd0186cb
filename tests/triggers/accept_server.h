/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of accept.c: takes one step after another from the client over a
 * socket, and sleeps in read() meanwhile. SIGUSR2 ends whatever it does instead
 * of serving.
 */
#ifndef ACCEPT_SERVER_H
#define ACCEPT_SERVER_H

#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "accept_socket.h"

#define WORKERS 8

struct step {
	const char *name;
	void (*run)(char *argument);
};

static volatile sig_atomic_t woken;

static inline void on_wake(int signal_number)
{
	(void)signal_number;
	woken = 1;
}

/* Ends with its parent, stopped or not, and some day in any case. */
static inline void bind_life(void)
{
	struct sigaction action = { .sa_handler = on_wake };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR2, &action, NULL);
	alarm(120);
}

/* --- instead of serving --- */

static inline void spin(void)
{
	while (!woken)
		;
}

static inline void nap(void)
{
	struct timespec delay = { 60, 0 };

	while (!woken)
		nanosleep(&delay, NULL);
}

static inline void rest(void)
{
	while (!woken)
		pause();
}

static inline void serve_all(void)
{
	while (!woken) {
		int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			close(fd);
	}
}

/* Serves for half of the time. */
static inline void serve_slowly(void)
{
	while (!woken) {
		int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			close(fd);
		sleep_ns(1000000);
	}
}

/* Asks what came, and has no descriptor for it. */
static inline void refuse(void)
{
	struct pollfd wait = { .fd = server.listener, .events = POLLIN };

	while (!woken) {
		poll(&wait, 1, -1);
		if (accept4(server.listener, NULL, NULL, SOCK_CLOEXEC) >= 0 || errno != EMFILE)
			_exit(1);
		sleep_ns(2000000);
	}
}

static inline void stop(void)
{
	raise(SIGSTOP);
}

static inline void leave(void)
{
	_exit(0);
}

static const struct {
	const char *name;
	void (*run)(void);
	char state;	/* in /proc/PID/stat when it has begun */
} manners[] = {
	{ "spin", spin, 'R' }, { "nap", nap, 'S' }, { "pause", rest, 'S' },
	{ "loop", serve_all, 'S' }, { "slow", serve_slowly, 'S' }, { "emfile", refuse, 'S' },
	{ "stop", stop, 'T' }, { "exit", leave, 'Z' },
};

static inline unsigned int find_manner(const char *name)
{
	for (unsigned int i = 0; i < sizeof(manners) / sizeof(*manners); i++)
		if (!strcmp(manners[i].name, name))
			return i;
	quit(EXIT_USAGE, "do '%s'?", name);
}

/* Until that thread is in that state, three seconds at most. */
static inline void await_state(int pid, char state)
{
	char path[64], text[256], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int i = 0; i < 1500; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

		if (fd >= 0)
			close(fd);
		text[got > 0 ? got : 0] = '\0';
		end = strrchr(text, ')');
		if (state == 'Z' ? !end || end[2] == 'Z' : end && end[2] == state)
			return;
		sleep_ns(2000000);
	}
	quit(1, "process %d does not reach state %c", pid, state);
}

/* No number is left below the limit. Returns how many are open: some that we were given may be above. */
static inline unsigned int exhaust_descriptors(unsigned int soft)
{
	struct rlimit limit = { soft, soft };
	unsigned int open = 0;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("RLIMIT_NOFILE");
	while (dup(server.steps) >= 0)
		;
	for (int fd = 0; fd < 4096; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

static inline void serve_do(char *argument)
{
	unsigned int manner = find_manner(argument);

	woken = 0;
	if (manners[manner].run == refuse) {
		answer("soft 40\nopen %u\n", exhaust_descriptors(40));
	} else {
		answer("%s", "");
	}
	manners[manner].run();
}

static void *run_thread(void *argument)
{
	server.tid = syscall(SYS_gettid);
	manners[(unsigned long)argument].run();
	return NULL;
}

/* Another thread does it: "thread TID". */
static inline void serve_thread(char *argument)
{
	pthread_t thread;

	server.tid = 0;
	woken = 0;
	if (pthread_create(&thread, NULL, run_thread, (void *)(unsigned long)find_manner(argument)))
		fail("pthread_create");
	while (!__atomic_load_n(&server.tid, __ATOMIC_ACQUIRE))
		sleep_ns(1000000);
	answer("thread %d\n", server.tid);
}

/* A child for each manner, which shares the socket or makes its own. */
static inline void start_workers(char *names, int backlog)
{
	int pid, pids[WORKERS];
	unsigned int kinds[WORKERS], count = 0;
	char text[256] = "", *name;

	while ((name = strsep(&names, ",")) && count < WORKERS) {
		kinds[count] = find_manner(name);
		pid = fork();
		if (pid < 0)
			fail("fork");
		if (!pid) {
			bind_life();
			if (backlog >= 0 && ((server.listener = bind_socket()) < 0 || listen(server.listener, backlog)))
				_exit(1);
			manners[kinds[count]].run();
			_exit(0);
		}
		pids[count] = pid;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "worker %u %d\n", count, pid);
		count++;
		if (backlog >= 0)
			await_state(pid, manners[kinds[count - 1]].state);
	}
	for (unsigned int i = 0; i < count; i++)
		await_state(pids[i], manners[kinds[i]].state);
	answer("%sport %u\n", text, next.port);
}

static inline void serve_prefork(char *argument)
{
	start_workers(argument, -1);
}

/* BACKLOG,MANNER...: a SO_REUSEPORT group, whose port is kept by a socket that does not listen. */
static inline void serve_group(char *argument)
{
	char *backlog = strsep(&argument, ",");

	next.reuseport = 1;
	bind_socket();
	start_workers(argument, number(backlog));
}

/* A child goes on with the socket, and who called listen() is gone. */
static inline void serve_heir(char *argument)
{
	int old = getpid(), pid = fork();

	(void)argument;
	if (pid < 0)
		fail("fork");
	if (pid)
		_exit(0);
	while (getppid() == old)
		sleep_ns(1000000);
	bind_life();
	answer("listener %d\npid %d\n", old, getpid());
}

/* Another process listens on the port, when the socket of the first is gone. */
static inline void serve_restart(char *argument)
{
	int old = getpid(), pid;

	close(server.listener);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid)
		_exit(0);
	while (getppid() == old)
		sleep_ns(1000000);
	bind_life();
	server.listener = bind_socket();
	if (listen(server.listener, number(argument)))
		fail("listen");
	answer("first %d\npid %d\n", old, getpid());
}

static inline void serve_exit(char *argument)
{
	(void)argument;
	_exit(0);
}

static inline void serve_on(char *argument)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number(argument), &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		errno = EPERM;
		fail("CPU");
	}
	answer("%s", "");
}

static const struct step server_steps[] = {
	{ "on", serve_on },
	{ "listen", serve_listen }, { "again", serve_again }, { "queue", serve_queue }, { "take", serve_take },
	{ "name", serve_name }, { "cgroup", serve_cgroup }, { "do", serve_do }, { "thread", serve_thread },
	{ "prefork", serve_prefork }, { "group", serve_group }, { "heir", serve_heir }, { "restart", serve_restart },
	{ "exit", serve_exit },
	{ 0 },
};

static inline const struct step *find_step(const struct step *step, const char *name)
{
	while (step->name && strcmp(step->name, name))
		step++;
	return step->name ? step : NULL;
}

static inline void __attribute__((noreturn)) serve(void)
{
	const struct step *step;
	char *text, *name;
	ssize_t got;

	bind_life();
	for (;;) {
		/* kept: what it says of the next socket is pointed at */
		text = calloc(1, 512);
		while ((got = read(server.steps, text, 511)) < 0 && errno == EINTR)
			;
		if (got <= 0)
			_exit(0);
		name = strsep(&text, "=");
		if (configure(name, text)) {
			answer("%s", "");
			continue;
		}
		step = find_step(server_steps, name);
		step->run(text);
	}
}

#endif
