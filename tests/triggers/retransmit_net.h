/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network namespaces for the retransmission triggers: their links, addresses,
 * routes, queues and sysctls, by rtnetlink and ioctl alone. Nothing outside of
 * a namespace of our own is changed.
 */
#ifndef RETRANSMIT_NET_H
#define RETRANSMIT_NET_H

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ipv6_route.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "trigger.h"

struct request {
	struct nlmsghdr head;
	char body[1024];
};

static inline void *request_tail(struct request *request)
{
	return (char *)request + NLMSG_ALIGN(request->head.nlmsg_len);
}

static inline struct rtattr *attribute(struct request *request, int type, const void *data, size_t len)
{
	struct rtattr *attr = request_tail(request);

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	request->head.nlmsg_len = NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(attr->rta_len);
	return attr;
}

static inline void attribute_end(struct request *request, struct rtattr *nest)
{
	nest->rta_len = (char *)request_tail(request) - (char *)nest;
}

static inline struct request request_start(int type, int flags, const void *header, size_t len)
{
	struct request request = {
		.head = {.nlmsg_len = NLMSG_LENGTH(len),
			 .nlmsg_type = type,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags},
	};

	memcpy(request.body, header, len);
	return request;
}

/* 0 or -errno. */
static inline int request_send(struct request *request)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} reply = {.error.error = -EIO};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (sendto(fd, request, request->head.nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) < 0)
		reply.error.error = -errno;
	close(fd);
	return reply.error.error;
}

static inline void must(int err, const char *what)
{
	if (err)
		quit(err == -EOPNOTSUPP || err == -ENOENT || err == -EPERM ? EXIT_CANNOT : 1, "%s: %s", what,
		     strerror(-err));
}

/* --- links --- */

static inline void link_ioctl(const char *name, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	if (ioctl(fd, what, request))
		quit(1, "%s: ioctl %lx: %s", name, what, strerror(errno));
	close(fd);
}

static inline void link_flags(const char *name, short set, short clear)
{
	struct ifreq request = {0};

	link_ioctl(name, SIOCGIFFLAGS, &request);
	request.ifr_flags = (request.ifr_flags | set) & ~clear;
	link_ioctl(name, SIOCSIFFLAGS, &request);
}

static inline void link_mtu(const char *name, int mtu)
{
	struct ifreq request = {.ifr_mtu = mtu};

	link_ioctl(name, SIOCSIFMTU, &request);
}

/*
 * Both ends have the same address and ask nobody for it: what one end sends,
 * the other takes for its own, without ARP and neighbour discovery.
 */
static inline void link_pair(const char *name, const char *peer, pid_t peer_in)
{
	static const unsigned char address[6] = {2, 0, 0, 0, 0, 7};
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct request request = request_start(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	struct rtattr *outer, *data, *other;

	attribute(&request, IFLA_IFNAME, name, strlen(name) + 1);
	attribute(&request, IFLA_ADDRESS, address, sizeof(address));
	outer = attribute(&request, IFLA_LINKINFO, NULL, 0);
	attribute(&request, IFLA_INFO_KIND, "veth", 5);
	data = attribute(&request, IFLA_INFO_DATA, NULL, 0);
	other = attribute(&request, VETH_INFO_PEER, &info, sizeof(info));
	attribute(&request, IFLA_IFNAME, peer, strlen(peer) + 1);
	attribute(&request, IFLA_ADDRESS, address, sizeof(address));
	if (peer_in)
		attribute(&request, IFLA_NET_NS_PID, &peer_in, sizeof(int));
	attribute_end(&request, other);
	attribute_end(&request, data);
	attribute_end(&request, outer);
	must(request_send(&request), "a veth pair");
}

static inline void link_up(const char *name)
{
	link_flags(name, IFF_NOARP | IFF_UP, 0);
}

/* Until both ends are up: what is sent before is dropped. */
static inline void link_await(const char *name)
{
	struct ifreq request = {0};

	for (int left = 500; left--; sleep_ns(10000000L)) {
		link_ioctl(name, SIOCGIFFLAGS, &request);
		if (request.ifr_flags & IFF_RUNNING)
			break;
	}
	sleep_ns(20000000L);
}

/* --- addresses and routes: 10.0.0.1 or fe80::1 --- */

static inline int address_parse(const char *text, void *binary, size_t *len)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	*len = family == AF_INET ? 4 : 16;
	if (inet_pton(family, text, binary) != 1)
		quit(EXIT_USAGE, "not an address: %s", text);
	return family;
}

static inline void address_change(int type, const char *link, const char *text, int prefix)
{
	struct ifaddrmsg info = {
		.ifa_prefixlen = prefix, .ifa_flags = IFA_F_NODAD, .ifa_index = if_nametoindex(link)};
	struct request request;
	unsigned char binary[16];
	size_t len;

	info.ifa_family = address_parse(text, binary, &len);
	request = request_start(type, type == RTM_NEWADDR ? NLM_F_CREATE : 0, &info, sizeof(info));
	attribute(&request, IFA_LOCAL, binary, len);
	attribute(&request, IFA_ADDRESS, binary, len);
	must(request_send(&request), text);
}

