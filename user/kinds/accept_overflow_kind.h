/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the kind accept_overflow: what its parts share. */
#ifndef KWHY_ACCEPT_OVERFLOW_KIND_H
#define KWHY_ACCEPT_OVERFLOW_KIND_H

#include "acceptor.h"
#include "session.h"
#include "table.h"
#include "tcp_owner.h"

struct accept_overflow_bpf;

enum {
	OVERFLOW_INCIDENTS = 4096,	/* as many as the probe has */
	OVERFLOW_WATCHED = 16,
};

/* what a process that ought to call accept() did when it was looked at */
struct overflow_acceptor {
	struct tcp_owner owner;
	struct acceptor acceptor;
	uint64_t soft, open;	/* descriptors; soft 0: their limit is not reached */
	uint64_t idle_ns;	/* since the thread that is told of ran last; 0: not known */
	bool master;		/* the parent of others that have the socket, too */
};

/* the queue at a moment, and how many had come until then */
struct overflow_sample {
	struct listener_state state;
	uint64_t established;
	uint64_t ns;	/* CLOCK_BOOTTIME */
	bool late;	/* how many came before it, since the first of the line was turned away, is not known */
};

/*
 * A listening socket that overflows, from the first time on. Its lines come
 * further and further apart while it goes on.
 */
struct overflow_incident {
	uint64_t hash;			/* the key of the table */
	struct overflow_event event;	/* the first of the line */
	struct overflow_counts counts;	/* as last read from the kernel */
	struct overflow_counts told;	/* of these */
	uint64_t first_ns, told_ns, due_ns;
	uint64_t total;			/* overflows told since it began */
	unsigned int lines;
	struct overflow_sample sample;	/* when the line began: at its first, or the end of the one before */
	struct tcp_owner owner;
	enum owner_basis owner_by;	/* 0: nobody */
	unsigned int sharing;
	struct overflow_acceptor acceptors[OVERFLOW_WATCHED];
	unsigned int acceptor_count;
	/* the sockets of its port: more than one where they share it */
	uint64_t group[LISTENERS_PER_PORT];
	uint64_t group_pid[LISTENERS_PER_PORT];
	char group_comm[LISTENERS_PER_PORT][16];
	unsigned int group_count;
	unsigned int port_count;	/* all that listen on its port, whatever the address: those who come are counted by port */
	uint64_t looked_ns;
};

struct accept_overflow_state {
	struct session *session;
	struct table incidents;
	struct tcp_holders holders;
	unsigned int active;	/* incidents whose connections are counted */
	uint64_t due_ns, swept_ns;
	uint64_t unheard;	/* times the kernel had no place in the ring, as seen last */
	uint64_t hz;
	uint64_t clients_forgotten;	/* how many were, of all that were counted */
	uint64_t bad_records;
};

const struct accept_overflow_bpf *accept_overflow_skeleton(const struct accept_overflow_state *state);
/* The socket as it is now; false: it is gone, or listens no more. */
bool accept_overflow_sample(const struct accept_overflow_state *state, const struct overflow_key *key,
			    struct overflow_sample *ret);
/* accept_overflow_look.c: who has the socket, what those do, which others share the port. */
void accept_overflow_look(struct accept_overflow_state *state, struct overflow_incident *incident);
/* How long a thread has not run, at least; 0: not known. */
uint64_t accept_overflow_idle(const struct session *s, uint64_t pid, uint64_t tid);
/* accept_overflow_tell.c: all that is known of it, as an observation, which is delivered. */
void accept_overflow_tell(struct accept_overflow_state *state, struct overflow_incident *incident);

#endif
