// SPDX-License-Identifier: BSD-2-Clause
#include "tcp_drops.h"

#include <string.h>

#include "say.h"
#include "tcp_retransmit_words.h"

/* what stands behind a reason, and how to find it; a name may be the beginning of several: the first that fits counts */
struct drop_reason {
	const char *name;
	enum tcp_place place;
	const char *words, *commands, *remark;
};

static const struct drop_reason rows[] = {
	{ "NETFILTER_DROP", TCP_PLACE_HERE, "a firewall rule", "nft list ruleset; iptables -vnL", "   (the counter of the rule rises)" },
	{ "QDISC_", TCP_PLACE_HERE, "the queue of the interface", "tc -s qdisc show",
	  "   (dropped, overlimits); a longer or fairer one (fq_codel), or less traffic" },
	{ "BPF_CGROUP_", TCP_PLACE_HERE, "a BPF program of its cgroup", "bpftool cgroup tree", "" },
	{ "TC_", TCP_PLACE_HERE, "a tc filter or BPF program", "tc filter show dev IF ingress; tc filter show dev IF egress; bpftool net", "" },
	{ "XDP", TCP_PLACE_HERE, "an XDP program", "bpftool net; ip link show", "" },
	{ "XFRM_POLICY", TCP_PLACE_HERE, "an IPsec policy", "ip xfrm policy; ip xfrm state", "" },
	{ "CPU_BACKLOG", TCP_PLACE_HERE, "the full backlog of a CPU", "sysctl net.core.netdev_max_backlog",
	  "; spread the load over the CPUs (RSS, RPS)" },
	{ "DEV_READY", TCP_PLACE_HERE, "an interface that is down", "ip -br link", "" },
	{ "NEIGH_CREATEFAIL", TCP_PLACE_HERE, "the table of neighbours (ARP, NDP), which is full",
	  "ip neigh; sysctl net.ipv4.neigh.default.gc_thresh3", "" },
	{ "NEIGH_", TCP_PLACE_NEIGHBOUR, "the next hop does not say where it is", "ip neigh; ip -br link", "" },
	{ "NO_SOCKET", TCP_PLACE_RECEIVER, "no socket has this connection", "ss -tnap", "" },
	{ "TCP_LISTEN_OVERFLOW", TCP_PLACE_RECEIVER, "the accept queue is full", "ss -lntp; nstat -az TcpExtListenOverflows", "" },
	{ "SOCKET_FILTER", TCP_PLACE_RECEIVER, "a filter on the socket", "ss -tiepm", "   (bpf filter); SO_ATTACH_FILTER in the program" },
	{ "IP_RPFILTER", TCP_PLACE_RECEIVER, "the reverse path filter", "ip route get PEER; sysctl -a | grep rp_filter",
	  "   (they come by another interface than the route back leads out)" },
	{ "IP_INADDRERRORS", TCP_PLACE_RECEIVER, "the address is not there, or no longer", "ip -br addr; ip route", "" },
	{ "OTHERHOST", TCP_PLACE_RECEIVER, "the frame was for another link address", "ip neigh; ip -br link", "" },
	{ "TCP_CSUM", TCP_PLACE_RECEIVER, "a wrong checksum", "ethtool -k IF; nstat -az TcpInCsumErrors",
	  "; a NIC, a tunnel or a virtual switch breaks it" },
	{ "TCP_MD5", TCP_PLACE_RECEIVER, "a TCP MD5 signature that is wrong or missing", NULL, "compare the keys of both sides" },
	{ "TCP_AO", TCP_PLACE_RECEIVER, "a TCP-AO signature that is wrong or missing", NULL, "compare the keys of both sides" },
	{ "SOCKET_RCVBUFF", TCP_PLACE_RECEIVER, "the socket's receive buffer is full", "ss -tm; sysctl net.ipv4.tcp_rmem",
	  "; the program reads too slowly" },
	{ "SOCKET_BACKLOG", TCP_PLACE_RECEIVER, "the socket's backlog is full", "ss -tm; sysctl net.ipv4.tcp_rmem",
	  "; the program reads too slowly" },
	{ "PROTO_MEM", TCP_PLACE_RECEIVER, "TCP's memory is used up", "cat /proc/net/sockstat; sysctl net.ipv4.tcp_mem", "   (in pages)" },
	/* TCP throws away only what it receives */
	{ "TCP_", TCP_PLACE_RECEIVER, "TCP does not take it", "ss -tien; nstat -az", "" },
};

