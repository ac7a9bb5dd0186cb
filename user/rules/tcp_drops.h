/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's reasons for what this host dropped, on each of the two ways, and where that puts it. Pure. */
#ifndef KWHY_TCP_DROPS_H
#define KWHY_TCP_DROPS_H

#include "diagnosis.h"
#include "text.h"

/* a segment of this side, one of the peer's */
enum tcp_way { TCP_OUT, TCP_IN };

enum tcp_place {
	TCP_PLACE_UNKNOWN,
	TCP_PLACE_HERE,		/* a rule or queue between the two ends */
	TCP_PLACE_NEIGHBOUR,	/* the next hop does not say where it is */
	TCP_PLACE_RECEIVER,	/* who was to have it: of one on its way out the other end, on this host, too */
	TCP_PLACE_HARMLESS,	/* the receiver has it already */
};

/* How many were dropped on that way. */
uint64_t tcp_drops(const struct tcp_retransmit *x, enum tcp_way way);
/* The kernel's reason for the last of them, or NULL. */
const char *tcp_drop_reason(const struct tcp_retransmit *x, enum tcp_way way);
bool tcp_drop_is(const struct tcp_retransmit *x, enum tcp_way way, const char *reason);
/* The network namespace where that was, 0 for that of the connection. */
uint64_t tcp_drop_netns(const struct tcp_retransmit *x, enum tcp_way way);
enum tcp_place tcp_drop_place(const struct tcp_retransmit *x, enum tcp_way way);

/* " (NETFILTER_DROP: a firewall rule)", or nothing */
void tcp_say_reason(struct text *text, const struct tcp_retransmit *x, enum tcp_way way);
/* How to find what drops for that reason. */
void tcp_advise_reason(const struct observation *observation, enum tcp_way way, struct verdict *ret);

#endif
