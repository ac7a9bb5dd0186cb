// SPDX-License-Identifier: BSD-2-Clause
#include "tcp_retransmit_words.h"

#include <string.h>

#include "say.h"

static struct tcp_end peer_of(const struct tcp_retransmit *x)
{
	return (struct tcp_end){ .address = x->known.daddr ? x->daddr : NULL, .has_port = x->known.dport, .port = x->dport,
				 .interface = x->known.interface ? x->interface : NULL };
}

void tcp_say_flow(struct text *text, const struct tcp_retransmit *x)
{
	struct tcp_end here = { .address = x->known.saddr ? x->saddr : NULL, .has_port = x->known.sport, .port = x->sport,
				.interface = x->known.interface ? x->interface : NULL };
	struct tcp_end peer = peer_of(x);

	if (!here.address && !here.has_port && !peer.address && !peer.has_port) {
		text_add(text, "a connection");
		return;
	}
	tcp_say_end(text, &here);
	text_add(text, " -> ");
	tcp_say_end(text, &peer);
}

void tcp_say_peer(struct text *text, const struct tcp_retransmit *x)
{
	struct tcp_end peer = peer_of(x);

	if (peer.address && *peer.address)
		tcp_say_end(text, &peer);
	else
		text_add(text, "the peer");
}

void tcp_say_error(struct text *text, int64_t err)
{
	static const struct {
		int64_t err;
		const char *name;
	} rows[] = {
		{ -1, "EPERM" }, { -11, "EAGAIN" }, { -12, "ENOMEM" }, { -16, "EBUSY" }, { -19, "ENODEV" }, { -22, "EINVAL" },
		{ -90, "EMSGSIZE" }, { -99, "EADDRNOTAVAIL" }, { -100, "ENETDOWN" }, { -101, "ENETUNREACH" },
		{ -105, "ENOBUFS" }, { -110, "ETIMEDOUT" }, { -113, "EHOSTUNREACH" }, { 1, "NET_XMIT_DROP" }, { 2, "NET_XMIT_CN" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].err == err) {
			text_add(text, rows[i].name);
			return;
		}
	text_format(text, "error %lld", (long long)err);
}

const char *tcp_class_name(enum retransmit_class class)
{
	static const char *const names[] = {
		[RETRANSMIT_RTO] = "rto", [RETRANSMIT_FAST] = "fast", [RETRANSMIT_TLP] = "tlp",
		[RETRANSMIT_SYN] = "syn", [RETRANSMIT_SYNACK] = "synack",
	};

	return class < sizeof(names) / sizeof(names[0]) && names[class] ? names[class] : "unknown";
}

void tcp_say_scope(struct text *text, const struct tcp_retransmit *x)
{
	uint64_t others = x->known.other_flows && x->known.other_flows_bad && x->other_flows > x->other_flows_bad ?
			  x->other_flows - x->other_flows_bad : 0;

	switch (tcp_scope(x)) {
	case TCP_SCOPE_HOST:
		text_format(text, ". %llu of %llu connections with others retransmit, too: the trouble is near this host",
			    LLU(x->other_flows_bad), LLU(x->other_flows));
		break;
	case TCP_SCOPE_SUBNET:
		text_format(text, ". %llu of %llu connections with %s retransmit, %llu with others do not", LLU(x->subnet_flows_bad),
			    LLU(x->subnet_flows), x->known.subnet && *x->subnet ? x->subnet : "its subnet", LLU(others));
		break;
	case TCP_SCOPE_PEER:
		text_format(text, ". %llu of %llu connections with this peer retransmit, %llu with others do not",
			    LLU(x->peer_flows_bad), LLU(x->peer_flows), LLU(others));
		break;
	case TCP_SCOPE_FLOW:
		text_format(text, ". The other %llu connections with this peer do not retransmit", LLU(x->peer_flows - 1));
		break;
	case TCP_SCOPE_UNKNOWN:
		break;
	}
}

void tcp_say_soft_error(struct text *text, const struct tcp_retransmit *x)
{
	if (x->known.soft_error && *x->soft_error)
		text_format(text, "; an ICMP message or the route said %s", x->soft_error);
}

/* ---- advice ------------------------------------------------------------- */

static bool has_scope(const struct tcp_retransmit *x)
{
	return strncmp(x->daddr, "fe80:", 5) == 0 && x->known.interface && *x->interface && *x->interface != '#';
}

