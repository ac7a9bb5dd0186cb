// SPDX-License-Identifier: BSD-2-Clause
/*
 * Some descriptors of every type that a tool tells apart, as many of each as
 * its place in the list below: "type NAME COUNT", then "ready PID".
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include "trigger.h"

static int open_file(void)
{
	return open("/proc/self/exe", O_RDONLY);
}

static int open_directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY);
}

static int open_device(void)
{
	return open("/dev/zero", O_RDONLY);
}

static int open_terminal(void)
{
	static int master = -1;
	int unlock = 0;
	char path[32];
	unsigned int number_of;

	if (master < 0) {
		master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
		if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) ||
		    ioctl(master, TIOCGPTN, &number_of))
			return -1;
		return master;
	}
	if (ioctl(master, TIOCGPTN, &number_of))
		return -1;
	snprintf(path, sizeof(path), "/dev/pts/%u", number_of);
	return open(path, O_RDWR | O_NOCTTY);
}

/* Both ends count: the numbers of the list are even there. */
static int open_pipe(void)
{
	static int ends[2] = { -1, -1 }, turn;

	if (!turn && pipe(ends))
		return -1;
	turn = !turn;
	return turn ? ends[0] : ends[1];
}

static int open_fifo(void)
{
	const char *place = getenv("TMPDIR");
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/typefd-%d", place ? place : "/tmp",
		 getpid());
	if (mkfifo(path, 0600))
		return -1;
	fd = open(path, O_RDWR);
	unlink(path);
	return fd;
}

static int open_tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int open_udp(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static int open_unix(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET, 0);
}

static int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int open_raw(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int open_eventfd(void)
{
	return eventfd(0, 0);
}

static int open_epoll(void)
{
	return epoll_create1(0);
}

static int open_timerfd(void)
{
	return timerfd_create(CLOCK_MONOTONIC, 0);
}

static int open_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	return signalfd(-1, &set, 0);
}

static int open_inotify(void)
{
	return inotify_init1(0);
}

static int open_fanotify(void)
{
	return fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
}

static int open_pidfd(void)
{
	return syscall(SYS_pidfd_open, getpid(), 0);
}

static int open_memfd(void)
{
	return memfd_create("typefd", 0);
}

static int open_ring(void)
{
	struct io_uring_params params = { 0 };

	return syscall(SYS_io_uring_setup, 1, &params);
}

static int open_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
				.value_size = 4, .max_entries = 1 };

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int open_perf(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_DUMMY };

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static int open_proc(void)
{
	return open("/proc/self/status", O_RDONLY);
}

static const struct {
	const char *type;
	int count;
	int (*call)(void);
} kinds[] = {
	{ "pipe", 8, open_pipe }, { "file", 5, open_file },
	{ "directory", 6, open_directory }, { "device", 7, open_device },
	{ "terminal", 3, open_terminal }, { "fifo", 4, open_fifo },
	{ "tcp", 9, open_tcp }, { "udp", 10, open_udp },
	{ "unix", 11, open_unix }, { "netlink", 12, open_netlink },
	{ "socket", 2, open_raw }, { "eventfd", 13, open_eventfd },
	{ "eventpoll", 14, open_epoll }, { "timerfd", 15, open_timerfd },
	{ "signalfd", 16, open_signalfd }, { "inotify", 17, open_inotify },
	{ "fanotify", 18, open_fanotify }, { "pidfd", 19, open_pidfd },
	{ "memfd", 20, open_memfd }, { "io_uring", 21, open_ring },
	{ "bpf", 22, open_bpf }, { "perf_event", 23, open_perf },
	{ "proc", 24, open_proc },
};

int main(int argc, char **argv)
{
	(void)argv;
	alarm(60);
	/* what was inherited would be counted, too */
	if (argc > 1)
		quit(EXIT_USAGE, "no arguments");
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int made = 0;

		while (made < kinds[i].count && kinds[i].call() >= 0)
			made++;
		if (made < kinds[i].count)
			printf("cannot %s %s\n", kinds[i].type, strerror(errno));
		printf("type %s %d\n", kinds[i].type, made);
	}
	/* ours: where the output goes, and what is said of that */
	ready(NULL);
	idle();
}
