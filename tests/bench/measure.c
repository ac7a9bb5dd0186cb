// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runs a command and prints what it costs, as one line of JSON:
 *
 *   measure -o /dev/null COMMAND...    its whole life
 *   measure -a WORD COMMAND...         until WORD is read from it: it is armed then
 *     -s SECONDS                       its memory so long after
 *     -h SECONDS                       and what it does in that time after that
 *     -o FILE                          keeps its output
 *     -t                               on a terminal, for those that hold back what they write into a pipe
 *
 *   {"wall_ns":41250310,"cpu_ns":38120911,"rss_kib":3804,"peak_kib":13900,"total_ns":39101000, ...}
 *
 * wall_ns and cpu_ns count from exec, total_ns (of wait4) from fork to the end, which is SIGINT's where it
 * does not end by itself. cpu_ns is the clock of the process, all its threads together. Exit status: 0, 1
 * when the command failed or ended before it was armed, 2 usage.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND	 1000000000ULL
#define PATIENCE (10 * SECOND)

/* read in the child just before exec */
struct origin {
	uint64_t wall_ns, cpu_ns;
};

struct stream {
	int fd; /* -1 once at its end */
	char line[4096];
	size_t length;
};

struct measure {
	const char *word, *output;
	double settle_s, hold_s;
	bool terminal;
	int output_fd;
	pid_t pid;
	clockid_t clock;
	struct origin *origin;
	struct stream streams[2]; /* stdout, stderr */
	bool armed;
	uint64_t armed_wall_ns, armed_cpu_ns, lines;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now = {};