/* The kernel makes the route to an IPv6 address of its own later, and loses what comes before. */
static inline void address_await(const char *text)
{
	unsigned char binary[16];
	char wanted[64] = "", line[256];
	unsigned int flags;
	bool found = false;
	FILE *file;

	inet_pton(AF_INET6, text, binary);
	for (int i = 0; i < 16; i++)
		sprintf(wanted + 2 * i, "%02x", binary[i]);
	for (int left = 500; left-- && !found; sleep_ns(10000000L)) {
		file = fopen("/proc/self/net/ipv6_route", "re");
		while (file && fgets(line, sizeof(line), file))
			found |= !strncmp(line, wanted, 32) &&
				 sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %x", &flags) == 1 &&
				 flags & RTF_LOCAL;
		if (file)
			fclose(file);
	}
}

static inline void address_add(const char *link, const char *text, int prefix)
{
	address_change(RTM_NEWADDR, link, text, prefix);
	if (strchr(text, ':'))
		address_await(text);
}

static inline void address_remove(const char *link, const char *text, int prefix)
{
	address_change(RTM_DELADDR, link, text, prefix);
}

static inline void route_add(const char *link, const char *text, int prefix)
{
	struct rtmsg info = {.rtm_dst_len = prefix,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = RTPROT_STATIC,
			     .rtm_scope = RT_SCOPE_LINK,
			     .rtm_type = RTN_UNICAST};
	struct request request;
	unsigned char binary[16];
	int index = if_nametoindex(link);
	size_t len;

	info.rtm_family = address_parse(text, binary, &len);
	request = request_start(RTM_NEWROUTE, NLM_F_CREATE, &info, sizeof(info));
	attribute(&request, RTA_DST, binary, len);
	attribute(&request, RTA_OIF, &index, sizeof(index));
	must(request_send(&request), "a route");
}

/* --- queues --- */

static inline struct request queue_request(int type, const char *link)
{
	struct tcmsg info = {
		.tcm_ifindex = if_nametoindex(link), .tcm_parent = TC_H_ROOT, .tcm_handle = 0x10000};

	return request_start(type, type == RTM_NEWQDISC ? NLM_F_CREATE | NLM_F_REPLACE : 0, &info,
			     sizeof(info));
}

/* A queue with no room: whatever is sent is dropped. */
static inline void queue_full(const char *link)
{
	struct request request = queue_request(RTM_NEWQDISC, link);
	struct tc_fifo_qopt options = {.limit = 0};

	attribute(&request, TCA_KIND, "pfifo", 6);
	attribute(&request, TCA_OPTIONS, &options, sizeof(options));
	must(request_send(&request), "qdisc pfifo");
}

/* A queue that lets the first burst pass and then next to nothing. */
static inline void queue_slow(const char *link, unsigned int burst)
{
	struct request request = queue_request(RTM_NEWQDISC, link);
	struct tc_tbf_qopt options = {.limit = 1 << 20, .rate = {.rate = 8, .linklayer = 1}};
	struct rtattr *nest;

	attribute(&request, TCA_KIND, "tbf", 4);
	nest = attribute(&request, TCA_OPTIONS, NULL, 0);
	attribute(&request, TCA_TBF_PARMS, &options, sizeof(options));
	attribute(&request, TCA_TBF_BURST, &burst, sizeof(burst));
	attribute_end(&request, nest);
	must(request_send(&request), "qdisc tbf");
}

/* netem: of 1000 packets so many are lost, at random. */
static inline void queue_lossy(const char *link, unsigned int thousandths)
{
	struct request request = queue_request(RTM_NEWQDISC, link);
	struct tc_netem_qopt options = {.limit = 100000, .loss = UINT32_MAX / 1000 * thousandths};

	attribute(&request, TCA_KIND, "netem", 6);
	attribute(&request, TCA_OPTIONS, &options, sizeof(options));
	must(request_send(&request), "qdisc netem");
}

static inline void queue_none(const char *link)
{
	struct request request = queue_request(RTM_DELQDISC, link);

	must(request_send(&request), "no qdisc");
}

/* --- namespaces --- */

static inline void sysctl_set(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		quit(EXIT_CANNOT, "%s: %s", path, strerror(errno));
	close(fd);
}

static inline unsigned long net_inode(void)
{
	struct stat info;

	return stat("/proc/self/ns/net", &info) ? 0 : info.st_ino;
}

/* Into a namespace of our own, where only lo is up. */
static inline void net_new(void)
{
	if (unshare(CLONE_NEWNET))
		quit(EXIT_CANNOT, "unshare: %s", strerror(errno));
	link_flags("lo", IFF_UP, 0);
	printf("netns %lu\n", net_inode());
}

#endif
