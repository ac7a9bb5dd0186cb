/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rules about full accept queues see in an observation. Pure. */
#ifndef KWHY_ACCEPT_VIEW_H
#define KWHY_ACCEPT_VIEW_H

#include "observation.h"
#include "tcp_words.h"

enum accept_pace {
	ACCEPT_PACE_UNKNOWN,
	ACCEPT_PACE_NONE,	/* nobody took a connection for a quarter of a second or more, though the queue was full */
	ACCEPT_PACE_GOES_ON,
};

enum accept_pace accept_pace(const struct accept_overflow *x);

/* Those who ought to call accept() are in that state, and nobody else is known to be able to. */
bool accept_is(const struct accept_overflow *x, enum acceptor_state state);

/* Per second, rounded; false where that is unknown. */
bool accept_rate(const struct accept_overflow *x, uint64_t *ret);
bool accept_arrivals(const struct accept_overflow *x, uint64_t *ret);

/* How long a full queue takes to be emptied at the rate of now; false where that is unknown. */
bool accept_drain(const struct accept_overflow *x, uint64_t *ret_ns);

/* Of a SO_REUSEPORT group some are full and others are not. */
bool accept_group_uneven(const struct accept_overflow *x);
/* A member that is full, this line's own rather than another; NULL where none is known. */
const struct reuseport_member *accept_full_member(const struct accept_overflow *x);
/* How many wait in this line's own socket now; false where that is unknown. */
bool accept_queue_now(const struct accept_overflow *x, uint64_t *ret);

/* Which bound set the limit; false where either may have: the call of listen() was not seen. */
bool accept_bound(const struct accept_overflow *x, enum overflow_bound *ret);
/* A length for the queue that would have taken those who were turned away. */
uint64_t accept_wanted(const struct accept_overflow *x);
/* The program is known to have asked for less than that. A negative argument asks for all there is. */
bool accept_asked_less(const struct accept_overflow *x);

/* Of several processes that have the socket the one that acceptor_state tells of; NULL: there is one, or none fits. */
const struct tcp_holder *accept_acceptor(const struct accept_overflow *x);
/* Several processes have the socket and one of them at least accepts: which one is not known. */
bool accept_anonymous(const struct accept_overflow *x);
/* What the busiest of all that share the socket uses of a CPU; false where that is not known of each. */
bool accept_busiest(const struct accept_overflow *x, uint64_t *ret_percent);
/* Its pid, or that of the owner; false where that is unknown. */
bool accept_acceptor_pid(const struct observation *observation, uint64_t *ret);

/* This line is not the first of its incident. */
bool accept_goes_on(const struct accept_overflow *x);

#endif