void tcp_say_host(struct text *text, const struct tcp_retransmit *x)
{
	char room[80];
	struct text host = TEXT_ON(room);

	if (!x->known.daddr || !*x->daddr) {
		text_add(text, "PEER");
		return;
	}
	text_add(&host, x->daddr);
	if (has_scope(x))
		text_format(&host, "%%%s", x->interface);
	text_shell(text, room, host.length);
}

void tcp_say_route(struct text *text, const struct observation *observation)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;

	tcp_say_enter(text, observation);
	text_add(text, "ip route get ");
	if (!x->known.daddr || !*x->daddr) {
		text_add(text, "PEER");
		return;
	}
	text_shell(text, x->daddr, strlen(x->daddr));
	if (!has_scope(x))
		return;
	text_add(text, " oif ");
	text_shell(text, x->interface, strlen(x->interface));
}

/* there is no way to look at: the other end is a socket here */
static void advise_own_end(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;
	struct text text = say_advice(ret);

	text_add(&text, "look at the other end, on this host, too: ");
	tcp_say_enter(&text, observation);
	text_add(&text, "ss -tnap");
	if (x->known.dport)
		text_format(&text, " 'sport = :%llu'", LLU(x->dport));
}

void tcp_advise_path(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;
	struct text text;

	if (tcp_is_own_peer(x)) {
		advise_own_end(observation, ret);
		return;
	}
	if (!x->known.daddr || !*x->daddr) {
		tcp_advise(ret, "look at the way to the peer: mtr; ip route get");
		return;
	}
	text = say_advice(ret);
	text_add(&text, "see where on the way it is lost: ");
	tcp_say_enter(&text, observation);
	text_add(&text, "mtr -n -r -c 20 ");
	if (x->known.dport)
		text_format(&text, "-T -P %llu ", LLU(x->dport));
	tcp_say_host(&text, x);
	say_whole(&text, &ret->diagnosis.advice_count);
}

/* ---- the end of every rule ----------------------------------------------- */

static void verify_flow(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;
	char room[96];
	struct text end = TEXT_ON(room), text;
	bool six = x->known.daddr && strchr(x->daddr, ':');

	if (x->known.daddr && *x->daddr) {
		text_format(&end, "%s%s%s", six ? "[" : "", x->daddr, six ? "]" : "");
		if (x->known.dport)
			text_format(&end, ":%llu", LLU(x->dport));
		text = say_verify(ret);
		tcp_say_enter(&text, observation);
		text_add(&text, "ss -tien dst ");
		text_shell(&text, room, end.length);
		text_add(&text, "   (retrans:, backoff: and unacked: must not rise)");
	}
	text = say_verify(ret);
	tcp_say_enter(&text, observation);
	text_add(&text, "nstat -az TcpRetransSegs TcpExtTCPTimeouts TcpExtTCPRetransFail TcpExtTCPSynRetrans   (all of this namespace)");
}

static void say_sent(struct text *text, const struct tcp_retransmit *x)
{
	const char *many = "segments", *one = "segment";
	uint64_t failed = x->known.failed ? x->failed : 0, not_sent = tcp_not_sent(x);
	bool none = not_sent && x->known.count && failed == x->count;

	if (tcp_is_class(x, RETRANSMIT_SYN)) {
		one = "SYN";
		many = "SYNs";
	} else if (tcp_is_class(x, RETRANSMIT_SYNACK)) {
		one = "SYN-ACK";
		many = "SYN-ACKs";
	}
	if (x->known.count)
		tcp_say_count(text, none ? not_sent : x->count, one, many);
	else
		text_add(text, many);
	text_add(text, none ? " not sent again" : " sent again");
	if (tcp_is_data(x))
		text_format(text, " (%s)", tcp_class_name(x->class));
	tcp_say_in(text, x->known.window_ns && x->known.count && x->count > 1, x->window_ns);
}

void tcp_conclude(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;
	struct text text;

	verify_flow(observation, ret);
	KNOW(&ret->diagnosis, confidence, basis);
	/* people need not hear again of what was no trouble */
	ret->repeats = ret->severity <= SEVERITY_NOTICE && tcp_goes_on(x);
	text = say_message(ret);
	tcp_say_owner(&text, observation);
	text_add(&text, " ");
	tcp_say_flow(&text, x);
	text_add(&text, tcp_goes_on(x) ? " goes on: " : ": ");
	say_sent(&text, x);
	if (why && *why)
		text_format(&text, ": %s", why);
}
