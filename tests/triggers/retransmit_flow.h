/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections for the retransmission triggers, loss made by a filter on the
 * socket that receives, and the facts: what the kernel counted, whose each
 * connection is. A fact is a line "NAME VALUE"; "client.sport 4711" belongs to
 * the connection that is called client.
 */
#ifndef RETRANSMIT_FLOW_H
#define RETRANSMIT_FLOW_H

#include <linux/filter.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/wait.h>
#include "retransmit_net.h"

#ifndef IPPROTO_TCP
#define IPPROTO_TCP 6
#endif

/* --- loss --- */

/*
 * Where a filter begins, the TCP header does. The header is 4 * (byte 12 >> 4)
 * long; what the filter answers 0 to is dropped before TCP sees it.
 */
#define LOAD_PAYLOAD_LEN                                                                                     \
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),                      \
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2), BPF_STMT(BPF_MISC | BPF_TAX, 0),                     \
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0)
#define DROP BPF_STMT(BPF_RET | BPF_K, 0)
#define PASS BPF_STMT(BPF_RET | BPF_K, ~0U)

static inline void filter_set(int fd, const struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		quit(1, "SO_ATTACH_FILTER: %s", strerror(errno));
}

/* What arrives at this socket is lost. */
static inline void drop_all(int fd)
{
	static const struct sock_filter code[] = {DROP};

	filter_set(fd, code, 1);
}

/* Payloads of more bytes than that are lost. */
static inline void drop_over(int fd, unsigned int bytes)
{
	const struct sock_filter code[] = {LOAD_PAYLOAD_LEN, BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, bytes, 0, 1),
					   DROP, PASS};

	filter_set(fd, code, sizeof(code) / sizeof(*code));
}

/* What is no SYN is lost. */
static inline void drop_no_syn(int fd)
{
	static const struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
						  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 1, 0), DROP, PASS};

	filter_set(fd, code, 4);
}

/* Of the segments, that share is lost, at random: in 1/1000. */
static inline void drop_some(int fd, unsigned int thousandths)
{
	const struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RANDOM),
					   BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 4294967U * thousandths, 1, 0),
					   DROP, PASS};

	filter_set(fd, code, 4);
}

static inline void drop_none(int fd)
{
	int none = 0;

	setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
}

/* --- connections --- */

/* As they are asked for: 4, 6, or IPv4 in an IPv6 socket. */
enum family { V4 = 4, V6 = 6, MAPPED = 46 };

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

static inline enum family family_of(const char *text)
{
	if (!strcmp(text, "4") || !strcmp(text, "6") || !strcmp(text, "46"))
		return (enum family)number(text);
	quit(EXIT_USAGE, "4, 6 or 46, not %s", text);
}

/* "fe80::1%name" has a scope. */
static inline struct place place_at(const char *text, int port)
{
	struct place place = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)},
			      .len = sizeof(place.v6)};
	char address[64];
	char *scope;

	if (!strchr(text, ':')) {
		place = (struct place){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)},
				       .len = sizeof(place.v4)};
		if (inet_pton(AF_INET, text, &place.v4.sin_addr) != 1)
			quit(EXIT_USAGE, "not an address: %s", text);
		return place;
	}
	snprintf(address, sizeof(address), "%s", text);
	scope = strchr(address, '%');
	if (scope) {
		*scope++ = '\0';
		place.v6.sin6_scope_id = if_nametoindex(scope);
	}
	if (inet_pton(AF_INET6, address, &place.v6.sin6_addr) != 1)
		quit(EXIT_USAGE, "not an address: %s", text);
	return place;
}

static inline struct place loopback(enum family family, int port)
{
	return place_at(family == V4 ? "127.0.0.1" : family == V6 ? "::1" : "::ffff:127.0.0.1", port);
}

static inline int socket_at(const struct place *place)
{
	int fd = socket(place->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		quit(1, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static inline int listen_at(struct place place, int backlog)
{
	int fd = socket_at(&place);

	if (bind(fd, &place.any, place.len) || listen(fd, backlog))
		quit(1, "listen: %s", strerror(errno));
	return fd;
}

/* Where the other end connects to. */
static inline struct place bound_to(int fd)
{
	struct place place = {.len = sizeof(place.v6)};

	getsockname(fd, &place.any, &place.len);
	return place;
}

/* The kernel takes its time to make the routes of an IPv6 address. */
static inline int connect_to(struct place place)
{
	int fd = socket_at(&place), left = 200;

	while (connect(fd, &place.any, place.len)) {
		if (!left-- || (errno != ENETUNREACH && errno != EADDRNOTAVAIL))
			quit(1, "connect: %s", strerror(errno));
		sleep_ns(10000000L);
	}
	return fd;
}

/* Returns at once, whatever the peer says. */
static inline int connect_begin(struct place place)
{
	int fd = socket_at(&place);

	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, &place.any, place.len) && errno != EINPROGRESS)
		quit(1, "connect: %s", strerror(errno));
	return fd;
}

static inline int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		quit(1, "accept: %s", strerror(errno));
	return fd;
}

/* Both ends in one process. */
struct pair {
	int listener, client, server;
};

