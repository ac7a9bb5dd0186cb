// SPDX-License-Identifier: BSD-2-Clause
/*
 * Makes TCP send again, for one known reason each, in a network namespace of
 * its own. Says what it did and what the kernel counted as lines "NAME VALUE",
 * then "done", and stays until it is killed. After "done" nothing is sent.
 */
#include "retransmit_flow.h"

/* Small enough to be one segment also where the MTU is 1500. */
#define CHUNK 1000

static void __attribute__((noreturn)) end(struct pair *pair)
{
	said_info("client", pair->client);
	abort_flow(pair->client);
	abort_flow(pair->server);
	done();
}

static struct pair pair_said(const char *family, const char *port)
{
	struct pair pair = pair_new(family_of(family), port ? number(port) : 0);

	said_flow("client", pair.client);
	said_flow("server", pair.server);
	return pair;
}

/* rto FAMILY MS [PORT]: all that the client sends is lost. */
static void run_rto(int argc, char **argv)
{
	struct pair pair;

	net_new();
	sysctl_set("tcp_early_retrans", "0");
	pair = pair_said(argv[1], argc > 3 ? argv[3] : NULL);
	drop_all(pair.server);
	send_bytes(pair.client, CHUNK);
	sleep_ms(number(argv[2]));
	end(&pair);
}

/* fast FAMILY TIMES: one segment is lost, those after it arrive. */
static void run_fast(int argc, char **argv)
{
	unsigned int times = number(argv[2]);
	struct pair pair;

	(void)argc;
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	pair = pair_said(argv[1], NULL);
	while (times--) {
		drop_all(pair.server);
		send_bytes(pair.client, CHUNK);
		drop_none(pair.server);
		for (int i = 0; i < 5; i++)
			send_bytes(pair.client, CHUNK);
		sleep_ms(400);
	}
	end(&pair);
}

/* tlp FAMILY TIMES [PORT]: the last segment is lost. */
static void run_tlp(int argc, char **argv)
{
	unsigned int times = number(argv[2]);
	struct pair pair;

	net_new();
	pair = pair_said(argv[1], argc > 3 ? argv[3] : NULL);
	while (times--) {
		for (int i = 0; i < 3; i++)
			send_bytes(pair.client, CHUNK);
		sleep_ms(20);
		drop_all(pair.server);
		send_bytes(pair.client, CHUNK);
		drop_none(pair.server);
		sleep_ms(600);
	}
	end(&pair);
}

/* syn FAMILY MS: nobody answers. */
static void run_syn(int argc, char **argv)
{
	struct place there, here;
	int listener, client;

	(void)argc;
	net_new();
	listener = listen_at(loopback(family_of(argv[1]), 0), 16);
	drop_all(listener);
	there = bound_to(listener);
	client = connect_begin(there);
	here = bound_to(client);
	said_places("client", &here, &there);
	said_owner("client", 0);
	sleep_ms(number(argv[2]));
	said_info("client", client);
	abort_flow(client);
	done();
}

/* synack FAMILY MS: the client's ACK is lost. */
static void run_synack(int argc, char **argv)
{
	struct place there, here;
	int listener, client;

	(void)argc;
	net_new();
	listener = listen_at(loopback(family_of(argv[1]), 0), 16);
	drop_no_syn(listener);
	client = connect_begin(bound_to(listener));
	there = bound_to(client);
	here = bound_to(listener);
	said_places("server", &here, &there);
	said_owner("server", 0);
	sleep_ms(number(argv[2]));
	abort_flow(client);
	close(listener);
	done();
}

/* spurious FAMILY: all arrives, the acknowledgements of it do not. */
static void run_spurious(int argc, char **argv)
{
	struct pair pair;

	(void)argc;
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	pair = pair_said(argv[1], NULL);
	drop_all(pair.client);
	send_bytes(pair.client, CHUNK);
	sleep_ms(1000);
	drop_none(pair.client);
	/* the next answer says that all those before were duplicates */
	sleep_ms(1500);
	end(&pair);
}

/* mtu MS: full segments are lost, small ones are not. */
static void run_mtu(int argc, char **argv)
{
	struct pair pair;

	(void)argc;
	net_new();
	link_mtu("lo", 1500);
	pair = pair_said("4", NULL);
	drop_over(pair.server, 1200);
	for (int i = 0; i < 3; i++) {
		send_bytes(pair.client, 100);
		sleep_ms(10);
	}
	send_bytes(pair.client, 20000);
	sleep_ms(number(argv[1]));
	end(&pair);
}

