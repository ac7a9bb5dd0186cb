/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose a TCP socket is: asked of the kernel's tables of open files, never of the task that happened to run. */
#ifndef KWHY_TCP_OWNER_H
#define KWHY_TCP_OWNER_H

#include "bpf/tcp.h"
#include "session.h"

struct bpf_link;
struct bpf_map;
struct bpf_program;

enum { TCP_HOLDERS = 1024 };

/* processes that have sockets open; one that has several descriptors of one socket is there once */
struct tcp_holders {
	unsigned int count;
	struct tcp_holder_entry entries[TCP_HOLDERS];
};

/*
 * Goes through all open files once. wanted: the probe's map of sockets asked
 * for; NULL link: this kernel has no iterator, and nobody is found. -errno;
 * -ETIME: there were too many files for the time that is given to it.
 */
int tcp_holders_find(const struct bpf_link *link, const struct bpf_map *wanted, const uint64_t *sockets,
		     unsigned int count, struct tcp_holders *ret);
/*
 * Of a listening socket the port says whether it is the same one still; 0: it is
 * known to be. The process to name for a socket: the one that is preferred (who made it)
 * where it still has it open, else the one that lives longest. NULL: nobody.
 * *ret_sharing: how many have it open.
 */
const struct tcp_owner *tcp_holders_owner(const struct tcp_holders *holders, uint64_t sk, unsigned int port,
					  const struct tcp_owner *preferred, unsigned int *ret_sharing);
/* Who it is, where it runs, and what it was started as, where it still lives. */
void tcp_owner_fill(struct session *session, struct observation *observation, const struct tcp_owner *owner);

/* Runs a program that is attached to nothing, on a CPU or with up to three arguments. -errno. */
int tcp_ask(const struct bpf_program *program, uint64_t first, uint64_t second, uint64_t third);
int tcp_ask_cpu(const struct bpf_program *program, unsigned int cpu);

/*
 * The name of an interface: as the kernel told it ("": it did not), as it is in our own network namespace, else "#3".
 * The first of each is the loopback.
 */
void tcp_interface(char ret[16], const struct session *session, uint32_t netns, uint32_t index, const char *told);

/* 1: it is another network namespace than our own; 0: it is not; negative: that is unknown. */
int tcp_other_netns(const struct session *session, uint32_t netns);

#endif
