/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences, advice and commands that the rules about full accept queues share. Pure. */
#ifndef KWHY_ACCEPT_WORDS_H
#define KWHY_ACCEPT_WORDS_H

#include "accept_view.h"
#include "diagnosis.h"
#include "text.h"

/* Title, severity, resource, evidence. */
void accept_describe(const struct observation *observation, struct verdict *ret);

/* "0.0.0.0:8080", "[::]:443" */
void accept_say_listener(struct text *text, const struct accept_overflow *x);
/* ". It is one of 8 SO_REUSEPORT sockets ..., 1 of them full ...", or nothing */
void accept_say_group(struct text *text, const struct accept_overflow *x);
/* ". Of 5 processes that share the socket 3 are blocked in another call", or nothing */
void accept_say_holders(struct text *text, const struct accept_overflow *x);
bool accept_is_no_server_call(const char *call);
/* ". There was no accept() for at least 4.8 s", or nothing */
void accept_say_since(struct text *text, const struct accept_overflow *x);
/* "listen(511)": the name of what set the limit; false where that is unknown */
bool accept_say_bound(struct text *text, const struct accept_overflow *x);

/* "worker[815]": who ought to accept and is told of, mostly the owner */
void accept_say_acceptor(struct text *text, const struct observation *observation);

/* That a larger queue does not help who does not accept; against a short pause it does. */
void accept_advise_no_queue(const struct observation *observation, struct verdict *ret);
/* How this program is given a longer queue; what somaxconn has to be for it. */
void accept_advise_backlog(const struct observation *observation, struct verdict *ret);
void accept_advise_somaxconn(const struct observation *observation, struct verdict *ret);
/* That the socket has to listen anew. */
void accept_advise_listen_again(const struct observation *observation, struct verdict *ret);
/* Where the thread is: its stack in the kernel and of the program. */
void accept_advise_stack(const struct observation *observation, struct verdict *ret);

/* Last of all: how sure it is, the commands, and the message with "why" in a few words, or NULL. */
void accept_conclude(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret);

/* Rules on the length of the queue. */
bool accept_tiny_matches(const struct observation *observation);
void accept_tiny_explain(const struct observation *observation, struct verdict *ret);
bool accept_paused_matches(const struct observation *observation);
void accept_paused_explain(const struct observation *observation, struct verdict *ret);
bool accept_slow_matches(const struct observation *observation);
void accept_slow_explain(const struct observation *observation, struct verdict *ret);
bool accept_then_matches(const struct observation *observation);
void accept_then_explain(const struct observation *observation, struct verdict *ret);
bool accept_now_matches(const struct observation *observation);
void accept_now_explain(const struct observation *observation, struct verdict *ret);
bool accept_listen_matches(const struct observation *observation);
void accept_listen_explain(const struct observation *observation, struct verdict *ret);
bool accept_either_matches(const struct observation *observation);
void accept_either_explain(const struct observation *observation, struct verdict *ret);

#endif
