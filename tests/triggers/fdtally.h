/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the triggers share that hold descriptors: how many they opened and
 * closed, told on SIGUSR1 and when they come to rest; with --wait they begin
 * on SIGUSR2. What is told is "now open N opened N closed N".
 */
#ifndef FDTALLY_H
#define FDTALLY_H

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "trigger.h"

struct pattern {
	const char *name;
	void (*run)(char *argument);
};

static struct {
	unsigned int every, count, soft, hard, hold;
	int waits;
} options = { .every = 50, .count = 100 };

static struct {
	unsigned long before, opened, closed;
} tally;

static volatile sig_atomic_t asked, begun;

static inline void on_signal(int signal_number)
{
	if (signal_number == SIGUSR1)
		asked = 1;
	else
		begun = 1;
}

/* Without a descriptor, which the counts would have to know. */
static inline unsigned long count_open(void)
{
	struct rlimit limit;
	unsigned long open = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max > MIB)
		limit.rlim_max = MIB;
	for (unsigned long fd = 0; fd < limit.rlim_max; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

static inline int taken(int fd)
{
	if (fd < 0)
		quit(1, "after %lu opened: %s", tally.opened, strerror(errno));
	__atomic_add_fetch(&tally.opened, 1, __ATOMIC_RELAXED);
	return fd;
}

static inline void drop(int fd)
{
	if (close(fd))
		quit(1, "close %d: %s", fd, strerror(errno));
	__atomic_add_fetch(&tally.closed, 1, __ATOMIC_RELAXED);
}

static inline void tell(const char *word)
{
	printf("%s open %lu opened %lu closed %lu\n", word,
	       tally.before + tally.opened - tally.closed, tally.opened,
	       tally.closed);
	fflush(stdout);
}

static inline void rest_ms(unsigned int ms)
{
	struct timespec end, now, left = { 0 };
	long ns;

	clock_gettime(CLOCK_MONOTONIC, &end);
	do {
		if (asked) {
			asked = 0;
			tell("now");
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		ns = (end.tv_sec - now.tv_sec) * 1000000000L + end.tv_nsec -
		     now.tv_nsec + ms * 1000000L;
		left.tv_sec = ns > 0 ? ns / 1000000000L : 0;
		left.tv_nsec = ns > 0 ? ns % 1000000000L : 0;
	} while (ns > 0 && nanosleep(&left, NULL));
}

/* Nothing moves from now on. */
static inline void __attribute__((noreturn)) come_to_rest(void)
{
	tally.before = count_open() - tally.opened + tally.closed;
	tell("rest");
	if (options.hold) {
		rest_ms(options.hold * 1000);
		exit(0);
	}
	for (;;)
		rest_ms(1000);
}

static inline void set_tally_limits(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (options.hard)
		limit.rlim_max = options.hard;
	limit.rlim_cur = options.soft ? options.soft : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		quit(EXIT_CANNOT, "RLIMIT_NOFILE %u: %s", options.hard,
		     strerror(errno));
	printf("soft %lu\nhard %lu\n", (unsigned long)limit.rlim_cur,
	       (unsigned long)limit.rlim_max);
}

static inline void begin(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	tally.before = count_open();
	ready(" open=%lu", tally.before);
	while (options.waits && !begun)
		sleep_ns(5000000);
}

static inline void read_tally_option(int option)
{
	switch (option) {
	case 'e': options.every = number(optarg); break;
	case 'c': options.count = number(optarg); break;
	case 's': options.soft = number(optarg); break;
	case 'H': options.hard = number(optarg); break;
	case 'w': options.hold = number(optarg); break;
	case 'W': options.waits = 1; break;
	case 'n': set_comm(optarg); break;
	case 't': alarm(number(optarg)); break;
	default: quit(EXIT_USAGE, "see fdtally.h");
	}
}

/* PATTERN [ARGUMENT] [OPTION...] */
static inline int tally_main(const struct pattern *pattern, int argc,
			     char **argv)
{
	static const struct option known[] = {
		{ "every", 1, 0, 'e' }, { "count", 1, 0, 'c' },
		{ "soft", 1, 0, 's' }, { "hard", 1, 0, 'H' },
		{ "hold", 1, 0, 'w' }, { "wait", 0, 0, 'W' },
		{ "comm", 1, 0, 'n' }, { "time", 1, 0, 't' }, { 0 },
	};
	int option;

	alarm(60);
	while ((option = getopt_long(argc, argv, "t:n:", known, NULL)) != -1)
		read_tally_option(option);
	if (optind == argc)
		quit(EXIT_USAGE, "PATTERN [ARGUMENT] [OPTION...]");
	while (pattern->name && strcmp(pattern->name, argv[optind]))
		pattern++;
	if (!pattern->name)
		quit(EXIT_USAGE, "no pattern '%s'", argv[optind]);
	set_tally_limits();
	pattern->run(argv[optind + 1]);
	come_to_rest();
}

#endif
