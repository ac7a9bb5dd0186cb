// SPDX-License-Identifier: BSD-2-Clause
/* Rules on this host's own part: not sent, dropped on the way out, answers dropped on their way in. */
#include "tcp_retransmit_words.h"

#include <string.h>

#include "say.h"

static const struct tcp_retransmit *retransmit(const struct observation *observation)
{
	return &observation->tcp_retransmit;
}

/* ---- the kernel's reasons -------------------------------------------------- */

/* what stands behind a reason, and how to find it; a name may be the beginning of several */
struct drop_reason {
	const char *name, *words, *advice;
};

static const struct drop_reason *reason_of(const struct tcp_retransmit *x)
{
	static const struct drop_reason rows[] = {
		{ "NETFILTER_DROP", "a firewall rule", "nft list ruleset; iptables -vnL   (the counter of the rule rises)" },
		{ "QDISC_", "the queue of the interface", "tc -s qdisc show   (dropped, overlimits); a longer or fairer one (fq_codel), or less traffic" },
		{ "BPF_CGROUP_", "a BPF program of its cgroup", "bpftool cgroup tree" },
		{ "SOCKET_FILTER", "a filter on the socket", "ss -tiepm (bpf filter); SO_ATTACH_FILTER in the program" },
		{ "TC_", "a tc filter or BPF program", "tc filter show dev IF ingress; tc filter show dev IF egress; bpftool net" },
		{ "XDP", "an XDP program", "bpftool net; ip link show" },
		{ "XFRM_POLICY", "an IPsec policy", "ip xfrm policy; ip xfrm state" },
		{ "IP_RPFILTER", "the reverse path filter", "the answers come by another interface than the route to the peer leads out: ip route get PEER; sysctl -a | grep rp_filter" },
		{ "TCP_CSUM", "a wrong checksum", "ethtool -k IF; nstat -az TcpInCsumErrors; a NIC, a tunnel or a virtual switch breaks it" },
		{ "TCP_MD5", "a TCP MD5 signature that is wrong or missing", "compare the keys of both sides" },
		{ "SOCKET_RCVBUFF", "the socket's receive buffer is full", "the program reads too slowly: ss -tm; net.ipv4.tcp_rmem" },
		{ "SOCKET_BACKLOG", "the socket's backlog is full", "the program reads too slowly: ss -tm; net.ipv4.tcp_rmem" },
		{ "PROTO_MEM", "TCP's memory is used up", "cat /proc/net/sockstat; sysctl net.ipv4.tcp_mem (in pages)" },
		{ "CPU_BACKLOG", "a CPU's backlog is full", "net.core.netdev_max_backlog; spread the load over the CPUs (RSS, RPS)" },
		{ "NEIGH_", "the neighbour (ARP, NDP) does not answer or its table is full", "ip neigh; sysctl net.ipv4.neigh.default.gc_thresh3" },
	};

	for (size_t i = 0; x->known.drop_reason && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(x->drop_reason, rows[i].name, strlen(rows[i].name)) == 0)
			return &rows[i];
	return NULL;
}

void tcp_say_reason(struct text *text, const struct tcp_retransmit *x)
{
	const struct drop_reason *reason = reason_of(x);

	if (!x->known.drop_reason || !*x->drop_reason)
		return;
	text_format(text, " (%s", x->drop_reason);
	if (reason)
		text_format(text, ": %s", reason->words);
	text_add(text, ")");
}

void tcp_advise_reason(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	const struct drop_reason *reason = reason_of(x);
	struct text text = say_advice(ret);

	if (!reason) {
		text_add(&text, "see what drops them on this host: nft list ruleset; iptables -vnL; tc -s qdisc show; ip -s link; or by function "
				"of the kernel: dropwatch -l kas");
		return;
	}
	text_format(&text, "it was %s; look", reason->words);
	if (x->known.drop_netns)
		text_format(&text, " in the network namespace %llu (lsns -t net)", LLU(x->drop_netns));
	text_add(&text, ": ");
	if (!x->known.drop_netns)
		tcp_say_enter(&text, observation);
	text_add(&text, reason->advice);
}

/* ---- not sent --------------------------------------------------------------- */

bool tcp_not_sent_matches(const struct observation *observation)
{
	return tcp_not_sent(retransmit(observation));
}

/* what an errno of the way out means */
static const char *error_words(int64_t err)
{
	switch (err) {
	case -1:
		return "a firewall rule or a BPF program of this host refused it";
	case -11:
	case -16:
		return "the copy before has not left this host yet, it waits in a queue or at the driver";
	case -12:
		return "the kernel had no memory for it";
	case -90:
		return "it is larger than the interface takes";
	case -99:
		return "the address it was sent from is no longer on this host";
	case -100:
		return "the interface is down";
	case -101:
	case -113:
		return "there is no route, or the next hop does not answer";
	case -105:
	case 1:
	case 2:
		return "the queue of the interface (qdisc) is full or drops";
	default:
		return "this host could not send it";
	}
}

