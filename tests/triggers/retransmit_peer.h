/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP peer that does what it is told, for the retransmission triggers: it
 * sits on the other end of a veth pair and answers by a packet socket.
 * The kernel has 10.7.0.1 on near, the peer has 10.7.0.2.
 */
#ifndef RETRANSMIT_PEER_H
#define RETRANSMIT_PEER_H

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include "retransmit_flow.h"

#define KERNEL_ADDRESS "10.7.0.1"
#define PEER_ADDRESS   "10.7.0.2"

enum { FIN = 1, SYN = 2, RST = 4, PUSH = 8, ACK = 16 };

struct tcp_header {
	uint16_t source, dest;
	uint32_t seq, ack;
	uint8_t offset, flags;
	uint16_t window, checksum, urgent;
};

struct packet {
	struct iphdr ip;
	struct tcp_header tcp;
	char rest[1 << 16];
};

struct peer {
	int fd, link;
	/* of the connection: our port, the kernel's, what we send and await next */
	uint16_t port, kernel_port;
	uint32_t seq, ack;
	uint16_t window;
	/* the packet seen last */
	struct packet packet;
	size_t payload;
};

static inline void peer_start(struct peer *peer)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};

	link_pair("near", "far", 0);
	link_up("near");
	link_up("far");
	address_add("near", KERNEL_ADDRESS, 24);
	link_await("near");
	*peer = (struct peer){.port = 7000, .seq = 1000000, .window = 60000};
	peer->link = if_nametoindex("far");
	peer->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP));
	at.sll_ifindex = peer->link;
	if (peer->fd < 0 || bind(peer->fd, (void *)&at, sizeof(at)))
		quit(EXIT_CANNOT, "AF_PACKET: %s", strerror(errno));
}

static inline uint32_t sum_of(const void *data, size_t len, uint32_t sum)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : bytes[i] << 8;
	return sum;
}

static inline uint16_t checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static inline void packet_send(struct peer *peer, struct packet *packet, int protocol, size_t len)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_IP),
				 .sll_ifindex = peer->link,
				 .sll_halen = 6,
				 .sll_addr = {2, 0, 0, 0, 0, 7}};

	packet->ip = (struct iphdr){.version = 4,
				    .ihl = 5,
				    .ttl = 64,
				    .protocol = protocol,
				    .tot_len = htons(sizeof(packet->ip) + len)};
	inet_pton(AF_INET, PEER_ADDRESS, &packet->ip.saddr);
	inet_pton(AF_INET, KERNEL_ADDRESS, &packet->ip.daddr);
	packet->ip.check = checksum(sum_of(&packet->ip, sizeof(packet->ip), 0));
	if (protocol == IPPROTO_TCP) {
		/* over addresses, protocol and length, too */
		packet->tcp.checksum =
			checksum(sum_of(&packet->tcp, len, sum_of(&packet->ip.saddr, 8, protocol + len)));
	}
	if (sendto(peer->fd, packet, sizeof(packet->ip) + len, 0, (void *)&at, sizeof(at)) < 0)
		quit(1, "the peer cannot send: %s", strerror(errno));
}

static inline void peer_send(struct peer *peer, int flags)
{
	struct packet packet = {
		.tcp = {.source = htons(peer->port),
			.dest = htons(peer->kernel_port),
			.seq = htonl(peer->seq),
			.ack = htonl(flags & ACK ? peer->ack : 0),
			.offset = 5 << 4,
			.flags = flags,
			.window = htons(peer->window)},
	};

	packet_send(peer, &packet, IPPROTO_TCP, sizeof(packet.tcp));
	if (flags & (SYN | FIN))
		peer->seq++;
}

/* "No way to that host", about the packet seen last. */
static inline void peer_unreachable(struct peer *peer)
{
	struct packet packet = {0};
	struct icmphdr *icmp = (void *)&packet.tcp;
	size_t quoted = sizeof(struct iphdr) + 8, len = sizeof(*icmp) + quoted;

	icmp->type = ICMP_DEST_UNREACH;
	icmp->code = ICMP_HOST_UNREACH;
	memcpy(icmp + 1, &peer->packet, quoted);
	icmp->checksum = checksum(sum_of(icmp, len, 0));
	packet_send(peer, &packet, IPPROTO_ICMP, len);
}

/* The next segment of the kernel's that has one of these flags, within that time. */
static inline bool peer_receive(struct peer *peer, int flags, int ms)
{
	struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
	struct sockaddr_ll from;
	socklen_t len;
	ssize_t got;

	while (poll(&wait, 1, ms) > 0) {
		len = sizeof(from);
		got = recvfrom(peer->fd, &peer->packet, sizeof(peer->packet), 0, (void *)&from, &len);
		if (got < (ssize_t)(sizeof(struct iphdr) + sizeof(struct tcp_header)) ||
		    from.sll_pkttype == PACKET_OUTGOING || peer->packet.ip.protocol != IPPROTO_TCP)
			continue;
		if (!(peer->packet.tcp.flags & flags) ||
		    (peer->kernel_port && peer->packet.tcp.dest != htons(peer->port)))
			continue;
		peer->payload = ntohs(peer->packet.ip.tot_len) - sizeof(struct iphdr) -
				4 * (peer->packet.tcp.offset >> 4);
		return true;
	}
	return false;
}

/* The kernel has connected to us; the rest of the handshake. Returns its end. */
static inline int peer_accept(struct peer *peer)
{
	struct pollfd wait = {.events = POLLOUT};

	wait.fd = connect_begin(place_at(PEER_ADDRESS, peer->port));
	if (!peer_receive(peer, SYN, 2000))
		quit(1, "no SYN arrived");
	peer->kernel_port = ntohs(peer->packet.tcp.source);
	peer->ack = ntohl(peer->packet.tcp.seq) + 1;
	peer_send(peer, SYN | ACK);
	if (poll(&wait, 1, 2000) != 1 || wait.revents & POLLERR || !peer_receive(peer, ACK, 2000))
		quit(1, "the handshake failed");
	return wait.fd;
}

/* We connect to the kernel; true once it has answered. Our ACK is not sent. */
static inline bool peer_connect(struct peer *peer, uint16_t kernel_port)
{
	peer->kernel_port = kernel_port;
	peer_send(peer, SYN);
	if (!peer_receive(peer, SYN, 2000))
		return false;
	peer->ack = ntohl(peer->packet.tcp.seq) + 1;
	return true;
}

#endif
