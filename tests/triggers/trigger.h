/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the memory triggers share: options, modes, the ready line, memory that
 * is touched page by page. Needs _GNU_SOURCE.
 */
#ifndef TRIGGER_H
#define TRIGGER_H

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)
/* Address space kept for what grows; only touched pages are charged. */
#define RESERVE ((size_t)4 << 30)
#define STEP_NS 50000000L

enum { EXIT_USAGE = 2, EXIT_CANNOT = 77 };

/* What grows. grow() brings it up to a total number of bytes. */
struct hoard {
	int (*grow)(struct hoard *hoard, size_t total);
	size_t used;
	char *base;
	int fd;
	/* Kernel hoards: makes the next pipe or socket pair, both ends kept. */
	int (*next)(int ends[2]);
};

struct mode {
	const char *name;
	int least, most;
	void (*run)(int argc, char **argv);
	const char *usage;
};

static inline void __attribute__((noreturn, format(printf, 2, 3)))
quit(int status, const char *format, ...)
{
	va_list args;

	fputs("trigger: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static inline unsigned int number(const char *text)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > 1U << 22)
		quit(EXIT_USAGE, "not a number: '%s'", text);
	return value;
}

/* "ready PID", and what the mode adds. */
static inline void __attribute__((format(printf, 1, 2)))
ready(const char *format, ...)
{
	va_list args;

	printf("ready %d", getpid());
	if (format) {
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
	}
	putchar('\n');
	fflush(stdout);
}

static inline void __attribute__((noreturn)) idle(void)
{
	for (;;)
		pause();
}

static inline void sleep_ns(long ns)
{
	struct timespec delay = { ns / 1000000000L, ns % 1000000000L };

	while (nanosleep(&delay, &delay) && errno == EINTR)
		;
}

static inline int touch_pages(struct hoard *hoard, size_t total)
{
	for (; hoard->used < total; hoard->used += PAGE)
		((volatile char *)hoard->base)[hoard->used] = 1;
	return 0;
}

static inline struct hoard memory_hoard(int sharing)
{
	struct hoard hoard = { .grow = touch_pages, .fd = -1 };

	hoard.base = mmap(NULL, RESERVE, PROT_READ | PROT_WRITE,
			  sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hoard.base == MAP_FAILED)
		quit(1, "mmap: %s", strerror(errno));
	return hoard;
}

static inline void grow_to(struct hoard *hoard, size_t total)
{
	int err = hoard->grow(hoard, total);

	if (err)
		quit(1, "at %zu MiB: %s", hoard->used / MIB, strerror(-err));
}

static inline void __attribute__((noreturn))
usage(const struct mode *modes, int status)
{
	FILE *out = status ? stderr : stdout;

	fputs("usage: [-t SECONDS] [-a OOM_SCORE_ADJ] [-n COMM] MODE ...\n",
	      out);
	for (; modes->name; modes++)
		fprintf(out, "  %s %s\n", modes->name, modes->usage);
	fputs("COMM may hold any bytes as \\xNN. Exit 77: not possible here.\n",
	      out);
	exit(status);
}

static inline void set_score_adj(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		quit(errno == EACCES ? EXIT_CANNOT : 1,
		     "oom_score_adj %s: %s%s", text, strerror(errno),
		     errno == EACCES ? " (lowering needs CAP_SYS_RESOURCE)" : "");
	close(fd);
}

static inline void set_comm(const char *text)
{
	char comm[16] = "";
	unsigned int byte;
	size_t i;
	int used;

	for (i = 0; *text && i < sizeof(comm) - 1; i++) {
		used = 1;
		byte = (unsigned char)*text;
		if (*text == '\\')
			sscanf(text, "\\x%2x%n", &byte, &used);
		comm[i] = byte;
		text += used;
	}
	prctl(PR_SET_NAME, comm);
}

/* Runs the mode named on the command line, SIGALRM after -t seconds. */
static inline int trigger_main(const struct mode *modes, int argc, char **argv)
{
	const struct mode *mode = modes;
	unsigned int seconds = 60;
	int option;

	while ((option = getopt(argc, argv, "+t:a:n:h")) != -1) {
		if (option == 't')
			seconds = number(optarg);
		else if (option == 'a')
			set_score_adj(optarg);
		else if (option == 'n')
			set_comm(optarg);
		else
			usage(modes, option == 'h' ? 0 : EXIT_USAGE);
	}
	argc -= optind;
	argv += optind;
	while (argc && mode->name && strcmp(argv[0], mode->name))
		mode++;
	if (!argc || !mode->name || argc - 1 < mode->least ||
	    argc - 1 > mode->most)
		usage(modes, EXIT_USAGE);
	/* Huge pages would make the growth jump. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	alarm(seconds ? seconds : 1);
	mode->run(argc, argv);
	return 0;
}

#endif