static void advise_not_sent(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	int64_t err = x->known.err ? x->err : 0;
	struct text text;

	if (x->known.drop_reason || err == -1) {
		tcp_advise_reason(observation, ret);
		return;
	}
	text = say_advice(ret);
	text_add(&text, "look: ");
	tcp_say_enter(&text, observation);
	if (err == -101 || err == -113 || err == -99 || err == -100) {
		text_add(&text, "ip route get ");
		if (x->known.daddr && *x->daddr)
			text_shell(&text, x->daddr, strlen(x->daddr));
		else
			text_add(&text, "PEER");
		text_add(&text, "; ip neigh; ip -br addr; ip -br link");
	} else {
		text_add(&text, "tc -s qdisc show   (dropped, overlimits); ip -s link; ethtool -S IF");
		tcp_advise(ret, "give the queue room or send less: a longer or fairer qdisc (fq_codel, fq), a higher rate in tc, a longer "
				"txqueuelen, or a limit in the program");
	}
}

void tcp_not_sent_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	uint64_t not_sent = tcp_not_sent(x), all = x->known.count ? x->count + not_sent - (x->known.failed ? x->failed : 0) : 0;
	char room[200];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	if (x->known.err && x->err)
		tcp_say_error(&why, x->err);
	else
		text_add(&why, "failed");
	text_format(&why, not_sent == 1 ? " once" : " %llu times", LLU(not_sent));
	if (x->known.err && x->err)
		text_format(&why, ", %s", error_words(x->err));
	text_format(&text, "not sent: %s", room);
	tcp_say_reason(&text, x);
	text_add(&text, ". That is no loss in the network: ");
	if (all > not_sent)
		text_format(&text, "%llu of the %llu segments did not leave this host", LLU(not_sent), LLU(all));
	else
		text_add(&text, not_sent == 1 ? "it did not leave this host" : "they did not leave this host");
	advise_not_sent(observation, ret);
	tcp_conclude(observation, BASIS_MEASURED, room, ret);
}

/* ---- dropped on the way out ---------------------------------------------------- */

bool tcp_dropped_out_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return x->known.drops_out && x->drops_out;
}

void tcp_dropped_out_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_add(&why, "this host dropped ");
	tcp_say_count(&why, x->drops_out, "segment", "segments");
	text_add(&why, " on the way out");
	tcp_say_reason(&why, x);
	text_add(&text, room);
	text_add(&text, ": TCP took them for sent and sends them again. The network had no part in it");
	tcp_advise_reason(observation, ret);
	tcp_conclude(observation, BASIS_MEASURED, room, ret);
}

/* ---- answers dropped ------------------------------------------------------------- */

/* what TCP itself throws away because it has it already: it is no trouble */
static bool is_harmless(const struct tcp_retransmit *x)
{
	static const char *const names[] = {
		"TCP_OLD_DATA", "TCP_OFOMERGE", "TCP_OLD_SEQUENCE", "TCP_OLD_ACK", "TCP_TOO_OLD_ACK", "TCP_RETRANSMIT",
	};

	for (size_t i = 0; x->known.drop_reason && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(x->drop_reason, names[i]) == 0)
			return true;
	return false;
}

static bool drops_in(const struct tcp_retransmit *x)
{
	return x->known.drops_in && x->drops_in && !is_harmless(x);
}

bool tcp_synack_dropped_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return tcp_is_class(x, RETRANSMIT_SYN) && drops_in(x);
}

void tcp_synack_dropped_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_add(&why, "the answers arrive and are dropped on this host");
	tcp_say_reason(&why, x);
	tcp_say_peer(&text, x);
	text_format(&text, " answers the SYN: ");
	tcp_say_count(&text, x->drops_in, "of its segments arrived and was", "of its segments arrived and were");
	text_add(&text, " dropped on this host");
	tcp_say_reason(&text, x);
	text_add(&text, ". Peer and network are well");
	tcp_advise_reason(observation, ret);
	tcp_advise(ret, "a firewall has to let answers in (ct state established,related accept), on the interface they come by");
	tcp_conclude(observation, BASIS_MEASURED, room, ret);
}

bool tcp_answers_dropped_matches(const struct observation *observation)
{
	return drops_in(retransmit(observation));
}

void tcp_answers_dropped_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_add(&why, "this host dropped ");
	tcp_say_count(&why, x->drops_in, "segment", "segments");
	text_add(&why, " from the peer that had arrived");
	tcp_say_reason(&why, x);
	text_add(&text, room);
	text_add(&text, ": the acknowledgements in them are lost here, and so TCP sends again what the peer may well have");
	tcp_advise_reason(observation, ret);
	/* it was seen that they are dropped, not what was in them */
	tcp_conclude(observation, BASIS_INFERRED, room, ret);
}
