// SPDX-License-Identifier: BSD-2-Clause
#include "tcp_view.h"

#include <string.h>

bool tcp_is_class(const struct tcp_retransmit *x, enum retransmit_class class)
{
	return x->known.class && x->class == class;
}

bool tcp_is_data(const struct tcp_retransmit *x)
{
	return tcp_is_class(x, RETRANSMIT_RTO) || tcp_is_class(x, RETRANSMIT_FAST) || tcp_is_class(x, RETRANSMIT_TLP);
}

bool tcp_is_probe_only(const struct tcp_retransmit *x)
{
	for (uint64_t i = 0; x->known.by_class && i < x->by_class_count; i++)
		if (x->by_class[i].known.class && x->by_class[i].class != RETRANSMIT_TLP)
			return false;
	return tcp_is_class(x, RETRANSMIT_TLP);
}

uint64_t tcp_not_sent(const struct tcp_retransmit *x)
{
	return (x->known.failed ? x->failed : 0) + (x->known.not_tried ? x->not_tried : 0);
}

/* who connects to an address of its own has that address, too */
bool tcp_is_own_peer(const struct tcp_retransmit *x)
{
	if (!x->known.daddr || !*x->daddr)
		return false;
	return strncmp(x->daddr, "127.", 4) == 0 || strcmp(x->daddr, "::1") == 0 ||
	       (x->known.saddr && strcmp(x->saddr, x->daddr) == 0);
}

bool tcp_is_connected(const struct tcp_retransmit *x)
{
	static const char *const states[] = { "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT", "CLOSING", "LAST_ACK",
					      "TIME_WAIT" };

	for (size_t i = 0; x->known.state && i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(x->state, states[i]) == 0)
			return true;
	return false;
}

bool tcp_got_on(const struct tcp_retransmit *x)
{
	return x->known.advanced && x->advanced;
}

bool tcp_stands_still(const struct tcp_retransmit *x)
{
	return x->known.advanced && !x->advanced;
}

bool tcp_backed_off(const struct tcp_retransmit *x, uint64_t times)
{
	return x->known.backoff && x->backoff >= times;
}

bool tcp_goes_on(const struct tcp_retransmit *x)
{
	return x->known.total && x->known.count && x->total > x->count;
}

/* at least num/den of them are bad */
static bool bad_share(uint64_t bad, uint64_t all, uint64_t num, uint64_t den)
{
	return all && bad <= all && (double)bad * den >= (double)all * num;
}

/* enough others to compare with, and hardly any of them is bad */
static bool clean(uint64_t bad, uint64_t all)
{
	return all >= 4 && bad <= all && !bad_share(bad, all, 1, 10);
}

static bool others_clean(const struct tcp_retransmit *x)
{
	return x->known.other_flows && x->known.other_flows_bad && clean(x->other_flows_bad, x->other_flows);
}

/* with one other peer many are no more than one: two subnets at least beside its own */
static bool others_bad(const struct tcp_retransmit *x)
{
	return x->known.other_subnets_bad && x->other_subnets_bad >= 2 && x->known.other_flows && x->known.other_flows_bad && x->other_flows >= 4 && x->other_flows_bad >= 3 &&
	       bad_share(x->other_flows_bad, x->other_flows, 1, 3);
}

/* peers of the subnet besides this one, and they are bad as well */
static bool subnet_bad(const struct tcp_retransmit *x)
{
	uint64_t peers = x->known.peer_flows ? x->peer_flows : 0, bad = x->known.peer_flows_bad ? x->peer_flows_bad : 0;

	if (!x->known.subnet_flows || !x->known.subnet_flows_bad || !x->known.peer_flows || !x->known.peer_flows_bad ||
	    x->subnet_flows < peers || x->subnet_flows_bad < bad)
		return false;
	return x->subnet_flows_bad - bad >= 2 && bad_share(x->subnet_flows_bad - bad, x->subnet_flows - peers, 1, 2);
}

/* the rest of the subnet, where there is any, is not bad */
static bool peer_bad(const struct tcp_retransmit *x)
{
	return x->known.peer_flows && x->known.peer_flows_bad && x->peer_flows_bad >= 2 &&
	       bad_share(x->peer_flows_bad, x->peer_flows, 1, 2);
}

enum tcp_scope tcp_scope(const struct tcp_retransmit *x)
{
	if (others_bad(x))
		return TCP_SCOPE_HOST;
	if (subnet_bad(x) && others_clean(x))
		return TCP_SCOPE_SUBNET;
	if (peer_bad(x) && others_clean(x) && !subnet_bad(x))
		return TCP_SCOPE_PEER;
	if (x->known.peer_flows && x->known.peer_flows_bad && x->peer_flows >= 3 && x->peer_flows_bad <= 1)
		return TCP_SCOPE_FLOW;
	return TCP_SCOPE_UNKNOWN;
}
