// SPDX-License-Identifier: BSD-2-Clause
/* Who has an overflowing socket open, and what they do instead of accept(): asked as soon as it overflows. */
#include "accept_overflow_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accept_overflow.skel.h"

/* When a thread ran last, milliseconds of its CPU's own clock; negative: the kernel does not tell. */
static double ran_last_ms(const struct session *s, const char *thread)
{
	char path[64], data[512];
	size_t length;
	const char *at;

	snprintf(path, sizeof(path), "%s/sched", thread);
	if (file_read_at(s->procfs.fd, path, data, sizeof(data), &length))
		return -1;
	at = strstr(data, "se.exec_start");
	at = at ? strchr(at, ':') : NULL;
	return at ? strtod(at + 1, NULL) : -1;
}

/* the CPU it ran on: field 39 of stat, the 37th after the name; negative: not known */
static int ran_on(const struct session *s, const char *thread)
{
	char path[64], data[1024];
	const char *at;
	size_t length;
	uint64_t cpu;

	snprintf(path, sizeof(path), "%s/stat", thread);
	at = file_read_at(s->procfs.fd, path, data, sizeof(data), &length) ? NULL : strrchr(data, ')');
	for (int field = 2; at && field < 39; field++)
		at = strchr(at + 1, ' ');
	return at && digits_parse(at + 1, strlen(at + 1), &cpu) && cpu < CPU_SETSIZE ? (int)cpu : -1;
}

/*
 * How long a thread has not run, at least: compared with when we ran last, on the
 * same CPU, as each has a clock of its own that leaves out what interrupts took.
 */
uint64_t accept_overflow_idle(const struct session *s, uint64_t pid, uint64_t tid)
{
	double its, ours = -1;
	cpu_set_t before, there;
	char thread[48];
	int cpu;

	snprintf(thread, sizeof(thread), "%llu/task/%llu", (unsigned long long)pid, (unsigned long long)tid);
	its = ran_last_ms(s, thread);
	cpu = ran_on(s, thread);
	if (its <= 0 || cpu < 0 || sched_getaffinity(0, sizeof(before), &before))
		return 0;
	CPU_ZERO(&there);
	CPU_SET(cpu, &there);
	if (sched_setaffinity(0, sizeof(there), &there) == 0)
		ours = ran_last_ms(s, "self");
	sched_setaffinity(0, sizeof(before), &before);
	return ours > its ? (ours - its) * 1e6 : 0;
}

static bool is_master(const struct tcp_holders *holders, uint64_t sk, uint32_t pid)
{
	for (unsigned int i = 0; i < holders->count; i++)
		if (holders->entries[i].sk == sk && holders->entries[i].owner.ppid == pid)
			return true;
	return false;
}

static void look_at_acceptor(const struct session *s, struct overflow_acceptor *a, const struct tcp_holder_entry *holder)
{
	uint64_t open;

	a->owner = holder->owner;
	if (acceptor_look(&s->procfs, holder->owner.tgid, &a->acceptor))
		memset(&a->acceptor, 0, sizeof(a->acceptor));
	if (a->acceptor.tid && (a->acceptor.state == ACCEPTOR_BLOCKED || a->acceptor.state == ACCEPTOR_STOPPED))
		a->idle_ns = accept_overflow_idle(s, holder->owner.tgid, a->acceptor.tid);
	if (procfs_fd_count(&s->procfs, holder->owner.tgid, holder->soft + 1, &open) == 0 && open >= holder->soft) {
		a->soft = holder->soft;
		a->open = open;
	}
}

static void look_at_acceptors(struct accept_overflow_state *state, struct overflow_incident *incident)
{
	uint64_t sk = incident->event.key.sk;

	incident->acceptor_count = 0;
	for (unsigned int i = 0; i < state->holders.count; i++) {
		const struct tcp_holder_entry *holder = &state->holders.entries[i];
		struct overflow_acceptor *a = &incident->acceptors[incident->acceptor_count];

		if (holder->sk != sk || incident->acceptor_count == OVERFLOW_WATCHED)
			continue;
		memset(a, 0, sizeof(*a));
		look_at_acceptor(state->session, a, holder);
		a->master = is_master(&state->holders, sk, holder->owner.tgid);
		incident->acceptor_count++;
	}
}

/* the sockets that listen on the same address and port: a group, when there are several */
static void find_group(const struct accept_overflow_state *state, struct overflow_incident *incident)
{
	const struct overflow_key *key = &incident->event.key;
	struct tcp_port_key port_key = { .net = key->net, .port = key->port };
	struct overflow_key member = *key;
	struct overflow_sample own, other;
	struct tcp_port port;

	incident->group_count = incident->port_count = 0;
	if (!accept_overflow_sample(state, key, &own) ||
	    bpf_map_lookup_elem(bpf_map__fd(accept_overflow_skeleton(state)->maps.ports), &port_key, &port))
		return;
	for (int i = 0; i < LISTENERS_PER_PORT; i++) {
		member.sk = port.sk[i];
		incident->port_count += member.sk != 0;
		if (!member.sk || !accept_overflow_sample(state, &member, &other) ||
		    memcmp(other.state.address, own.state.address, sizeof(own.state.address)) != 0 ||
		    other.state.family != own.state.family || other.state.interface != own.state.interface)
			continue;
		incident->group[incident->group_count++] = member.sk;
	}
}

static void name_group(const struct accept_overflow_state *state, struct overflow_incident *incident)
{
	unsigned int sharing;

	for (unsigned int i = 0; i < incident->group_count; i++) {
		const struct tcp_owner *owner = tcp_holders_owner(&state->holders, incident->group[i],
								  incident->event.key.port, NULL, &sharing);

		incident->group_pid[i] = owner ? owner->tgid : 0;
		if (owner)
			memcpy(incident->group_comm[i], owner->comm, sizeof(owner->comm));
	}
}

void accept_overflow_look(struct accept_overflow_state *state, struct overflow_incident *incident)
{
	const struct accept_overflow_bpf *skeleton = accept_overflow_skeleton(state);
	const struct tcp_owner *made = NULL, *owner;
	uint64_t sk = incident->event.key.sk;

	if (!sk)
		return;
	if (incident->event.listener.owner.since_ns)
		made = &incident->event.listener.owner;
	find_group(state, incident);
	if (!incident->group_count)
		incident->group[incident->group_count++] = sk;
	tcp_holders_find(skeleton->links.find_listeners, skeleton->maps.wanted_sockets, incident->group,
			 incident->group_count, &state->holders);
	owner = tcp_holders_owner(&state->holders, sk, incident->event.key.port, made, &incident->sharing);
	if (owner || made) {
		incident->owner = owner ? *owner : *made;
		incident->owner_by = owner ? OWNER_HOLDER : OWNER_LISTEN;
	}
	name_group(state, incident);
	look_at_acceptors(state, incident);
	incident->looked_ns = session_now();
}
