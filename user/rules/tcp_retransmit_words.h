/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences, advice and commands that the rules about retransmits share. Pure. */
#ifndef KWHY_TCP_RETRANSMIT_WORDS_H
#define KWHY_TCP_RETRANSMIT_WORDS_H

#include "diagnosis.h"
#include "tcp_drops.h"
#include "tcp_view.h"
#include "text.h"

/* Title, severity, resource, evidence. */
void tcp_retransmit_describe(const struct observation *observation, struct verdict *ret);

/* "10.0.0.5:41022 -> 10.0.3.17:5432" */
void tcp_say_flow(struct text *text, const struct tcp_retransmit *x);
/* "10.0.3.17:5432", "the peer" */
void tcp_say_peer(struct text *text, const struct tcp_retransmit *x);
/* "rto" */
const char *tcp_class_name(enum retransmit_class class);
/* "ENOBUFS", "error -71" */
void tcp_say_error(struct text *text, int64_t err);
/* ". 41 of 43 connections with 10.0.3.0/24 retransmit, 310 with others do not: ...", or nothing */
void tcp_say_scope(struct text *text, const struct tcp_retransmit *x);
/* "; an ICMP message or the route said EHOSTUNREACH", or nothing */
void tcp_say_soft_error(struct text *text, const struct tcp_retransmit *x);

/* The peer's address for a command: "10.0.3.17", "fe80::b%eth0", "PEER" */
void tcp_say_host(struct text *text, const struct tcp_retransmit *x);
/* "ip route get 10.0.3.17", "ip route get fe80::b oif eth0", each command in its network namespace */
void tcp_say_route(struct text *text, const struct observation *observation);
/* How to look at the way to the peer; where there is none, at its socket. */
void tcp_advise_path(const struct observation *observation, struct verdict *ret);

/* Last of all: how sure it is, the commands, and the message with "why" in a few words, or NULL. */
void tcp_conclude(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret);

/* Rules on this host's own part. */
bool tcp_not_sent_matches(const struct observation *observation);
void tcp_not_sent_explain(const struct observation *observation, struct verdict *ret);
bool tcp_next_hop_matches(const struct observation *observation);
void tcp_next_hop_explain(const struct observation *observation, struct verdict *ret);
bool tcp_dropped_out_matches(const struct observation *observation);
void tcp_dropped_out_explain(const struct observation *observation, struct verdict *ret);
bool tcp_synack_dropped_matches(const struct observation *observation);
void tcp_synack_dropped_explain(const struct observation *observation, struct verdict *ret);
bool tcp_answers_dropped_matches(const struct observation *observation);
void tcp_answers_dropped_explain(const struct observation *observation, struct verdict *ret);

bool tcp_dropped_there_matches(const struct observation *observation);
void tcp_dropped_there_explain(const struct observation *observation, struct verdict *ret);

/* Rules on the handshake. */
bool tcp_syn_late_matches(const struct observation *observation);
void tcp_syn_late_explain(const struct observation *observation, struct verdict *ret);
bool tcp_syn_unreachable_matches(const struct observation *observation);
void tcp_syn_unreachable_explain(const struct observation *observation, struct verdict *ret);
bool tcp_syn_unanswered_matches(const struct observation *observation);
void tcp_syn_unanswered_explain(const struct observation *observation, struct verdict *ret);
bool tcp_synack_full_matches(const struct observation *observation);
void tcp_synack_full_explain(const struct observation *observation, struct verdict *ret);
bool tcp_synack_unanswered_matches(const struct observation *observation);
void tcp_synack_unanswered_explain(const struct observation *observation, struct verdict *ret);

/* Rules on loss. */
bool tcp_lossy_host_matches(const struct observation *observation);
void tcp_lossy_host_explain(const struct observation *observation, struct verdict *ret);
bool tcp_lossy_subnet_matches(const struct observation *observation);
void tcp_lossy_subnet_explain(const struct observation *observation, struct verdict *ret);
bool tcp_lossy_peer_matches(const struct observation *observation);
void tcp_lossy_peer_explain(const struct observation *observation, struct verdict *ret);
bool tcp_tail_probe_matches(const struct observation *observation);
void tcp_tail_probe_explain(const struct observation *observation, struct verdict *ret);
bool tcp_path_loss_matches(const struct observation *observation);
void tcp_path_loss_explain(const struct observation *observation, struct verdict *ret);

#endif
