// SPDX-License-Identifier: BSD-2-Clause
/*
 * Uses up a limit on descriptors, then asks for more, by one of many roads:
 * says "ready PID" when nothing is left, and then exactly how many calls
 * failed, of which name, with what. Ends by itself (-t).
 */
#include <pthread.h>
#include "roads_more.h"

struct worker {
	pthread_t thread;
	int tid;
	unsigned long failed;
	unsigned long cpu_ms;
};

static struct {
	const struct road *road;
	unsigned int count, soft, hard, threads, loop, rest, hold;
	int then_exit, forks, waits, hole;
	const char *fill;
} options = { .count = 1, .soft = 64, .hard = 128, .threads = 1, .fill = "null" };

static const struct road roads[] = {
#ifdef SYS_open
	{ "open", "open", EMFILE, "rlimit_soft", road_open, NULL, NULL },
	{ "creat", "creat", EMFILE, "rlimit_soft", road_creat, NULL, NULL },
	{ "dup2", "dup2", EBADF, "rlimit_soft", road_dup2, NULL, fill_none },
	{ "pipe", "pipe", EMFILE, "rlimit_soft", road_pipe, NULL, NULL },
	{ "eventfd", "eventfd", EMFILE, "rlimit_soft", road_eventfd, NULL, NULL },
	{ "epoll_create", "epoll_create", EMFILE, "rlimit_soft", road_epoll_create, NULL, NULL },
	{ "signalfd", "signalfd", EMFILE, "rlimit_soft", road_signalfd, NULL, NULL },
	{ "inotify_init", "inotify_init", EMFILE, "rlimit_soft", road_inotify_init, NULL, NULL },
#endif
	{ "openat", "openat", EMFILE, "rlimit_soft", road_openat, NULL, NULL },
	{ "openat2", "openat2", EMFILE, "rlimit_soft", road_openat2, NULL, NULL },
	{ "socket", "socket", EMFILE, "rlimit_soft", road_socket, NULL, NULL },
	{ "socketpair", "socketpair", EMFILE, "rlimit_soft", road_socketpair, NULL, NULL },
	{ "accept", "accept", EMFILE, "rlimit_soft", road_accept, listen_tcp, NULL },
	{ "accept4", "accept4", EMFILE, "rlimit_soft", road_accept4, listen_tcp, NULL },
	{ "dup", "dup", EMFILE, "rlimit_soft", road_dup, NULL, NULL },
	{ "dup3", "dup3", EBADF, "rlimit_soft", road_dup3, NULL, fill_none },
	{ "dupfd", "fcntl", EMFILE, "rlimit_soft", road_dupfd, NULL, NULL },
	{ "dupfd-cloexec", "fcntl", EMFILE, "rlimit_soft", road_dupfd_cloexec, NULL, NULL },
	{ "dupfd-high", "fcntl", EMFILE, "rlimit_soft", road_dupfd_high, NULL, fill_high },
	{ "pipe2", "pipe2", EMFILE, "rlimit_soft", road_pipe2, NULL, NULL },
	{ "eventfd2", "eventfd2", EMFILE, "rlimit_soft", road_eventfd2, NULL, NULL },
	{ "epoll_create1", "epoll_create1", EMFILE, "rlimit_soft", road_epoll_create1, NULL, NULL },
	{ "timerfd", "timerfd_create", EMFILE, "rlimit_soft", road_timerfd, NULL, NULL },
	{ "signalfd4", "signalfd4", EMFILE, "rlimit_soft", road_signalfd4, NULL, NULL },
	{ "inotify_init1", "inotify_init1", EMFILE, "rlimit_soft", road_inotify_init1, NULL, NULL },
	{ "memfd", "memfd_create", EMFILE, "rlimit_soft", road_memfd, NULL, NULL },
	{ "pidfd_open", "pidfd_open", EMFILE, "rlimit_soft", road_pidfd_open, NULL, NULL },
	{ "pidfd_getfd", "pidfd_getfd", EMFILE, "rlimit_soft", road_pidfd_getfd, open_self, NULL },
	{ "bpf", "bpf", EMFILE, "rlimit_soft", road_bpf, NULL, NULL },
	{ "clone3", "clone3", EMFILE, "rlimit_soft", road_clone3, NULL, NULL },
	{ "scm", "recvmsg", EMFILE, "rlimit_soft", road_scm, open_ends, NULL },
	{ "scm-many", "recvmmsg", EMFILE, "rlimit_soft", road_scm_many, open_many, NULL },
	{ "scm-last", "recvmmsg", EMFILE, "rlimit_soft", road_scm_last, open_ends, NULL },
	{ "io_uring", "io_uring", EMFILE, "rlimit_soft", road_io_uring, open_ring, NULL },
	{ "io_uring-async", "io_uring", EMFILE, "rlimit_soft", road_io_uring_async, open_ring, NULL },
	{ "io_uring_setup", "io_uring_setup", EMFILE, "rlimit_soft", road_io_uring_setup, NULL, NULL },
	{ "userfaultfd", "userfaultfd", EMFILE, "rlimit_soft", road_userfaultfd, NULL, NULL },
	{ "perf_event", "perf_event_open", EMFILE, "rlimit_soft", road_perf_event, NULL, NULL },
	{ "fanotify", "fanotify_init", EMFILE, "rlimit_soft", road_fanotify, NULL, NULL },
	{ "mq_open", "mq_open", EMFILE, "rlimit_soft", road_mq_open, NULL, NULL },
	{ "open_tree", "open_tree", EMFILE, "rlimit_soft", road_open_tree, NULL, NULL },
	{ "fsopen", "fsopen", EMFILE, "rlimit_soft", road_fsopen, NULL, NULL },
	{ "landlock", "landlock_create_ruleset", EMFILE, "rlimit_soft", road_landlock, NULL, NULL },
	{ "ioctl", "ioctl", EMFILE, "rlimit_soft", road_ioctl, open_space, NULL },
#ifdef __x86_64__
	{ "compat", "dup", EMFILE, "rlimit_soft", road_compat, try_compat, NULL },
#endif
	{ "all", "openat", EMFILE, "rlimit_soft", road_all, NULL, NULL },
	{ "inotify-instances", "inotify_init1", EMFILE, "inotify_instances", road_inotify_init1, NULL, fill_instances },
	{ "inotify-instances-ns", "inotify_init1", EMFILE, "inotify_instances", road_inotify_init1, NULL,
	  fill_instances_ns },
	{ "inotify-watches-ns", "inotify_add_watch", ENOSPC, "inotify_watches", road_watch, NULL, fill_watches_ns },
	{ "inotify-watches-host", "inotify_add_watch", ENOSPC, "inotify_watches", road_watch, NULL, fill_watches_host },
	{ "fanotify-groups", "fanotify_init", EMFILE, "fanotify_groups", road_fanotify, NULL, fill_groups },
	{ "mq-bytes", "mq_open", EMFILE, "rlimit_msgqueue", road_queue, NULL, fill_queues },
	{ "pipe-pages", "pipe2", ENFILE, "pipe_user_pages", road_pipe2, NULL, fill_pipes },
	{ "file-max", "openat", ENFILE, "file_max", road_openat, NULL, fill_files },
	{ "nr-open", "dup", EMFILE, "nr_open", road_dup, NULL, fill_numbers },
	{ "fine-badfd", "dup3", EBADF, "none", fine_badfd, NULL, fill_none },
	{ "fine-minus", "dup3", EBADF, "none", fine_minus, NULL, fill_none },
	{ "fine-close", "close", EBADF, "none", fine_close, NULL, NULL },
	{ "fine-missing", "openat", ENOENT, "none", fine_missing, NULL, fill_none },
	{ "fine-scm", "recvmsg", 0, "none", fine_scm_small, open_ends, fill_none },
	{ "fine-watch", "inotify_add_watch", ENOENT, "none", fine_watch, open_inotify, fill_none },
	{ "fine-full", "write", ENOSPC, "none", fine_full, open_full, NULL },
	{ 0 },
};

