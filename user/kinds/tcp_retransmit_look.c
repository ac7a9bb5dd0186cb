// SPDX-License-Identifier: BSD-2-Clause
/* Whose the connections are that retransmit, and how the others of their peers and subnets do: one pass for many. */
#include "tcp_retransmit_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "address.h"
#include "tcp_retransmit.skel.h"

static uint64_t hash_of(const struct flow_group_key *key)
{
	return table_hash(key, sizeof(*key));
}

/* 128 bits are the peer, fewer its subnet, none the namespace */
static struct flow_group_key group_key(const struct flow_key *flow, unsigned int bits)
{
	struct flow_group_key key = { .net = flow->net, .bits = bits };

	if (bits == 128)
		memcpy(key.prefix, flow->peer, sizeof(key.prefix));
	else if (bits)
		subnet_of(key.prefix, flow->peer);
	return key;
}

static unsigned int subnet_bits(const struct flow_key *flow)
{
	return address_is_v4(flow->peer) ? 120 : 64;
}

const struct flow_group *tcp_retransmit_group(const struct tcp_retransmit_state *state, const struct flow_key *flow,
					      unsigned int bits)
{
	struct flow_group_key key = group_key(flow, bits);

	return table_find(&state->groups, hash_of(&key));
}

/* ---- a pass --------------------------------------------------------- */

static void want_group(struct tcp_retransmit_state *state, const struct flow_key *flow, unsigned int bits)
{
	struct flow_group_key key = group_key(flow, bits);
	struct flow_group *group = table_add(&state->groups, hash_of(&key));
	uint64_t none = 0;

	if (!group || group->key.net)
		return;
	group->key = key;
	bpf_map_update_elem(bpf_map__fd(tcp_retransmit_skeleton(state)->maps.groups), &key, &none, BPF_ANY);
}

static void want_groups(struct tcp_retransmit_state *state)
{
	table_clear(&state->groups);
	for (unsigned int i = 0; i < state->batch_count; i++) {
		const struct flow_key *key = &state->batch[i]->key;

		want_group(state, key, 0);
		want_group(state, key, 128);
		want_group(state, key, subnet_bits(key));
	}
}

static void count_bad(struct tcp_retransmit_state *state, const struct flow_key *key, unsigned int bits)
{
	struct flow_group_key wanted = group_key(key, bits);
	struct flow_group *group = table_find(&state->groups, hash_of(&wanted));

	if (group)
		group->bad++;
}

/* of which subnets the bad ones are, so that many with one peer are not taken for many peers */
static void note_subnet(struct tcp_retransmit_state *state, const struct flow_key *key)
{
	struct flow_group_key wanted = group_key(key, 0), subnet = group_key(key, subnet_bits(key));
	struct flow_group *group = table_find(&state->groups, hash_of(&wanted));
	uint64_t hash = hash_of(&subnet);

	for (unsigned int i = 0; group && i < group->subnet_count; i++) {
		if (group->subnets[i] == hash)
			return;
	}
	if (group && group->subnet_count < FLOW_SUBNETS)
		group->subnets[group->subnet_count++] = hash;
}

/* what the pass counted, and how many of these are in trouble */
static void read_groups(struct tcp_retransmit_state *state)
{
	int map = bpf_map__fd(tcp_retransmit_skeleton(state)->maps.groups);
	uint64_t now = session_now();

	for (uint32_t i = 0; i < state->groups.count; i++) {
		struct flow_group *group = table_entry(&state->groups, i);

		bpf_map_lookup_elem(map, &group->key, &group->flows);
		bpf_map_delete_elem(map, &group->key);
	}
	for (uint32_t i = 0; i < state->flows.count; i++) {
		const struct retransmit_flow *flow = table_entry(&state->flows, i);

		/* a handshake that the other end began is no connection yet */
		if (flow->counts.listening || now - flow->counts.last_ns > FLOW_BAD_NS)
			continue;
		count_bad(state, &flow->key, 0);
		count_bad(state, &flow->key, 128);
		count_bad(state, &flow->key, subnet_bits(&flow->key));
		note_subnet(state, &flow->key);
	}
	/* what is held by no process any more is not among those that were counted */
	for (uint32_t i = 0; i < state->groups.count; i++) {
		struct flow_group *group = table_entry(&state->groups, i);

		if (group->flows < group->bad)
			group->flows = group->bad;
	}
}

/* ---- owners --------------------------------------------------------- */

/* who has a socket open, else who made it; port: that of a listening socket */
static const struct tcp_owner *owner_of(const struct tcp_retransmit_state *state, const struct tcp_maker *maker,
					unsigned int port, unsigned int *ret_sharing, bool *ret_holds)
{
	const struct tcp_owner *made = maker->known ? &maker->owner : NULL, *found = NULL;

	*ret_sharing = 0;
	if (maker->sk)
		found = tcp_holders_owner(&state->holders, maker->sk, port, made, ret_sharing);
	*ret_holds = found;
	return found ? found : made;
}

/* What was found once is true of the flow later, too, when nobody has its socket open any more. */
static void find_owner(const struct tcp_retransmit_state *state, struct retransmit_flow *flow)
{
	const struct tcp_owner *owner = NULL;
	enum owner_basis held = OWNER_HOLDER, made = OWNER_CONNECT;
	unsigned int sharing = 0;
	bool holds = false;

	if (flow->gone && flow->owner_by)
		return;
	if (!flow->gone) {
		owner = owner_of(state, &flow->connected, 0, &sharing, &holds);
	} else if (flow->connected.known) {
		owner = &flow->connected.owner;
	}
	if (!owner && flow->owner_by == OWNER_HOLDER)
		return;
	/* not accepted yet, or closed since by whom it was accepted */
	if (!owner) {
		owner = owner_of(state, &flow->listening, flow->key.local_port, &sharing, &holds);
		held = OWNER_LISTENER;
		made = OWNER_LISTEN;
	}
	if (!owner)
		return;
	flow->owner = *owner;
	flow->owner_by = holds ? held : made;
	flow->sharing = sharing;
}

void tcp_retransmit_look(struct tcp_retransmit_state *state)
{
	const struct tcp_retransmit_bpf *skeleton = tcp_retransmit_skeleton(state);
	uint64_t sockets[2 * FLOW_BATCH];
	unsigned int count = 0;

	for (unsigned int i = 0; i < state->batch_count; i++) {
		const struct retransmit_flow *flow = state->batch[i];

		if (flow->connected.sk && !flow->gone)
			sockets[count++] = flow->connected.sk;
		if (flow->listening.sk)
			sockets[count++] = flow->listening.sk;
	}
	want_groups(state);
	skeleton->data->pass++;
	state->passed = skeleton->links.find_sockets &&
			tcp_holders_find(skeleton->links.find_sockets, skeleton->maps.wanted_sockets, sockets, count,
					 &state->holders) == 0;
	read_groups(state);
	for (unsigned int i = 0; i < state->batch_count; i++)
		find_owner(state, state->batch[i]);
}

bool tcp_retransmit_accepted(const struct retransmit_flow *flow, bool *ret_known)
{
	bool by_peer = flow->counts.listening || flow->listening.sk;

	*ret_known = by_peer || flow->connected.known || flow->counts.by_class[RETRANSMIT_SYN];
	return by_peer;
}
