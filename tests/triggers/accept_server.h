/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of accept.c: takes one step after another from the client over a
 * socket, and answers each with what the client is to say of it, "!" and why
 * where it went wrong, "?" where it cannot be done here. Without a step it
 * sleeps in read(). SIGUSR2 ends whatever it does instead of serving.
 */
#ifndef ACCEPT_SERVER_H
#define ACCEPT_SERVER_H

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "trigger.h"

#define WORKERS 8

struct step {
	const char *name;
	void (*run)(char *argument);
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

/* What the next socket will be; at and port the client knows, too. */
static struct {
	const char *at, *to, *device;
	unsigned int port;
	int reuseport, v6only, defer;
} next = { .at = "127.0.0.1" };

static struct {
	int steps;	/* where they come from */
	int listener;	/* the last one */
	int tid;	/* of the other thread */
	pthread_t thread;
	unsigned int workers;
} server = { .listener = -1 };

static volatile sig_atomic_t woken;

static inline unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static inline socklen_t make_address(const char *text, unsigned int port, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		return sizeof(ret->v4);
	}
	if (inet_pton(AF_INET6, text, &ret->v6.sin6_addr) != 1)
		quit(EXIT_USAGE, "no address: '%s'", text);
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	return sizeof(ret->v6);
}

/* Sets the next socket's properties; the client does the same. */
static inline int configure(const char *name, char *argument)
{
	if (!strcmp(name, "at"))
		next.at = next.to = argument;
	else if (!strcmp(name, "to"))
		next.to = argument;
	else if (!strcmp(name, "port"))
		next.port = number(argument);
	else if (!strcmp(name, "device"))
		next.device = argument;
	else if (!strcmp(name, "reuseport"))
		next.reuseport = 1;
	else if (!strcmp(name, "v6only"))
		next.v6only = 1;
	else if (!strcmp(name, "defer"))
		next.defer = 1;
	else
		return 0;
	return 1;
}

static inline void __attribute__((format(printf, 1, 2))) answer(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (write(server.steps, text, strlen(text) + 1) < 0)
		_exit(1);
}

static inline void __attribute__((noreturn)) fail(const char *what)
{
	answer("%c%s: %s", errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == EPERM ? '?' : '!', what,
	       strerror(errno));
	_exit(1);
}

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

static inline void queue_of(int fd, unsigned int *ret_queue, unsigned int *ret_limit)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		fail("TCP_INFO");
	*ret_queue = info.tcpi_unacked;
	*ret_limit = info.tcpi_sacked;
}

/* A socket that is bound to the port, which is chosen here when there is none. */
static inline int bind_socket(void)
{
	int one = 1, seconds = 20, only = next.v6only;
	union address address;
	socklen_t length = make_address(next.at, next.port, &address);
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	if (address.any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)))
		fail("IPV6_V6ONLY");
	if (next.reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		fail("SO_REUSEPORT");
	if (next.device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, next.device, strlen(next.device)))
		fail("SO_BINDTODEVICE");
	if (next.defer && setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)))
		fail("TCP_DEFER_ACCEPT");
	if (bind(fd, &address.any, length))
		fail("bind");
	length = sizeof(address);
	getsockname(fd, &address.any, &length);
	next.port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
	return fd;
}

static inline void tell_listener(unsigned long long began)
{
	unsigned int queue, limit;

	queue_of(server.listener, &queue, &limit);
	answer("port %u\nlimit %u\nlistened %llu\n", next.port, limit, began);
}

static inline void serve_listen(char *argument)
{
	unsigned long long began = now_ns();

	server.listener = bind_socket();
	if (listen(server.listener, number(argument)))
		fail("listen");
	tell_listener(began);
}

static inline void serve_again(char *argument)
{
	unsigned long long began = now_ns();

	if (listen(server.listener, number(argument)))
		fail("listen");
	tell_listener(began);
}

static inline void serve_queue(char *argument)
{
	unsigned int queue, limit;

	(void)argument;
	queue_of(server.listener, &queue, &limit);
	answer("queue %u\nlimit %u\n", queue, limit);
}

static inline void serve_take(char *argument)
{
	unsigned int count = number(argument);
	unsigned long long last;

	for (unsigned int i = 0; i < count; i++) {
		int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			fail("accept");
		close(fd);
	}
	last = now_ns();
	answer("took %llu\n", last);
}

static inline void serve_name(char *argument)
{
	set_comm(argument);
	answer("%s", "");
}

static inline void serve_cgroup(char *argument)
{
	int fd = open(argument, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		fail("cgroup");
	close(fd);
	answer("%s", "");
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

/* No number is left below the limit. */
static inline void exhaust_descriptors(void)
{
	struct rlimit limit = { 40, 40 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("RLIMIT_NOFILE");
	while (dup(server.steps) >= 0)
		;
}

static inline void serve_do(char *argument)
{
	unsigned int manner = find_manner(argument);

	woken = 0;
	if (manners[manner].run == refuse) {
		exhaust_descriptors();
		answer("soft 40\n");
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
	server.tid = 0;
	woken = 0;
	if (pthread_create(&server.thread, NULL, run_thread, (void *)(unsigned long)find_manner(argument)))
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

static inline void serve_exit(char *argument)
{
	(void)argument;
	_exit(0);
}

static const struct step server_steps[] = {
	{ "listen", serve_listen }, { "again", serve_again }, { "queue", serve_queue }, { "take", serve_take },
	{ "name", serve_name }, { "cgroup", serve_cgroup }, { "do", serve_do }, { "thread", serve_thread },
	{ "prefork", serve_prefork }, { "group", serve_group }, { "heir", serve_heir }, { "exit", serve_exit },
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
