/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side of the kinds about TCP, played: what they ask of it through
 * libbpf is answered here, by definitions that come before the library's. The
 * clock goes when a test says so.
 */
#ifndef KWHY_TESTS_TCP_KERNEL_H
#define KWHY_TESTS_TCP_KERNEL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "bpf/tcp.h"
#include "session.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "accept_overflow.skel.h"
#include "tcp_retransmit.skel.h"
#pragma GCC diagnostic pop

enum { KERNEL_LISTENERS = 160, KERNEL_HOLDERS = 2048, KERNEL_FLOWS = 1024, KERNEL_GROUPS = 512, KERNEL_WANTED = 512 };
/* which map or program is meant, by what stands for its address */
enum {
	MAP_OVERFLOWS = 1001, MAP_PORTS, MAP_CLIENTS, MAP_LOOKED, MAP_LISTENERS_WANTED,
	MAP_FLOWS, MAP_ASKED, MAP_ANSWER, MAP_GROUPS, MAP_SOCKETS_WANTED, MAP_OWNERS, MAP_LISTENING, MAP_LISTENERS,
	PROGRAM_LOOK_AT_LISTENER, PROGRAM_LOOK_AT_FLOW, PROGRAM_LEARN_CPU,
};

/* a socket that listens, and what was counted of it; one that is closed keeps its counts */
struct kernel_listener {
	struct overflow_key key;
	struct listener_state state;
	struct listener made;
	bool has_made, closed, counted;
	struct overflow_counts counts;
};

struct kernel_flow {
	struct flow_key key;
	struct flow_state state;	/* valid 0: the socket is gone */
	bool counted, has_made;
	struct flow counts;
	struct tcp_owner made;		/* by connect(), of counts.sk */
};

static struct {
	uint64_t now_ns;
	int pass_error;
	unsigned int passes, clients, forgotten;
	struct kernel_listener listeners[KERNEL_LISTENERS];
	unsigned int listener_count;
	struct tcp_holder_entry holders[KERNEL_HOLDERS];
	unsigned int holder_count;
	struct kernel_flow flows[KERNEL_FLOWS];
	unsigned int flow_count;
	/* those that a pass sees */
	struct flow_key connections[KERNEL_FLOWS];
	unsigned int connection_count;
	struct {
		struct flow_group_key key;
		uint64_t count;
	} groups[KERNEL_GROUPS];
	unsigned int group_count;
	uint64_t wanted[KERNEL_WANTED];
	unsigned int wanted_count;
	struct listener_state looked;
	struct flow_key asked;
	struct flow_state answer;
} kernel;

/* ---- what is there -------------------------------------------------------- */

/* kernel.now_ns is set anew, too: 1000 s after the start */
static inline void kernel_clear(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.now_ns = 1000 * 1000000000ULL;
}

#define FAKE(TYPE, NUMBER) ((TYPE *)(uintptr_t)(NUMBER))

/* the kind has its probe; before it is opened */
static inline void kernel_arm(struct kind_run *run)
{
	static struct accept_overflow_bpf__data accept_data;
	static struct tcp_retransmit_bpf__data retransmit_data;
	static struct accept_overflow_bpf accept_probe = {
		.data = &accept_data,
		.links.find_listeners = FAKE(struct bpf_link, 1),
		.progs = { .look_at_listener = FAKE(struct bpf_program, PROGRAM_LOOK_AT_LISTENER),
			   .learn_cpu = FAKE(struct bpf_program, PROGRAM_LEARN_CPU) },
		.maps = { .overflows = FAKE(struct bpf_map, MAP_OVERFLOWS), .ports = FAKE(struct bpf_map, MAP_PORTS),
			  .clients = FAKE(struct bpf_map, MAP_CLIENTS),
			  .looked = FAKE(struct bpf_map, MAP_LOOKED),
			  .listeners = FAKE(struct bpf_map, MAP_LISTENERS),
			  .wanted_sockets = FAKE(struct bpf_map, MAP_LISTENERS_WANTED) },
	};
	static struct tcp_retransmit_bpf retransmit_probe = {
		.data = &retransmit_data,
		.links.find_sockets = FAKE(struct bpf_link, 1),
		.progs.look_at_flow = FAKE(struct bpf_program, PROGRAM_LOOK_AT_FLOW),
		.maps = { .flows = FAKE(struct bpf_map, MAP_FLOWS), .asked = FAKE(struct bpf_map, MAP_ASKED),
			  .answer = FAKE(struct bpf_map, MAP_ANSWER), .groups = FAKE(struct bpf_map, MAP_GROUPS),
			  .owners = FAKE(struct bpf_map, MAP_OWNERS), .listening = FAKE(struct bpf_map, MAP_LISTENING),
			  .wanted_sockets = FAKE(struct bpf_map, MAP_SOCKETS_WANTED) },
	};

	run->probe.wrapper = run->type->kind == KIND_accept_overflow ? (void *)&accept_probe : &retransmit_probe;
}

static inline struct kernel_listener *kernel_listener_of(const struct overflow_key *key)
{
	for (unsigned int i = 0; i < kernel.listener_count; i++)
		if (memcmp(&kernel.listeners[i].key, key, sizeof(*key)) == 0)
			return &kernel.listeners[i];
	return NULL;
}

