/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the kind tcp_retransmit: what its parts share. */
#ifndef KWHY_TCP_RETRANSMIT_KIND_H
#define KWHY_TCP_RETRANSMIT_KIND_H

#include "enum_words.h"
#include "session.h"
#include "table.h"
#include "tcp_owner.h"

struct tcp_retransmit_bpf;

enum {
	FLOWS = 16384,		/* as many as the probe has */
	FLOW_GROUPS = 4096,	/* likewise */
	FLOW_BATCH = 128,	/* told of after one pass over all open files */
};

#define FLOW_BAD_NS 60000000000ULL	/* a connection that retransmitted in this time is a bad one */

/*
 * A connection that retransmits, from the first segment on. Its lines come
 * further and further apart while it goes on.
 */
struct retransmit_flow {
	uint64_t hash;		/* the key of the table */
	struct flow_key key;
	struct flow_state state;	/* the last that was seen */
	struct tcp_maker connected, listening;	/* as the kernel knew them then */
	struct tcp_owner owner;	/* as it was told last */
	enum owner_basis owner_by;	/* 0: nobody is known */
	unsigned int sharing;
	bool gone;		/* the socket; its address may be another's */
	struct flow counts;	/* as last read from the kernel */
	struct flow told;	/* of these */
	uint64_t told_dsack;
	uint64_t first_ns, told_ns;
	uint64_t due_ns;	/* when it is looked at again; 0: when there is news */
	uint64_t total;		/* segments told since it began */
	unsigned int lines;
};

enum { FLOW_SUBNETS = 9 };	/* eight, and one's own */

/* connections of a namespace, or with a peer or its subnet */
struct flow_group {
	uint64_t hash;
	struct flow_group_key key;
	uint64_t flows, bad;
	/* by hash, those of the peers that are bad; of the group of all */
	uint64_t subnets[FLOW_SUBNETS];
	unsigned int subnet_count;
};

struct tcp_retransmit_state {
	struct session *session;
	struct table flows;
	struct table groups;
	struct tcp_holders holders;
	struct enum_words reasons;
	struct retransmit_flow *batch[FLOW_BATCH];
	unsigned int batch_count;
	bool passed;		/* all open files were gone through for this batch */
	uint64_t due_ns, swept_ns;
	uint64_t unheard;	/* times the kernel had no place in the ring, as seen last */
	uint64_t hz;
	uint64_t bad_records;
};

const struct tcp_retransmit_bpf *tcp_retransmit_skeleton(const struct tcp_retransmit_state *state);
/* tcp_retransmit_look.c: finds whose the flows of the batch are, and how many connections their peers have. */
void tcp_retransmit_look(struct tcp_retransmit_state *state);
/* The group a flow is in: bits 0 its namespace, 64 or 120 its subnet, 128 its peer. NULL: it was not asked for. */
const struct flow_group *tcp_retransmit_group(const struct tcp_retransmit_state *state, const struct flow_key *key,
					      unsigned int bits);
/* True when the peer opened the connection; *ret_known: whether that can be said. */
bool tcp_retransmit_accepted(const struct retransmit_flow *flow, bool *ret_known);
/* tcp_retransmit_tell.c: all that is known of it, as an observation, which is delivered. */
void tcp_retransmit_tell(struct tcp_retransmit_state *state, struct retransmit_flow *flow);

#endif