uint64_t tcp_drops(const struct tcp_retransmit *x, enum tcp_way way)
{
	if (way == TCP_OUT)
		return x->known.drops_out ? x->drops_out : 0;
	return x->known.drops_in ? x->drops_in : 0;
}

/* drop_reason and drop_netns are of the way out, where anything was dropped there */
static bool is_first(const struct tcp_retransmit *x, enum tcp_way way)
{
	return (way == TCP_IN) == (tcp_drops(x, TCP_IN) && !tcp_drops(x, TCP_OUT));
}

const char *tcp_drop_reason(const struct tcp_retransmit *x, enum tcp_way way)
{
	if (is_first(x, way))
		return x->known.drop_reason && *x->drop_reason ? x->drop_reason : NULL;
	return way == TCP_IN && x->known.drop_in_reason && *x->drop_in_reason ? x->drop_in_reason : NULL;
}

bool tcp_drop_is(const struct tcp_retransmit *x, enum tcp_way way, const char *reason)
{
	const char *name = tcp_drop_reason(x, way);

	return name && strcmp(name, reason) == 0;
}

uint64_t tcp_drop_netns(const struct tcp_retransmit *x, enum tcp_way way)
{
	if (is_first(x, way))
		return x->known.drop_netns ? x->drop_netns : 0;
	return way == TCP_IN && x->known.drop_in_netns ? x->drop_in_netns : 0;
}

/* what TCP itself throws away because it has it already: it is no trouble */
static bool is_harmless(const char *name)
{
	static const char *const names[] = {
		"TCP_OLD_DATA", "TCP_OFOMERGE", "TCP_OLD_SEQUENCE", "TCP_OLD_ACK", "TCP_TOO_OLD_ACK", "TCP_RETRANSMIT",
		"TCP_INVALID_SYN",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static const struct drop_reason *row_of(const struct tcp_retransmit *x, enum tcp_way way)
{
	const char *name = tcp_drop_reason(x, way);

	for (size_t i = 0; name && !is_harmless(name) && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(name, rows[i].name, strlen(rows[i].name)) == 0)
			return &rows[i];
	return NULL;
}

enum tcp_place tcp_drop_place(const struct tcp_retransmit *x, enum tcp_way way)
{
	const char *name = tcp_drop_reason(x, way);
	const struct drop_reason *row = row_of(x, way);

	/* what comes when the socket here is closed says nothing of what went before */
	if (name && (is_harmless(name) || (way == TCP_IN && !tcp_is_class(x, RETRANSMIT_SYNACK) && strcmp(name, "NO_SOCKET") == 0)))
		return TCP_PLACE_HARMLESS;
	return row ? row->place : TCP_PLACE_UNKNOWN;
}

void tcp_say_reason(struct text *text, const struct tcp_retransmit *x, enum tcp_way way)
{
	const char *name = tcp_drop_reason(x, way);
	const struct drop_reason *row = row_of(x, way);

	if (!name)
		return;
	text_format(text, " (%s", name);
	if (row)
		text_format(text, ": %s", row->words);
	text_add(text, ")");
}

void tcp_advise_reason(const struct observation *observation, enum tcp_way way, struct verdict *ret)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;
	const struct drop_reason *row = row_of(x, way);
	uint64_t netns = tcp_drop_netns(x, way);
	struct text text = say_advice(ret);

	if (!row) {
		text_add(&text, "see what drops them on this host: ");
		tcp_say_commands(&text, observation, "nft list ruleset; iptables -vnL; tc -s qdisc show; ip -s link");
		text_add(&text, "; or by function of the kernel: dropwatch -l kas");
		return;
	}
	/* of the others some are sentences */
	if (row->place == TCP_PLACE_HERE || strncmp(row->words, "a ", 2) == 0)
		text_format(&text, "it was %s; ", row->words);
	if (!row->commands) {
		text_add(&text, row->remark);
		return;
	}
	text_add(&text, "look");
	if (netns)
		text_format(&text, " in the network namespace %llu (lsns -t net): %s", LLU(netns), row->commands);
	else
		text_add(&text, ": ");
	if (!netns)
		tcp_say_commands(&text, observation, row->commands);
	text_add(&text, row->remark);
}
