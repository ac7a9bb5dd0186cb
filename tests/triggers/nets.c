// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many network namespaces, in each of which the same happens: a connection
 * from 127.0.0.1 whose data is lost, and a listener whose queue is full. Says
 * of each what its kernel counted, by its inode number; then none is left.
 */
#include <sched.h>
#include <sys/resource.h>
#include "retransmit_flow.h"

#define NETS_MAX 1000
#define REFUSED	 2

static struct {
	int space, full;
	struct pair pair;
} nets[NETS_MAX];

static void refuse(int listener)
{
	struct place there = bound_to(listener);

	for (int i = 0; i < REFUSED; i++)
		abort_flow(connect_begin(there));
}

static void net_start(int i)
{
	net_new();
	nets[i].space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (nets[i].space < 0)
		quit(EXIT_CANNOT, "namespace %d: %s", i, strerror(errno));
	nets[i].full = listen_at(loopback(V4, 0), 0);
	connect_to(bound_to(nets[i].full));
	refuse(nets[i].full);
	nets[i].pair = pair_new(V4, 0);
	drop_all(nets[i].pair.server);
	send_bytes(nets[i].pair.client, 500);
}

static void net_end(int i)
{
	unsigned long long cookie;
	socklen_t length = sizeof(cookie);

	if (setns(nets[i].space, CLONE_NEWNET))
		quit(1, "setns: %s", strerror(errno));
	abort_flow(nets[i].pair.client);
	abort_flow(nets[i].pair.server);
	printf("nets.%lu.retransmitted %lu\n", net_inode(), retransmitted());
	if (!getsockopt(nets[i].full, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length))
		printf("nets.%lu.cookie %llu\n", net_inode(), cookie);
	printf("nets.%lu.overflows %lu\n", net_inode(), counter("ListenOverflows"));
}

/* nets COUNT MS: that long after the last has begun they end. */
static void run_nets(int argc, char **argv)
{
	unsigned int count = number(argv[1]);
	struct rlimit files;

	(void)argc;
	if (!count || count > NETS_MAX)
		quit(EXIT_USAGE, "1 to %d namespaces", NETS_MAX);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (unsigned int i = 0; i < count; i++)
		net_start(i);
	sleep_ms(number(argv[2]));
	for (unsigned int i = 0; i < count; i++)
		net_end(i);
	printf("pid %d\ndone\n", getpid());
}

static const struct mode modes[] = {{"nets", 2, 2, run_nets, "COUNT MS"}, {0}};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