static const char *error_name(int error)
{
	switch (error) {
	case EMFILE: return "EMFILE";
	case ENFILE: return "ENFILE";
	case EBADF: return "EBADF";
	case ENOSPC: return "ENOSPC";
	case ENOENT: return "ENOENT";
	}
	return error ? strerror(error) : "none";
}

static unsigned int open_now(void)
{
	unsigned int open = 0;

	for (int fd = 0; fd < 10000; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

/* A connection that the other end has closed, and we have not. */
static int connect_and_lose(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), other;

	if (fd < 0)
		return -errno;
	if (getsockname(has.listener, (void *)&address, &length) ||
	    connect(fd, (void *)&address, length))
		quit(1, "connect: %s", strerror(errno));
	while ((other = accept(has.listener, NULL, NULL)) < 0 && errno == EAGAIN)
		sleep_ns(1000000);
	close(other);
	return fd;
}

static int next_file(void)
{
	return answer(open("/proc/self/exe", O_RDONLY));
}

static unsigned int free_numbers(void)
{
	unsigned int free = 0;

	for (unsigned int fd = 0; fd < options.soft; fd++)
		free += fcntl(fd, F_GETFD) < 0;
	return free;
}

/* Kinds that are as frequent as each other. */
static int next_mixed(void)
{
	static int (*const kinds[])(void) = {
		road_eventfd2, road_memfd, road_epoll_create1, road_timerfd,
		road_socket, road_inotify_init1, road_signalfd4, next_file,
	};
	static unsigned int made;

	return kinds[made++ % 8]();
}

/* With what the table is filled, the last few with /dev/null. */
static void fill_table(void)
{
	static const struct {
		const char *name;
		int (*next)(void);
	} fillings[] = {
		{ "null", road_dup }, { "eventfd", road_eventfd2 },
		{ "pipe", road_pipe2 }, { "file", next_file },
		{ "memfd", road_memfd }, { "epoll", road_epoll_create1 },
		{ "close-wait", connect_and_lose },
		{ "mixed", next_mixed }, { 0 },
	};
	unsigned int i = 0, left;

	while (fillings[i].name && strcmp(fillings[i].name, options.fill))
		i++;
	if (!fillings[i].name)
		quit(EXIT_USAGE, "fill with '%s'?", options.fill);
	if (fillings[i].next == connect_and_lose && !has.listener)
		listen_tcp();
	/* two at a time or one; the other end of a connection needs one for a moment */
	while ((left = free_numbers()) > 10)
		for (left = (left - 9) / 2; left; left--)
			need(fillings[i].next(), options.fill);
	/* not until a call fails, which would be one too many */
	for (left = free_numbers(); left; left--)
		need(road_dup(), "dup");
}

static void __attribute__((noinline)) fail_again(struct worker *worker)
{
	int result = options.road->call();

	if (result != -options.road->error)
		quit(result == -ENOSYS || result == -EPERM ||
		     result == -EOPNOTSUPP ? EXIT_CANNOT : 1, "%s: %s, and not %s", options.road->name,
		     result < 0 ? strerror(-result) : "success",
		     error_name(options.road->error));
	worker->failed += has.weight ? has.weight : 1;
	if (options.then_exit)
		_exit(0);
	if (options.rest)
		sleep_ns(options.rest * 1000000L);
}

static unsigned long now_ms(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000UL + time.tv_nsec / 1000000;
}

static void *__attribute__((noinline)) work(void *argument)
{
	struct worker *worker = argument;
	unsigned long end = now_ms(CLOCK_MONOTONIC) + options.loop * 1000UL;
	unsigned int i = 0;

	worker->tid = syscall(SYS_gettid);
	do
		fail_again(worker);
	while (options.loop ? now_ms(CLOCK_MONOTONIC) < end
			    : ++i < options.count);
	worker->cpu_ms = now_ms(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

/* COUNT calls in each thread; the first is the one that we are. */
static void fail_all(void)
{
	struct worker workers[64] = { 0 };
	unsigned long failed = has.failed, start = now_ms(CLOCK_MONOTONIC);

	for (unsigned int i = 1; i < options.threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, workers + i))
			quit(1, "pthread_create");
	work(workers);
	for (unsigned int i = 1; i < options.threads; i++)
		pthread_join(workers[i].thread, NULL);
	printf("wall_ms %lu\n", now_ms(CLOCK_MONOTONIC) - start);
	for (unsigned int i = 0; i < options.threads; i++) {
		failed += workers[i].failed;
		printf("thread %d failed %lu cpu_ms %lu\n", workers[i].tid,
		       workers[i].failed, workers[i].cpu_ms);
	}
	printf("failed %lu\n", failed);
}

static void describe(void)
{
	printf("road %s\nsyscall %s\nerrno %s\nlimit_kind %s\n",
	       options.road->name, options.road->syscall,
	       error_name(options.road->error), options.road->limit);
	printf("pid %d\nsoft %u\nhard %u\nopen %u\n", getpid(), options.soft,
	       options.hard, open_now());
	if (options.then_exit)
		printf("failed 1\n");
	fflush(stdout);
}

/* A number that is free and then taken by dup2: the kernel's note of the lowest
 * free one does not know of that. */
static void fill_hole(void)
{
	int fd = has.null + 10;

	if (close(fd) || dup2(has.null, fd) != fd)
		quit(1, "dup2 to %d: %s", fd, strerror(errno));
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "soft", 1, 0, 's' }, { "hard", 1, 0, 'H' },
		{ "threads", 1, 0, 'T' }, { "loop", 1, 0, 'l' },
		{ "rest", 1, 0, 'r' }, { "hold", 1, 0, 'w' },
		{ "fill", 1, 0, 'f' }, { "comm", 1, 0, 'n' },
		{ "then-exit", 0, 0, 'e' }, { "fork", 0, 0, 'F' },
		{ "wait", 0, 0, 'W' }, { "hole", 0, 0, 'o' }, { "time", 1, 0, 't' }, { 0 },
	};
	int option;

	alarm(60);
	while ((option = getopt_long(argc, argv, "t:n:", known, NULL)) != -1) {
		switch (option) {
		case 's': options.soft = number(optarg); break;
		case 'H': options.hard = number(optarg); break;
		case 'T': options.threads = number(optarg); break;
		case 'l': options.loop = number(optarg); break;
		case 'r': options.rest = number(optarg); break;
		case 'w': options.hold = number(optarg); break;
		case 'f': options.fill = optarg; break;
		case 'n': set_comm(optarg); break;
		case 'e': options.then_exit = 1; break;
		case 'F': options.forks = 1; break;
		case 'W': options.waits = 1; break;
		case 'o': options.hole = 1; break;
		case 't': alarm(number(optarg)); break;
		default: quit(EXIT_USAGE, "see exhaust.c");
		}
	}
	if (optind < argc)
		for (options.road = roads; options.road->name; options.road++)
			if (!strcmp(options.road->name, argv[optind]))
				break;
	if (!options.road || !options.road->name)
		quit(EXIT_USAGE, "exhaust ROAD [COUNT] [OPTION...]");
	if (optind + 1 < argc)
		options.count = number(argv[optind + 1]);
	if (!options.threads || options.threads > 64 || !options.count)
		quit(EXIT_USAGE, "1 to 64 threads, and a call at least");
}

static void set_limits(void)
{
	struct rlimit limit = { options.soft, options.hard };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		quit(EXIT_CANNOT, "RLIMIT_NOFILE: %s", strerror(errno));
	has.soft = options.soft;
	has.null = open("/dev/null", O_RDONLY);
	need(has.null, "/dev/null");
}

int main(int argc, char **argv)
{
	int child = 0, taken;
	sigset_t set;

	read_options(argc, argv);
	set_limits();
	if (options.road->prepare)
		options.road->prepare();
	(options.road->fill ? options.road->fill : fill_table)();
	if (options.hole)
		fill_hole();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (options.forks && (child = fork())) {
		waitpid(child, NULL, 0);
		return 0;
	}
	describe();
	ready(NULL);
	if (options.waits)
		sigwait(&set, &taken);
	fail_all();
	printf("done\n");
	fflush(stdout);
	sleep_ns(options.hold * 1000000000L);
	return 0;
}