/* On a port that is given, and the one below it; or on any. */
static inline struct pair pair_new(enum family family, int port)
{
	struct pair pair = {.listener = listen_at(loopback(family, port), 16)};
	struct place here = loopback(family, port - 1), there = bound_to(pair.listener);

	if (port) {
		pair.client = socket_at(&here);
		if (bind(pair.client, &here.any, here.len) || connect(pair.client, &there.any, there.len))
			quit(1, "connect from port %d: %s", port - 1, strerror(errno));
	} else {
		pair.client = connect_to(there);
	}
	pair.server = accept_one(pair.listener);
	return pair;
}

static inline void send_bytes(int fd, size_t bytes)
{
	static char data[1 << 16];

	while (bytes) {
		ssize_t sent = send(fd, data, bytes < sizeof(data) ? bytes : sizeof(data),
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent <= 0)
			quit(1, "send: %s", strerror(errno));
		bytes -= sent;
	}
}

/* Ends with a reset: nothing is sent again after that. */
static inline void abort_flow(int fd)
{
	struct linger none = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
}

static inline void sleep_ms(unsigned int ms)
{
	sleep_ns(ms * 1000000L);
}

/* --- facts --- */

/* The kernel's counter of our namespace, from the file with the names above the numbers. */
static inline unsigned long counter_in(const char *path, const char *name)
{
	static char names[8192], values[8192];
	FILE *file = fopen(path, "re");
	unsigned long found = 0;
	char *name_at, *value_at, *next_name, *next_value;

	while (file && fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		name_at = strtok_r(names, " \n", &next_name);
		value_at = strtok_r(values, " \n", &next_value);
		while (name_at && value_at) {
			if (!strcmp(name_at, name))
				found = strtoul(value_at, NULL, 10);
			name_at = strtok_r(NULL, " \n", &next_name);
			value_at = strtok_r(NULL, " \n", &next_value);
		}
	}
	if (file)
		fclose(file);
	return found;
}

static inline unsigned long counter(const char *name)
{
	return counter_in("/proc/self/net/netstat", name);
}

static inline unsigned long retransmitted(void)
{
	return counter_in("/proc/self/net/snmp", "RetransSegs");
}

static inline void said_counters(void)
{
	static const char *const names[] = {
		"TCPTimeouts",	   "TCPLossProbes",	"TCPFastRetrans", "TCPSlowStartRetrans",
		"TCPSynRetrans",   "TCPRetransFail",	"TCPDSACKRecv",	  "TCPSpuriousRtxHostQueues",
		"ListenOverflows", "TCPZeroWindowDrop", "TCPRcvQDrop",	  "TCPKeepAlive",
		"TCPWinProbe"};

	printf("RetransSegs %lu\n", retransmitted());
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		printf("%s %lu\n", names[i], counter(names[i]));
}

/* As ss and we write it: IPv4 as IPv4, without the scope. */
static inline int said_address(const char *flow, const char *side, const struct place *place)
{
	char text[INET6_ADDRSTRLEN];
	bool mapped = place->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&place->v6.sin6_addr);

	if (place->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &place->v4.sin_addr, text, sizeof(text));
	else if (mapped)
		inet_ntop(AF_INET, &place->v6.sin6_addr.s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, &place->v6.sin6_addr, text, sizeof(text));
	printf("%s.%saddr %s\n%s.%sport %d\n", flow, side, text, flow, side, ntohs(place->v4.sin_port));
	return place->any.sa_family == AF_INET || mapped ? 4 : 6;
}

static inline void said_places(const char *flow, const struct place *here, const struct place *there)
{
	said_address(flow, "s", here);
	printf("%s.family ipv%d\n", flow, said_address(flow, "d", there));
}

/* Whose it is: of the process that calls this, unless a pid is given. */
static inline void said_owner(const char *flow, pid_t pid)
{
	printf("%s.pid %d\n", flow, pid ? pid : getpid());
}

static inline void said_flow(const char *flow, int fd)
{
	struct place here = bound_to(fd), there = {.len = sizeof(there.v6)};
	unsigned long long cookie = 0;
	socklen_t len = sizeof(cookie);

	getpeername(fd, &there.any, &there.len);
	said_places(flow, &here, &there);
	if (!getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		printf("%s.cookie %llu\n", flow, cookie);
	said_owner(flow, 0);
}

/* What the kernel says of it now; to be asked before it is closed. */
static inline void said_info(const char *flow, int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return;
	printf("%s.state %u\n%s.total %u\n%s.backoff %u\n%s.rto_us %u\n%s.srtt_us %u\n", flow,
	       info.tcpi_state, flow, info.tcpi_total_retrans, flow, info.tcpi_backoff, flow, info.tcpi_rto,
	       flow, info.tcpi_rtt);
	printf("%s.cwnd %u\n%s.unacked %u\n%s.lost %u\n%s.mss %u\n%s.acked_bytes %llu\n", flow,
	       info.tcpi_snd_cwnd, flow, info.tcpi_unacked, flow, info.tcpi_lost, flow, info.tcpi_snd_mss,
	       flow, (unsigned long long)info.tcpi_bytes_acked);
}

/* The end of every mode: the counters, and the namespace is kept until we are killed. */
static inline void __attribute__((noreturn)) done(void)
{
	said_counters();
	printf("done\n");
	fflush(stdout);
	idle();
}

#endif
