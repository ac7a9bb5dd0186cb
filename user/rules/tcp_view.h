/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rules about retransmits see in an observation. Pure. */
#ifndef KWHY_TCP_VIEW_H
#define KWHY_TCP_VIEW_H

#include "observation.h"
#include "tcp_words.h"

bool tcp_is_class(const struct tcp_retransmit *x, enum retransmit_class class);
/* Data of a connection that stands: rto, fast or tlp. */
bool tcp_is_data(const struct tcp_retransmit *x);
/* Nothing but probes of the tail. */
bool tcp_is_probe_only(const struct tcp_retransmit *x);

/* Sends that came to nothing on this host: those that TCP counted and those it did not. */
uint64_t tcp_not_sent(const struct tcp_retransmit *x);

/* The peer's address is one of this host: both ends are here. False: it may be so all the same. */
bool tcp_is_own_peer(const struct tcp_retransmit *x);

/* The handshake is over, by its state. */
bool tcp_is_connected(const struct tcp_retransmit *x);

/* Known to have got on, or known not to, since the first of them. */
bool tcp_got_on(const struct tcp_retransmit *x);
bool tcp_stands_still(const struct tcp_retransmit *x);

/* The timeout was doubled so often, or more. */
bool tcp_backed_off(const struct tcp_retransmit *x, uint64_t times);

/* This line is not the first of its incident. */
bool tcp_goes_on(const struct tcp_retransmit *x);

/* ---- who else has trouble ------------------------------------------------ */

enum tcp_scope {
	TCP_SCOPE_UNKNOWN,
	TCP_SCOPE_FLOW,		/* this connection alone; others with the same peer are clean */
	TCP_SCOPE_PEER,		/* several connections with this peer, hardly any other */
	TCP_SCOPE_SUBNET,	/* several peers of its subnet, hardly anybody else */
	TCP_SCOPE_HOST,		/* those with everybody else, too */
};

enum tcp_scope tcp_scope(const struct tcp_retransmit *x);

#endif
