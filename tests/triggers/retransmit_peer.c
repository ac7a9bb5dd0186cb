// SPDX-License-Identifier: BSD-2-Clause
/*
 * Connections that send again because of what their peer does, or what is on
 * the way to it: a peer written for it, or another namespace with a kernel's.
 * Says the facts as retransmit.c does.
 */
#include "retransmit_far.h"
#include "retransmit_peer.h"

#define CHUNK 1000

static struct peer peer;

static void begin(void)
{
	net_new();
	sysctl_set("tcp_early_retrans", "0");
}

static void said_client(int fd)
{
	struct place here = bound_to(fd), there = place_at(PEER_ADDRESS, peer.port);

	said_places("client", &here, &there);
	said_owner("client", 0);
}

/* dead MS: the peer has accepted and says nothing from then on. */
static void run_dead(int argc, char **argv)
{
	int fd;

	(void)argc;
	begin();
	peer_start(&peer);
	fd = peer_accept(&peer);
	said_client(fd);
	send_bytes(fd, CHUNK);
	sleep_ms(number(argv[1]));
	said_info("client", fd);
	abort_flow(fd);
	done();
}

/* refuse: the third SYN is answered by a reset. */
static void run_refuse(int argc, char **argv)
{
	int fd;

	(void)argc;
	(void)argv;
	begin();
	peer_start(&peer);
	fd = connect_begin(place_at(PEER_ADDRESS, peer.port));
	for (int i = 0; i < 3; i++)
		if (!peer_receive(&peer, SYN, 4000))
			quit(1, "no SYN arrived");
	said_client(fd);
	peer.kernel_port = ntohs(peer.packet.tcp.source);
	peer.ack = ntohl(peer.packet.tcp.seq) + 1;
	peer_send(&peer, RST | ACK);
	sleep_ms(300);
	close(fd);
	done();
}

/* zero MS: the peer takes the first half and has no room for the second. */
static void run_zero(int argc, char **argv)
{
	int fd;

	(void)argc;
	begin();
	peer_start(&peer);
	fd = peer_accept(&peer);
	said_client(fd);
	send_bytes(fd, CHUNK);
	send_bytes(fd, CHUNK);
	if (!peer_receive(&peer, PUSH, 2000))
		quit(1, "no data arrived");
	peer.ack += CHUNK;
	peer.window = 0;
	peer_send(&peer, ACK);
	/* there is more to say, too */
	sleep_ms(20);
	send_bytes(fd, CHUNK);
	sleep_ms(number(argv[1]));
	said_info("client", fd);
	abort_flow(fd);
	done();
}

/* unreachable MS: a router says so of every segment. */
static void run_unreachable(int argc, char **argv)
{
	int fd, left = number(argv[1]) / 100;

	(void)argc;
	begin();
	peer_start(&peer);
	fd = peer_accept(&peer);
	said_client(fd);
	send_bytes(fd, CHUNK);
	while (left-- > 0)
		if (peer_receive(&peer, PUSH, 100))
			peer_unreachable(&peer);
	said_info("client", fd);
	abort_flow(fd);
	done();
}

/* queue MS: two handshakes end when the queue has filled up, and nobody accepts. */
static void run_queue(int argc, char **argv)
{
	static const char *const names[] = {"first", "second"};
	static struct peer ends[2];
	struct place here, there;
	int listener;

	(void)argc;
	begin();
	sysctl_set("tcp_syncookies", "0");
	peer_start(&peer);
	/* one more than that fits */
	listener = listen_at(place_at(KERNEL_ADDRESS, 0), 3);
	here = bound_to(listener);
	for (int i = 0; i < 2; i++) {
		ends[i] = peer;
		ends[i].port = 7001 + i;
		if (!peer_connect(&ends[i], ntohs(here.v4.sin_port)))
			quit(1, "no SYN-ACK for %s", names[i]);
		there = place_at(PEER_ADDRESS, ends[i].port);
		said_places(names[i], &here, &there);
		said_owner(names[i], 0);
	}
	for (int i = 0; i < 4; i++)
		connect_to(here);
	for (int i = 0; i < 2; i++)
		peer_send(&ends[i], ACK);
	sleep_ms(number(argv[1]));
	close(listener);
	done();
}

/* --- another namespace --- */

static void await_word(void)
{
	sigset_t set;
	int caught;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	ready(NULL);
	sigwait(&set, &caught);
}

static void hold_word(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void lose_all(int fd)
{
	drop_all(fd);
}

/* scope MS: between link-local addresses. */
static void run_scope(int argc, char **argv)
{
	struct far far;
	int fd;

	(void)argc;
	begin();
	far = far_start("::", lose_all);
	fd = connect_to(place_at("fe80::2%near", far.port));
	said_flow("client", fd);
	/* until the other end has accepted, and loses what arrives */
	sleep_ms(300);
	send_bytes(fd, CHUNK);
	sleep_ms(number(argv[1]));
	said_info("client", fd);
	abort_flow(fd);
	said_far(&far);
	done();
}

/* Connected, SIGUSR2, and then it writes. */
static void write_when_told(const char *ms, void (*accepted)(int fd))
{
	struct far far;
	int fd;

	hold_word();
	begin();
	far = far_start("0.0.0.0", accepted);
	fd = connect_to(place_at("192.168.77.2", far.port));
	said_flow("client", fd);
	await_word();
	send_bytes(fd, CHUNK);
	sleep_ms(number(ms));
	said_info("client", fd);
	abort_flow(fd);
	said_far(&far);
	done();
}

/* data MS: it arrives, unless something is in the way. */
static void run_data(int argc, char **argv)
{
	(void)argc;
	write_when_told(argv[1], NULL);
}

/* lossy MS: it does not. */
static void run_lossy(int argc, char **argv)
{
	(void)argc;
	write_when_told(argv[1], lose_all);
}

/* connect MS: SIGUSR2, and then it connects. */
static void run_connect(int argc, char **argv)
{
	struct place here, there;
	struct far far;
	int fd;

	(void)argc;
	hold_word();
	begin();
	far = far_start("0.0.0.0", NULL);
	there = place_at("192.168.77.2", far.port);
	await_word();
	fd = connect_begin(there);
	here = bound_to(fd);
	said_places("client", &here, &there);
	said_owner("client", 0);
	sleep_ms(number(argv[1]));
	said_info("client", fd);
	abort_flow(fd);
	/* its half-open connection goes with it, too */
	said_far(&far);
	done();
}

static const struct mode modes[] = {
	{"dead", 1, 1, run_dead, "MS"},	      {"refuse", 0, 0, run_refuse, ""},
	{"zero", 1, 1, run_zero, "MS"},	      {"unreachable", 1, 1, run_unreachable, "MS"},
	{"queue", 1, 1, run_queue, "MS"},     {"scope", 1, 1, run_scope, "MS"},
	{"data", 1, 1, run_data, "MS"},	      {"lossy", 1, 1, run_lossy, "MS"},
	{"connect", 1, 1, run_connect, "MS"}, {0}};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