	clock_gettime(clock, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static void __attribute__((noreturn)) quit(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the command ------------------------------------------------------ */

/* a terminal where output would be held back otherwise */
static void open_stream(bool terminal, int *ret_read, int *ret_write)
{
	int ends[2];

	if (!terminal) {
		if (pipe2(ends, O_CLOEXEC))
			quit("pipe");
		*ret_read = ends[0];
		*ret_write = ends[1];
		return;
	}
	*ret_read = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_read < 0 || grantpt(*ret_read) || unlockpt(*ret_read))
		quit("terminal");
	*ret_write = open(ptsname(*ret_read), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_write < 0)
		quit("terminal");
}

static void __attribute__((noreturn)) become(struct measure *m, char **command, const int *ends)
{
	/* whatever ends this must not leave the command behind */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* the background of a shell ignores it */
	signal(SIGINT, SIG_DFL);
	if (m->word && (dup2(ends[0], STDOUT_FILENO) < 0 || dup2(ends[1], STDERR_FILENO) < 0))
		quit("dup2");
	if (!m->word && m->output && dup2(m->output_fd, STDOUT_FILENO) < 0)
		quit("dup2");
	m->origin->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	m->origin->wall_ns = clock_ns(CLOCK_MONOTONIC);
	execvp(command[0], command);
	quit(command[0]);
}

static void start(struct measure *m, char **command)
{
	int ends[2] = {-1, -1};

	m->origin = mmap(NULL, sizeof(*m->origin), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m->origin == MAP_FAILED)
		quit("mmap");
	for (int i = 0; i < 2; i++) {
		m->streams[i].fd = -1;
		if (m->word)
			open_stream(m->terminal && i == 0, &m->streams[i].fd, &ends[i]);
	}
	m->pid = fork();
	if (m->pid < 0)
		quit("fork");
	if (!m->pid)
		become(m, command, ends);
	for (int i = 0; m->word && i < 2; i++)
		close(ends[i]);
	if (clock_getcpuclockid(m->pid, &m->clock))
		quit("clock_getcpuclockid");
}

/* ---- its output ------------------------------------------------------- */

static void take_line(struct measure *m, struct stream *stream)
{
	stream->line[stream->length] = 0;
	if (!m->armed && strstr(stream->line, m->word)) {
		m->armed = true;
		m->armed_wall_ns = clock_ns(CLOCK_MONOTONIC) - m->origin->wall_ns;
		m->armed_cpu_ns = clock_ns(m->clock) - m->origin->cpu_ns;
	} else if (m->armed) {
		m->lines++;
	}
	stream->length = 0;
}

/* the word may stand in a line without an end: strace writes its first so */
static void take(struct measure *m, struct stream *stream)
{
	char data[65536];
	ssize_t n = read(stream->fd, data, sizeof(data));

	if (n <= 0) {
		/* a terminal says EIO at its end */
		close(stream->fd);
		stream->fd = -1;
		return;
	}
	if (m->output_fd >= 0 && write(m->output_fd, data, n) != n)
		quit(m->output);
	for (ssize_t i = 0; i < n; i++) {
		if (data[i] == '\n')
			take_line(m, stream);
		else if (stream->length < sizeof(stream->line) - 1)
			stream->line[stream->length++] = data[i];
	}
	stream->line[stream->length] = 0;
	if (!m->armed && strstr(stream->line, m->word))
		take_line(m, stream);
}

/* reads until "end", or armed when that is waited for, or nothing more can come */
static void follow(struct measure *m, uint64_t end, bool until_armed)
{
	while (!(until_armed && m->armed)) {
		struct pollfd fds[2] = {{m->streams[0].fd, POLLIN, 0}, {m->streams[1].fd, POLLIN, 0}};
		uint64_t now = clock_ns(CLOCK_MONOTONIC);
		struct timespec left;

		if (now >= end || (fds[0].fd < 0 && fds[1].fd < 0))
			return;
		left = (struct timespec){(end - now) / SECOND, (end - now) % SECOND};
		if (ppoll(fds, 2, &left, NULL) < 0 && errno != EINTR)
			quit("poll");
		for (int i = 0; i < 2; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				take(m, &m->streams[i]);
	}
}

/* ---- what it uses ----------------------------------------------------- */

/* the number after NAME in a file of "Name:  number" lines, 0 when there is none */
static uint64_t status_value(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	uint64_t value = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static uint64_t process_value(const struct measure *m, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", m->pid);
	return status_value(path, name);
}

/* how often its threads were put on a CPU; ret_threads counts them */
static uint64_t switches(const struct measure *m, unsigned int *ret_threads)
{
	char path[320];
	uint64_t sum = 0;
	struct dirent *entry;
	DIR *threads;

	*ret_threads = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", m->pid);
	threads = opendir(path);
	while (threads && (entry = readdir(threads))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", m->pid, entry->d_name);
		sum += status_value(path, "voluntary_ctxt_switches:");
		sum += status_value(path, "nonvoluntary_ctxt_switches:");
		++*ret_threads;
	}
	if (threads)
		closedir(threads);
	return sum;
}

static void wait_for(struct measure *m, double seconds)
{
	follow(m, clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * SECOND), false);
}

static void print_memory(const struct measure *m)
{
	printf("\"rss_kib\":%llu,\"anon_kib\":%llu,", (unsigned long long)process_value(m, "VmRSS:"),
	       (unsigned long long)process_value(m, "RssAnon:"));
}

static void print_doings(struct measure *m)
{
	uint64_t begin = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(m->clock), lines = m->lines, before, after;
	unsigned int threads;

	before = switches(m, &threads);
	wait_for(m, m->hold_s);
	after = switches(m, &threads);
	printf("\"hold_ns\":%llu,\"hold_cpu_ns\":%llu,\"switches\":%llu,\"hold_lines\":%llu,\"threads\":%u,",
	       (unsigned long long)(clock_ns(CLOCK_MONOTONIC) - begin),
	       (unsigned long long)(clock_ns(m->clock) - cpu), (unsigned long long)(after - before),
	       (unsigned long long)(m->lines - lines), threads);
}

/* ---- its end ---------------------------------------------------------- */

/* SIGINT, because all of the tools compared take it to print their totals */
static int stop(struct measure *m, struct rusage *ret_usage)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGKILL};
	int status;

	for (int i = 0; i < 3; i++) {
		uint64_t end = clock_ns(CLOCK_MONOTONIC) + PATIENCE / 4;

		kill(m->pid, signals[i]);
		while (clock_ns(CLOCK_MONOTONIC) < end) {
			follow(m, clock_ns(CLOCK_MONOTONIC) + SECOND / 200, false);
			if (wait4(m->pid, &status, WNOHANG, ret_usage) == m->pid)
				return status;
			usleep(1000);
		}
	}
	quit("it cannot be killed");
}

static uint64_t time_ns(const struct timeval *time)
{
	return time->tv_sec * SECOND + time->tv_usec * 1000ULL;
}

static void print_usage(const struct rusage *usage)
{
	printf("\"total_ns\":%llu,\"user_ns\":%llu,\"system_ns\":%llu}\n",
	       (unsigned long long)(time_ns(&usage->ru_utime) + time_ns(&usage->ru_stime)),
	       (unsigned long long)time_ns(&usage->ru_utime), (unsigned long long)time_ns(&usage->ru_stime));
}

static int run_whole(struct measure *m)
{
	struct rusage usage;
	int status;

	if (wait4(m->pid, &status, 0, &usage) != m->pid)
		quit("wait4");
	printf("{\"wall_ns\":%llu,", (unsigned long long)(clock_ns(CLOCK_MONOTONIC) - m->origin->wall_ns));
	printf("\"cpu_ns\":%llu,", (unsigned long long)(time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime)));
	print_usage(&usage);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

static int run_armed(struct measure *m)
{
	struct rusage usage;

	follow(m, clock_ns(CLOCK_MONOTONIC) + PATIENCE, true);
	if (!m->armed) {
		stop(m, &usage);
		fprintf(stderr, "measure: it ended, or nothing came, before '%s'\n", m->word);
		return 1;
	}
	printf("{\"wall_ns\":%llu,\"cpu_ns\":%llu,", (unsigned long long)m->armed_wall_ns,
	       (unsigned long long)m->armed_cpu_ns);
	if (m->settle_s > 0) {
		wait_for(m, m->settle_s);
		print_memory(m);
	}
	if (m->hold_s > 0)
		print_doings(m);
	printf("\"peak_kib\":%llu,", (unsigned long long)process_value(m, "VmHWM:"));
	stop(m, &usage);
	print_usage(&usage);
	return 0;
}

int main(int argc, char **argv)
{
	struct measure m = {.output_fd = -1};
	int option;

	while ((option = getopt(argc, argv, "+a:h:o:s:t")) != -1) {
		switch (option) {
		case 'a':
			m.word = optarg;
			break;
		case 'h':
			m.hold_s = strtod(optarg, NULL);
			break;
		case 'o':
			m.output = optarg;
			break;
		case 's':
			m.settle_s = strtod(optarg, NULL);
			break;
		case 't':
			m.terminal = true;
			break;
		default:
			return 2;
		}
	}
	if (optind == argc)
		return 2;
	if (m.output) {
		m.output_fd = open(m.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (m.output_fd < 0)
			quit(m.output);
	}
	start(&m, argv + optind);
	return m.word ? run_armed(&m) : run_whole(&m);
}
