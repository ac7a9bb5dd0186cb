// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes whose descriptors grow, or seem to: leaks among much that is no
 * leak, piles of connections that the peer closed, pools, caches that warm up,
 * bursts. The numbers it tells are the true ones (fdtally.h).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include "fdtally.h"

#define NOINLINE static __attribute__((noinline)) void
/* What follows a call keeps its frame on the stack. */
#define STAY __asm__ volatile("" ::: "memory")
#define RING 8

/* --- one leak among twenty that close what they open --- */

#define HONEST(name, call)                                                     \
	NOINLINE name(void)                                                    \
	{                                                                      \
		int fd = taken(call);                                          \
									       \
		fcntl(fd, F_GETFD);                                            \
		drop(fd);                                                      \
		STAY;                                                          \
	}

static int nothing[2];

static int one_of(int result, int *ends)
{
	if (result < 0)
		quit(1, "a pair: %s", strerror(errno));
	taken(ends[1]);
	drop(ends[1]);
	return ends[0];
}

HONEST(honest_01, open("/dev/null", O_RDONLY))
HONEST(honest_02, open("/proc/self/status", O_RDONLY))
HONEST(honest_03, open("/", O_RDONLY | O_DIRECTORY))
HONEST(honest_04, eventfd(0, EFD_CLOEXEC))
HONEST(honest_05, eventfd(1, EFD_NONBLOCK))
HONEST(honest_06, epoll_create1(0))
HONEST(honest_07, timerfd_create(CLOCK_MONOTONIC, 0))
HONEST(honest_08, inotify_init1(0))
HONEST(honest_09, memfd_create("honest", 0))
HONEST(honest_10, socket(AF_UNIX, SOCK_STREAM, 0))
HONEST(honest_11, socket(AF_INET, SOCK_DGRAM, 0))
HONEST(honest_12, socket(AF_INET, SOCK_STREAM, 0))
HONEST(honest_13, dup(0))
HONEST(honest_14, fcntl(0, F_DUPFD_CLOEXEC, 10))
HONEST(honest_15, one_of(pipe2(nothing, O_CLOEXEC), nothing))
HONEST(honest_16, one_of(socketpair(AF_UNIX, SOCK_DGRAM, 0, nothing), nothing))
HONEST(honest_17, open("/proc/self/exe", O_RDONLY))

/* a cache: the newest eight stay */
NOINLINE honest_18(void)
{
	static int ring[RING];
	static unsigned int next;
	int *slot = ring + next++ % RING;

	if (next > RING)
		drop(*slot);
	*slot = taken(eventfd(0, EFD_CLOEXEC));
	STAY;
}

/* a log, opened once */
NOINLINE honest_19(void)
{
	static int log_fd = -1;

	if (log_fd < 0)
		log_fd = taken(open("/dev/null", O_WRONLY | O_APPEND));
	(void)!write(log_fd, "x", 1);
}

/* workers that come one after another, until there are twelve */
NOINLINE honest_20(void)
{
	static unsigned int workers;

	if (workers++ < 12)
		taken(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	STAY;
}

static void (*const honest[])(void) = {
	honest_01, honest_02, honest_03, honest_04, honest_05, honest_06,
	honest_07, honest_08, honest_09, honest_10, honest_11, honest_12,
	honest_13, honest_14, honest_15, honest_16, honest_17, honest_18,
	honest_19, honest_20, NULL,
};

NOINLINE do_honest_work(void)
{
	for (int i = 0; honest[i]; i++)
		honest[i]();
}

NOINLINE forgotten_eventfd(void)
{
	taken(eventfd(0, EFD_CLOEXEC));
	STAY;
}

/* --count of them are forgotten */
static void run_eventfd(char *argument)
{
	(void)argument;
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		do_honest_work();
		forgotten_eventfd();
		rest_ms(options.every);
	}
	printf("forgotten %u\n", options.count);
}

/* the honest work alone: nothing grows for long */
static void run_steady(char *argument)
{
	(void)argument;
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		do_honest_work();
		rest_ms(options.every);
	}
}

/* --- connections that the peer closes first --- */

static int listen_here(struct sockaddr_in *ret)
{
	socklen_t length = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET };
	ret->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)ret, sizeof(*ret)) || listen(fd, 128) ||
	    getsockname(fd, (void *)ret, &length))
		quit(EXIT_CANNOT, "tcp on loopback: %s", strerror(errno));
	return fd;
}

static int connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const void *)address, sizeof(*address)))
		quit(1, "connect: %s", strerror(errno));
	return fd;
}

/* In a child: everything that comes is closed at once. */
static void close_what_comes(int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		close(accept(listener, NULL, NULL));
}

NOINLINE forgotten_connection(const struct sockaddr_in *address)
{
	taken(connect_to(address));
	STAY;
}

static void run_sockets(char *argument)
{
	struct sockaddr_in address;
	int listener = listen_here(&address);

	(void)argument;
	if (!fork())
		close_what_comes(listener);
	close(listener);
	printf("peer 127.0.0.1:%d\n", ntohs(address.sin_port));
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		forgotten_connection(&address);
		rest_ms(options.every);
	}
}

/* The other way: clients come and go, and the server keeps what it accepted. */
static void run_accepted(char *argument)
{
	struct sockaddr_in address;
	int listener = listen_here(&address), child;

	(void)argument;
	printf("local 127.0.0.1:%d\n", ntohs(address.sin_port));
	begin();
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			close(connect_to(&address));
			sleep_ns(options.every * 1000000L);
		}
	}
	for (unsigned int i = 0; i < options.count; i++) {
		taken(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
		rest_ms(0);
	}
	kill(child, SIGKILL);
}

/* --- what is no leak --- */

