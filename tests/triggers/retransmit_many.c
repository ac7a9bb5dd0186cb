// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many connections that send again, in a network namespace of its own, where
 * the kernel counts every segment. Says the facts as retransmit.c does.
 */
#include "retransmit_far.h"

#define FLOWS_MAX 1000

static struct pair flows[FLOWS_MAX];
static unsigned int flow_count;

static unsigned int count_of(const char *text)
{
	unsigned int count = number(text);

	if (!count || count > FLOWS_MAX)
		quit(EXIT_USAGE, "1 to %d connections", FLOWS_MAX);
	return count;
}

static void flow_add(int listener, const char *address)
{
	struct pair *pair = &flows[flow_count++];
	struct place there =
		address ? place_at(address, ntohs(bound_to(listener).v4.sin_port)) : bound_to(listener);

	pair->client = connect_to(there);
	pair->server = accept_one(listener);
}

/* Reads what arrived; a blocked sender does not wait for us. */
static void drain(int fd)
{
	static char data[1 << 16];

	while (recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
}

static void end_all(void)
{
	for (unsigned int i = 0; i < flow_count; i++) {
		abort_flow(flows[i].client);
		abort_flow(flows[i].server);
	}
}

static int many_new(const char *count_text)
{
	unsigned int count = count_of(count_text);
	int listener;

	net_new();
	listener = listen_at(loopback(V4, 0), 1000);
	while (flow_count < count)
		flow_add(listener, NULL);
	return listener;
}

/* Both sides of each write and read every so many ms. */
static void talk(unsigned int ms, unsigned int every_ms)
{
	static char data[700];

	for (unsigned int passed = 0; passed < ms; passed += every_ms) {
		for (unsigned int i = 0; i < flow_count; i++) {
			drain(flows[i].client);
			drain(flows[i].server);
			send(flows[i].client, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
			send(flows[i].server, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		sleep_ms(every_ms);
	}
}

/* storm FLOWS MS LOSS: of 1000 segments each way LOSS are lost, and every 50 ms each side writes. */
static void run_storm(int argc, char **argv)
{
	unsigned int loss = number(argv[3]);
	int listener = many_new(argv[1]);

	(void)argc;
	for (unsigned int i = 0; i < flow_count; i++) {
		drop_some(flows[i].client, loss);
		drop_some(flows[i].server, loss);
	}
	talk(number(argv[2]), 50);
	end_all();
	close(listener);
	done();
}

/* netem FLOWS MS LOSS: the same by netem, and every 500 ms. */
static void run_netem(int argc, char **argv)
{
	int listener = many_new(argv[1]);

	(void)argc;
	queue_lossy("lo", number(argv[3]));
	talk(number(argv[2]), 500);
	end_all();
	close(listener);
	done();
}

/* bulk FLOWS MS LOSS: as fast as they can, many segments in one packet. */
static void run_bulk(int argc, char **argv)
{
	static char data[1 << 16];
	unsigned int ms = number(argv[2]), loss = number(argv[3]);
	struct timespec start, now;
	int listener;

	(void)argc;
	net_new();
	link_mtu("lo", 1500);
	listener = listen_at(loopback(V4, 0), 1000);
	for (unsigned int i = 0, count = count_of(argv[1]); i < count; i++) {
		flow_add(listener, NULL);
		drop_some(flows[i].server, loss);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (unsigned int i = 0; i < flow_count; i++) {
			send(flows[i].client, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
			drain(flows[i].server);
		}
		sleep_ns(1000000L);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
	end_all();
	close(listener);
	done();
}

/* churn FLOWS MS: short connections one after the other, each with one loss. */
static void run_churn(int argc, char **argv)
{
	unsigned int ms = number(argv[2]), rounds = 0;
	int listener;

	(void)argc;
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	listener = listen_at(loopback(V4, 0), 1000);
	for (unsigned int passed = 0; passed < ms; passed += 250, rounds++) {
		for (unsigned int i = 0, count = count_of(argv[1]); i < count; i++) {
			flow_add(listener, NULL);
			drop_all(flows[i].server);
			send_bytes(flows[i].client, 500);
		}
		sleep_ns(250000000L);
		end_all();
		flow_count = 0;
	}
	printf("rounds %u\n", rounds);
	close(listener);
	done();
}

/* The lossy ones are those of one /24. */
static void subnet_accepted(int fd)
{
	struct place here = bound_to(fd);

	if ((ntohl(here.v4.sin_addr.s_addr) & 0xffffff00) == 0x0a000300)
		drop_over(fd, 0);
}

/*
 * subnet MS: four connections with each of three peers of 10.0.3.0/24, where
 * data is lost, and one with each of 40 others, where it is not.
 */
static void run_subnet(int argc, char **argv)
{
	char address[32];
	struct far far;
	int port;

	(void)argc;
	net_new();
	far = far_start("0.0.0.0", subnet_accepted);
	port = far.port;
	route_add("near", "10.0.0.0", 8);
	for (int i = 0; i < 12; i++) {
		snprintf(address, sizeof(address), "10.0.3.%d", 10 + i / 4);
		flows[flow_count++].client = connect_to(place_at(address, port));
	}
	for (int i = 0; i < 40; i++) {
		snprintf(address, sizeof(address), "10.0.%d.%d", 20 + i % 8, 10 + i / 8);
		flows[flow_count++].client = connect_to(place_at(address, port));
	}
	/* until the other end has accepted all of them, and loses what it should */
	sleep_ms(500);
	for (unsigned int i = 0; i < flow_count; i++)
		send_bytes(flows[i].client, 500);
	sleep_ns(number(argv[1]) * 1000000L);
	for (unsigned int i = 0; i < flow_count; i++)
		abort_flow(flows[i].client);
	said_far(&far);
	done();
}

static const struct mode modes[] = {{"storm", 3, 3, run_storm, "FLOWS MS LOSS"},
				    {"netem", 3, 3, run_netem, "FLOWS MS LOSS"},
				    {"bulk", 3, 3, run_bulk, "FLOWS MS LOSS"},
				    {"churn", 2, 2, run_churn, "FLOWS MS"},
				    {"subnet", 1, 1, run_subnet, "MS"},
				    {0}};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