static inline struct kernel_flow *kernel_flow_of(const struct flow_key *key)
{
	for (unsigned int i = 0; i < kernel.flow_count; i++)
		if (memcmp(&kernel.flows[i].key, key, sizeof(*key)) == 0)
			return &kernel.flows[i];
	return NULL;
}

static inline struct tcp_holder_entry *kernel_holds(uint64_t sk, uint32_t pid, uint64_t start_ns)
{
	struct tcp_holder_entry *e = &kernel.holders[kernel.holder_count++];

	if (kernel.holder_count > KERNEL_HOLDERS)
		abort();
	*e = (struct tcp_holder_entry){ .sk = sk, .soft = 1024 };
	e->owner = (struct tcp_owner){ .tgid = pid, .start_ns = start_ns, .since_ns = 1, .ppid = 1, .comm = "server",
				       .parent_comm = "init" };
	return e;
}

/* ---- what libbpf is asked --------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (clock != CLOCK_BOOTTIME)
		return syscall(SYS_clock_gettime, clock, ret);
	*ret = (struct timespec){ .tv_sec = kernel.now_ns / 1000000000, .tv_nsec = kernel.now_ns % 1000000000 };
	return 0;
}

int bpf_link__fd(const struct bpf_link *link)
{
	(void)link;
	return 0;
}

int bpf_map__fd(const struct bpf_map *map)
{
	return (uintptr_t)map;
}

int bpf_program__fd(const struct bpf_program *program)
{
	return (uintptr_t)program;
}

static inline bool kernel_wants(uint64_t sk)
{
	for (unsigned int i = 0; i < kernel.wanted_count; i++)
		if (kernel.wanted[i] == sk)
			return true;
	return false;
}

static inline bool kernel_is_in(const struct flow_group_key *group, const struct flow_key *flow)
{
	uint8_t subnet[16];

	subnet_of(subnet, flow->peer);
	return group->net == flow->net &&
	       (!group->bits || memcmp(group->prefix, group->bits == 128 ? flow->peer : subnet, 16) == 0);
}

/* a pass shows which sockets listen, and where */
static inline void kernel_show(int fd, struct tcp_holder_entry e)
{
	for (unsigned int i = 0; i < kernel.listener_count; i++) {
		const struct kernel_listener *l = &kernel.listeners[i];

		if (l->key.sk == e.sk && !l->closed) {
			e.state = 10;
			e.port = l->key.port;
		}
	}
	if (write(fd, &e, sizeof(e)) != sizeof(e))
		abort();
}

/* a pass over all open files */
int bpf_iter_create(int link_fd)
{
	int fd;

	(void)link_fd;
	if (kernel.pass_error) {
		errno = kernel.pass_error;
		return -errno;
	}
	kernel.passes++;
	fd = memfd_create("pass", MFD_CLOEXEC);
	for (unsigned int i = 0; i < kernel.holder_count; i++)
		if (kernel_wants(kernel.holders[i].sk))
			kernel_show(fd, kernel.holders[i]);
	for (unsigned int g = 0; g < kernel.group_count; g++)
		for (unsigned int i = 0; i < kernel.connection_count; i++)
			kernel.groups[g].count += kernel_is_in(&kernel.groups[g].key, &kernel.connections[i]);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static inline void kernel_look_at_listener(const uint64_t arguments[3])
{
	memset(&kernel.looked, 0, sizeof(kernel.looked));
	for (unsigned int i = 0; i < kernel.listener_count; i++) {
		const struct kernel_listener *l = &kernel.listeners[i];

		if (l->key.sk == arguments[0] && l->key.net == arguments[1] && l->key.port == arguments[2] && !l->closed)
			kernel.looked = l->state;
	}
}

int bpf_prog_test_run_opts(int fd, struct bpf_test_run_opts *options)
{
	const struct kernel_flow *flow;

	switch (fd) {
	case PROGRAM_LOOK_AT_LISTENER:
		kernel_look_at_listener(options->ctx_in);
		return 0;
	case PROGRAM_LOOK_AT_FLOW:
		flow = kernel_flow_of(&kernel.asked);
		kernel.answer = flow ? flow->state : (struct flow_state){ 0 };
		return 0;
	case PROGRAM_LEARN_CPU:
		return 0;
	}
	abort();
}

static inline int kernel_ports(const struct tcp_port_key *key, struct tcp_port *ret)
{
	unsigned int count = 0;

	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < kernel.listener_count && count < LISTENERS_PER_PORT; i++) {
		const struct kernel_listener *l = &kernel.listeners[i];

		if (l->key.net == key->net && l->key.port == key->port && !l->closed)
			ret->sk[count++] = l->key.sk;
	}
	return count ? 0 : -ENOENT;
}

static inline int kernel_give(void *value, const void *found, size_t size)
{
	if (!found)
		return -ENOENT;
	memcpy(value, found, size);
	return 0;
}