static int next_of_pool(void)
{
	static unsigned int made;

	switch (made++ % 5) {
	case 0: return eventfd(0, EFD_CLOEXEC);
	case 1: return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	case 2: return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	case 3: return memfd_create("pool", MFD_CLOEXEC);
	}
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

NOINLINE fill_pool(unsigned int size)
{
	while (size--)
		taken(next_of_pool());
	STAY;
}

/* --count open at the start, and then traffic that leaves the number as it is */
static void run_pool(char *argument)
{
	(void)argument;
	fill_pool(options.count);
	tally.opened = 0;
	begin();
	for (;;) {
		for (int i = 0; i < 17; i++)
			honest[i]();
		rest_ms(options.every);
	}
}

/* Up to --count in the first --every * --count ms, then traffic only. */
static void run_warming(char *argument)
{
	(void)argument;
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		fill_pool(1);
		rest_ms(options.every);
	}
	tell("warm");
	for (;;) {
		for (int i = 0; i < 17; i++)
			honest[i]();
		rest_ms(50);
	}
}

/* Up to --count, and back. */
static void run_burst(char *argument)
{
	int *fds = calloc(options.count, sizeof(*fds));

	(void)argument;
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		fds[i] = taken(eventfd(0, EFD_CLOEXEC));
		rest_ms(options.every);
	}
	tell("top");
	for (unsigned int i = 0; i < options.count; i++) {
		drop(fds[i]);
		rest_ms(options.every);
	}
	free(fds);
}

/* --- leaks of one kind --- */

NOINLINE forgotten_pipe(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		quit(1, "pipe2: %s", strerror(errno));
	taken(ends[0]);
	taken(ends[1]);
}

NOINLINE forgotten_epoll(void)
{
	taken(epoll_create1(EPOLL_CLOEXEC));
	STAY;
}

/* A file without a name, as logs have that were rotated away. */
NOINLINE forgotten_file(void)
{
	const char *place = getenv("TMPDIR");
	char path[256];

	snprintf(path, sizeof(path), "%s/leakfd-%d-%lu",
		 place ? place : "/tmp", getpid(), tally.opened);
	taken(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	unlink(path);
}

static void leak(void (*forget)(void))
{
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		forget();
		rest_ms(options.every);
	}
}

static void run_pipes(char *argument)
{
	(void)argument;
	leak(forgotten_pipe);
}

static void run_epoll(char *argument)
{
	(void)argument;
	leak(forgotten_epoll);
}

static void run_deleted(char *argument)
{
	(void)argument;
	leak(forgotten_file);
}

/* --- a stack that is known --- */

NOINLINE deep_f(void)
{
	/* not stdio's own buffer: the descriptor is what matters */
	FILE *file = fopen("/dev/null", "re");

	if (!file)
		quit(1, "fopen: %s", strerror(errno));
	taken(fileno(file));
}

#define DEEPER(name, next)                                                     \
	NOINLINE name(void)                                                    \
	{                                                                      \
		next();                                                        \
		STAY;                                                          \
	}

DEEPER(deep_e, deep_f)
DEEPER(deep_d, deep_e)
DEEPER(deep_c, deep_d)
DEEPER(deep_b, deep_c)
DEEPER(deep_a, deep_b)

static void run_deep(char *argument)
{
	(void)argument;
	leak(deep_a);
}

/* --- two that look alike: they call the same, from the same depth, and what
 * they call has much on its stack --- */

static __attribute__((noinline)) int open_below(const char *name)
{
	char path[4096];
	int fd;

	memset(path, 'x', sizeof(path));
	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	STAY;
	return fd;
}

NOINLINE twin_honest(void)
{
	int fd = taken(open_below("null"));

	STAY;
	drop(fd);
}

NOINLINE twin_forgetful(void)
{
	taken(open_below("zero"));
	STAY;
}

static void run_twins(char *argument)
{
	(void)argument;
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		for (int n = 0; n < 5; n++)
			twin_honest();
		twin_forgetful();
		rest_ms(options.every);
	}
}

/* As many as there may be but for a few, --count at most, by dup. */
static void run_million(char *argument)
{
	int fd, last = -1;

	(void)argument;
	while (tally.opened < options.count && (fd = dup(0)) >= 0) {
		last = fd;
		tally.opened++;
	}
	for (int spare = 0; spare < 50 && tally.opened > 1000; spare++) {
		close(last--);
		tally.opened--;
	}
	if (tally.opened < 1000)
		quit(EXIT_CANNOT, "no more than %lu", tally.opened);
	printf("made %lu\n", tally.opened);
	tally.opened = 0;
	begin();
	for (;;) {
		honest_01();
		rest_ms(options.every);
	}
}

/* A file and a socket of that name, --count of each. */
static void run_named(char *argument)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (!argument)
		quit(EXIT_USAGE, "named PATH");
	begin();
	for (unsigned int i = 0; i < options.count; i++) {
		taken(open(argument, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
		snprintf(address.sun_path, sizeof(address.sun_path), "%s.%u",
			 argument, i);
		fd = taken(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
		if (bind(fd, (void *)&address, sizeof(address)))
			quit(1, "bind: %s", strerror(errno));
		rest_ms(options.every);
	}
}

static const struct pattern patterns[] = {
	{ "eventfd-one-of-twenty", run_eventfd }, { "steady", run_steady },
	{ "sockets", run_sockets }, { "accepted", run_accepted },
	{ "pool", run_pool }, { "warming", run_warming },
	{ "burst", run_burst }, { "pipes", run_pipes },
	{ "epoll", run_epoll }, { "deleted", run_deleted },
	{ "deep", run_deep }, { "million", run_million },
	{ "named", run_named }, { "twins", run_twins }, { 0 },
};

int main(int argc, char **argv)
{
	return tally_main(patterns, argc, argv);
}
