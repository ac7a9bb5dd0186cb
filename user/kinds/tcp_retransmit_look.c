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
	uint64_t words[sizeof(*key) / 8], hash = 0;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = table_mix(hash, words[i]);
	return hash;
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
	}
	/* what is held by no process any more is not among those that were counted */
	for (uint32_t i = 0; i < state->groups.count; i++) {
		struct flow_group *group = table_entry(&state->groups, i);

		if (group->flows < group->bad)
			group->flows = group->bad;
	}
}

/* the socket that listens where a connection came in; 0: none is known */
static uint64_t listening_socket(const struct tcp_retransmit_state *state, const struct flow_key *key)
{
	struct tcp_port_key port = { .net = key->net, .port = key->local_port };
	uint64_t sk = 0;

	return bpf_map_lookup_elem(bpf_map__fd(tcp_retransmit_skeleton(state)->maps.listening), &port, &sk) ? 0 : sk;
}

void tcp_retransmit_look(struct tcp_retransmit_state *state)
{
	const struct tcp_retransmit_bpf *skeleton = tcp_retransmit_skeleton(state);
	uint64_t sockets[2 * FLOW_BATCH];
	unsigned int count = 0;

	for (unsigned int i = 0; i < state->batch_count; i++) {
		const struct retransmit_flow *flow = state->batch[i];
		uint64_t listener = flow->counts.listening ? 0 : listening_socket(state, &flow->key);

		sockets[count++] = flow->counts.sk;
		if (listener)
			sockets[count++] = listener;
	}
	want_groups(state);
	skeleton->data->pass++;
	state->passed = skeleton->links.find_sockets &&
			tcp_holders_find(skeleton->links.find_sockets, skeleton->maps.wanted_sockets, sockets, count,
					 &state->holders) == 0;
	read_groups(state);
}

/* ---- owners --------------------------------------------------------- */

static bool made_by(const struct tcp_retransmit_state *state, uint64_t sk, struct tcp_owner *ret)
{
	return bpf_map_lookup_elem(bpf_map__fd(tcp_retransmit_skeleton(state)->maps.owners), &sk, ret) == 0;
}

/* who has the listening socket open, else who called listen() */
static enum owner_basis listener_owner(const struct tcp_retransmit_state *state, uint64_t sk, struct tcp_owner *ret,
				       unsigned int *ret_sharing)
{
	struct tcp_owner made;
	bool known = made_by(state, sk, &made);
	const struct tcp_owner *owner = tcp_holders_owner(&state->holders, sk, known ? &made : NULL, ret_sharing);

	if (!owner && !known)
		return 0;
	*ret = owner ? *owner : made;
	return owner ? OWNER_LISTENER : OWNER_LISTEN;
}

enum owner_basis tcp_retransmit_owner(const struct tcp_retransmit_state *state, const struct retransmit_flow *flow,
				      struct tcp_owner *ret, unsigned int *ret_sharing)
{
	uint64_t sk = flow->counts.sk, listener;
	const struct tcp_owner *owner;
	struct tcp_owner made;
	bool known;

	*ret_sharing = 0;
	if (flow->counts.listening)
		return listener_owner(state, sk, ret, ret_sharing);
	known = made_by(state, sk, &made);
	owner = tcp_holders_owner(&state->holders, sk, known ? &made : NULL, ret_sharing);
	if (owner || known) {
		*ret = owner ? *owner : made;
		return owner ? OWNER_HOLDER : OWNER_CONNECT;
	}
	/* not accepted yet, or closed since by whom it was accepted */
	listener = listening_socket(state, &flow->key);
	return listener ? listener_owner(state, listener, ret, ret_sharing) : 0;
}

bool tcp_retransmit_accepted(const struct tcp_retransmit_state *state, const struct retransmit_flow *flow,
			     bool *ret_known)
{
	struct tcp_owner made;

	*ret_known = true;
	if (flow->counts.listening)
		return true;
	if (flow->counts.by_class[RETRANSMIT_SYN] || made_by(state, flow->counts.sk, &made))
		return false;
	*ret_known = listening_socket(state, &flow->key) != 0;
	return *ret_known;
}