static inline const struct tcp_owner *kernel_made(const uint64_t *sk)
{
	for (unsigned int i = 0; i < kernel.flow_count; i++)
		if (kernel.flows[i].has_made && kernel.flows[i].counts.sk == *sk)
			return &kernel.flows[i].made;
	return NULL;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	const struct kernel_listener *l = fd == MAP_OVERFLOWS ? kernel_listener_of(key) : NULL;
	const struct kernel_flow *flow = fd == MAP_FLOWS ? kernel_flow_of(key) : NULL;

	switch (fd) {
	case MAP_OVERFLOWS:
		return kernel_give(value, l && l->counted ? &l->counts : NULL, sizeof(l->counts));
	case MAP_FLOWS:
		return kernel_give(value, flow && flow->counted ? &flow->counts : NULL, sizeof(flow->counts));
	case MAP_LOOKED:
		return kernel_give(value, &kernel.looked, sizeof(kernel.looked));
	case MAP_ANSWER:
		return kernel_give(value, &kernel.answer, sizeof(kernel.answer));
	case MAP_PORTS:
		return kernel_ports(key, value);
	case MAP_OWNERS:
		return kernel_give(value, kernel_made(key), sizeof(struct tcp_owner));
	case MAP_LISTENING:
		return -ENOENT;
	case MAP_LISTENERS:
		for (unsigned int i = 0; i < kernel.listener_count; i++)
			if (kernel.listeners[i].has_made && kernel.listeners[i].key.sk == *(const uint64_t *)key)
				return kernel_give(value, &kernel.listeners[i].made, sizeof(struct listener));
		return -ENOENT;
	case MAP_GROUPS:
		for (unsigned int i = 0; i < kernel.group_count; i++)
			if (memcmp(&kernel.groups[i].key, key, sizeof(kernel.groups[i].key)) == 0)
				return kernel_give(value, &kernel.groups[i].count, sizeof(kernel.groups[i].count));
		return -ENOENT;
	}
	abort();
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	(void)flags;
	switch (fd) {
	case MAP_ASKED:
		memcpy(&kernel.asked, value, sizeof(kernel.asked));
		return 0;
	case MAP_GROUPS:
		if (kernel.group_count == KERNEL_GROUPS)
			return -E2BIG;
		memcpy(&kernel.groups[kernel.group_count].key, key, sizeof(kernel.groups[0].key));
		kernel.groups[kernel.group_count++].count = 0;
		return 0;
	case MAP_LISTENERS_WANTED:
	case MAP_SOCKETS_WANTED:
		if (kernel.wanted_count == KERNEL_WANTED)
			return -E2BIG;
		memcpy(&kernel.wanted[kernel.wanted_count++], key, sizeof(kernel.wanted[0]));
		return 0;
	}
	abort();
}

static inline int kernel_forget(int fd, const void *key)
{
	struct kernel_listener *l = fd == MAP_OVERFLOWS ? kernel_listener_of(key) : NULL;
	struct kernel_flow *flow = fd == MAP_FLOWS ? kernel_flow_of(key) : NULL;

	if (l && l->counted) {
		l->counted = false;
		memset(&l->counts, 0, sizeof(l->counts));
		return 0;
	}
	if (flow && flow->counted) {
		flow->counted = false;
		memset(&flow->counts, 0, sizeof(flow->counts));
		return 0;
	}
	return -ENOENT;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	bool wanted = fd == MAP_LISTENERS_WANTED || fd == MAP_SOCKETS_WANTED;

	for (unsigned int i = 0; wanted && i < kernel.wanted_count; i++)
		if (memcmp(&kernel.wanted[i], key, sizeof(kernel.wanted[i])) == 0) {
			kernel.wanted[i] = kernel.wanted[--kernel.wanted_count];
			return 0;
		}
	for (unsigned int i = 0; fd == MAP_GROUPS && i < kernel.group_count; i++)
		if (memcmp(&kernel.groups[i].key, key, sizeof(kernel.groups[i].key)) == 0) {
			kernel.groups[i] = kernel.groups[--kernel.group_count];
			return 0;
		}
	if (fd == MAP_CLIENTS && kernel.clients) {
		kernel.clients--;
		kernel.forgotten++;
		return 0;
	}
	return kernel_forget(fd, key);
}

/* those that were counted, in their order */
int bpf_map_get_next_key(int fd, const void *key, void *next)
{
	bool passed = !key;

	if (fd == MAP_CLIENTS)
		return kernel.clients ? 0 : -ENOENT;
	for (unsigned int i = 0; fd == MAP_OVERFLOWS && i < kernel.listener_count; i++) {
		if (passed && kernel.listeners[i].counted)
			return kernel_give(next, &kernel.listeners[i].key, sizeof(struct overflow_key));
		passed = passed || memcmp(&kernel.listeners[i].key, key, sizeof(struct overflow_key)) == 0;
	}
	for (unsigned int i = 0; fd == MAP_FLOWS && i < kernel.flow_count; i++) {
		if (passed && kernel.flows[i].counted)
			return kernel_give(next, &kernel.flows[i].key, sizeof(struct flow_key));
		passed = passed || memcmp(&kernel.flows[i].key, key, sizeof(struct flow_key)) == 0;
	}
	return -ENOENT;
}

#endif