/* full FAMILY MS: there is no room in the queue of the device. */
static void run_full(int argc, char **argv)
{
	struct pair pair;

	(void)argc;
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	pair = pair_said(argv[1], NULL);
	/* The first time it must get out: otherwise it is not yet sent at all. */
	drop_all(pair.server);
	send_bytes(pair.client, CHUNK);
	queue_full("lo");
	sleep_ms(number(argv[2]));
	end(&pair);
}

/* slow MS: the first transmission is in the queue of the device yet. */
static void run_slow(int argc, char **argv)
{
	struct pair pair;

	(void)argc;
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	link_mtu("lo", 1500);
	pair = pair_said("4", NULL);
	queue_slow("lo", 1600);
	send_bytes(pair.client, 1400);
	send_bytes(pair.client, 1400);
	send_bytes(pair.client, 1400);
	sleep_ms(number(argv[1]));
	said_info("client", pair.client);
	abort_flow(pair.client);
	abort_flow(pair.server);
	queue_none("lo");
	done();
}

/* gone FAMILY MS: the address and the way are no longer there. */
static void run_gone(int argc, char **argv)
{
	const char *address = family_of(argv[1]) == V4 ? "10.1.1.1" : "fd00::1";
	int prefix = family_of(argv[1]) == V4 ? 32 : 128;
	struct pair pair;

	(void)argc;
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	address_add("lo", address, prefix);
	pair.listener = listen_at(place_at(address, 0), 4);
	pair.client = connect_to(bound_to(pair.listener));
	pair.server = accept_one(pair.listener);
	said_flow("client", pair.client);
	said_flow("server", pair.server);
	drop_all(pair.server);
	send_bytes(pair.client, CHUNK);
	/* once or twice it is lost, then it cannot be sent */
	sleep_ms(800);
	printf("before %lu\n", retransmitted());
	address_remove("lo", address, prefix);
	sleep_ms(number(argv[2]));
	end(&pair);
}

/* probes MS: keepalive and window probes are no retransmissions. */
static void run_probes(int argc, char **argv)
{
	struct pair pair, shut;
	int one = 1;

	(void)argc;
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	pair = pair_said("4", NULL);
	shut = pair_new(V4, 0);
	setsockopt(pair.client, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(pair.client, IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof(one));
	setsockopt(pair.client, IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof(one));
	drop_all(pair.server);
	/* nobody reads: the window closes without a loss */
	for (;;) {
		static char data[4096];

		if (send(shut.client, data, sizeof(data), MSG_DONTWAIT) < 0)
			break;
		sleep_ms(1);
	}
	sleep_ms(number(argv[1]));
	abort_flow(shut.client);
	abort_flow(shut.server);
	end(&pair);
}

/* late MS: connected before SIGUSR2, the loss begins then. */
static void run_late(int argc, char **argv)
{
	struct pair pair;
	sigset_t set;
	int caught;

	(void)argc;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	pair = pair_said("4", NULL);
	ready(NULL);
	sigwait(&set, &caught);
	drop_all(pair.server);
	send_bytes(pair.client, CHUNK);
	sleep_ms(number(argv[1]));
	end(&pair);
}

static const struct mode modes[] = {{"rto", 2, 3, run_rto, "FAMILY MS [PORT]"},
				    {"fast", 2, 2, run_fast, "FAMILY TIMES"},
				    {"tlp", 2, 3, run_tlp, "FAMILY TIMES [PORT]"},
				    {"syn", 2, 2, run_syn, "FAMILY MS"},
				    {"synack", 2, 2, run_synack, "FAMILY MS"},
				    {"spurious", 1, 1, run_spurious, "FAMILY"},
				    {"mtu", 1, 1, run_mtu, "MS"},
				    {"full", 2, 2, run_full, "FAMILY MS"},
				    {"slow", 1, 1, run_slow, "MS"},
				    {"gone", 2, 2, run_gone, "FAMILY MS"},
				    {"probes", 1, 1, run_probes, "MS"},
				    {"late", 1, 1, run_late, "MS"},
				    {0}};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
