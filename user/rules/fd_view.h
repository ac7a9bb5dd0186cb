/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rules about descriptors see in an observation: use and limits of
 * both kinds alike, shares, how the number moves. Pure.
 */
#ifndef KWHY_FD_VIEW_H
#define KWHY_FD_VIEW_H

#include "observation.h"

#define SECOND_NS 1000000000ULL

struct fd_view {
	bool has_open, has_soft, has_hard, has_nr_open;
	uint64_t open, soft, hard, nr_open;
	uint64_t listed;	/* descriptors that types and groups tell of; 0: unknown */
	const struct fd_type *types;
	uint64_t type_count;
	const struct fd_group *groups;
	uint64_t group_count;
};

struct fd_view fd_view_of(const struct observation *observation);

/* Percent, at most 999. */
uint64_t fd_percent(uint64_t part, uint64_t whole);
/* "part" is at least num/den of "whole" and no more than the whole: a share that is none proves nothing. */
bool fd_is_share(uint64_t part, uint64_t whole, uint64_t num, uint64_t den);

/* The limit is this full: 70 is 70 %. False where either is unknown. */
bool fd_is_full(const struct fd_view *v, uint64_t percent);

/* Those that came and go by address: TCP, UDP, unix and other sockets. */
bool fd_is_socket(const char *type);
/* Those that have no name and no other end: one per use, thousands are nearly always forgotten ones. */
bool fd_is_anonymous(const char *type);

/* A TCP connection that the peer has closed. */
bool fd_is_close_wait(const struct fd_group *group);

/* The largest group with a count; NULL when there is none. */
const struct fd_group *fd_largest(const struct fd_view *v);
/* The largest type with a count; NULL when there is none. */
const struct fd_type *fd_largest_type(const struct fd_view *v);

/*
 * A soft limit worth setting: a power of two from "wanted" on, as far as the
 * hard limit (where it is above the soft one) and fs.nr_open allow. 0: the
 * present one is unknown, or nothing above it is allowed.
 */
uint64_t fd_next_limit(const struct fd_view *v, uint64_t wanted);
/* So many times what is open, or the whole limit where that is not known. */
uint64_t fd_times_open(const struct fd_view *v, uint64_t times);

/* ---- how the number moves --------------------------------------------- */

enum fd_movement {
	FD_MOVEMENT_UNKNOWN,	/* too few looks, or too short a time */
	FD_MOVEMENT_STILL,
	FD_MOVEMENT_GREW,
	FD_MOVEMENT_FELL,
};

/* From the first look to the last; less than 5, or 2 % of what is open, is still, where it was watched for long enough. */
enum fd_movement fd_moves(const struct fd_leak *l);
/* It was looked at often enough, and did not grow. */
bool fd_is_calm(const struct fd_leak *l);
/* All that it may have are open: that it does not grow proves nothing. */
bool fd_at_limit(const struct fd_leak *l);
/* How many more than at the first look; false when that is unknown. */
bool fd_grown(const struct fd_leak *l, int64_t *ret);

/* Per minute, where it agrees with the first look and the last; 0: no growth, or none that means anything. */
int64_t fd_rate(const struct fd_leak *l);

/* The history in fifths and thirds. */
struct fd_shape {
	bool known;		/* six points or more */
	uint64_t rising;	/* of five parts, those at whose end there were no fewer than at their beginning */
	int64_t grown;		/* over all of it */
	int64_t grown_late;	/* of this in the last third */
};

struct fd_shape fd_shape_of(const struct fd_leak *l);

/* Growth that may go on: by a site that leaks, or of the whole, and it does not slow down. */
bool fd_goes_on(const struct fd_leak *l);

/* What a site has more, as far as its type, or where that is unknown the process, has more. */
int64_t fd_site_net(const struct fd_leak *l, const struct fd_site *site);
/*
 * A site that grew all the time it was watched, and not only at first; first one
 * that keeps what it opens. NULL when there is none.
 */
const struct fd_site *fd_leaking_site(const struct fd_leak *l);

/* ---- stacks ------------------------------------------------------------ */

struct fd_stack {
	const char *frames;
	size_t stride;
	uint64_t count;
};

/* of a record with WORDS(..., stack, ...) */
#define FD_STACK(RECORD_POINTER) \
	((struct fd_stack){ (RECORD_POINTER)->stack[0], sizeof((RECORD_POINTER)->stack[0]), \
			    (RECORD_POINTER)->known.stack ? (RECORD_POINTER)->stack_count : 0 })

const char *fd_frame(const struct fd_stack *stack, uint64_t i);
/* There is a frame to show. */
bool fd_has_frames(const struct fd_stack *stack);

enum fd_code {
	FD_CODE_NONE,		/* nothing but the C library's own calls */
	FD_CODE_RUNTIME,	/* an interpreter's or a runtime's: its caller is not in the stack */
	FD_CODE_PROGRAM,
};

/* The innermost frame that is the program's own. *ret is untouched for FD_CODE_NONE. */
enum fd_code fd_code_frame(const struct fd_stack *stack, const char **ret);
/*
 * Who called that frame, where it is the program's own function and not the one it
 * starts in, or code of the same module where neither has a name; else NULL.
 */
const char *fd_caller_of(const struct fd_stack *stack, const char *frame);

/* ---- what is told of them ------------------------------------------------ */

struct text;

/* "serve (server.c:81)", and where its caller is known "BY" and that one; whether it is. */
bool fd_say_called_code(struct text *text, const struct fd_stack *stack, const char *frame, const char *by);
/* "; 43 % of the growth is from there, 56 % from pool_fill (pool.c:9)", or nothing */
void fd_leak_say_share(struct text *text, const struct fd_leak *l, const struct fd_site *leaking);

#endif
