// SPDX-License-Identifier: BSD-2-Clause
/* Retransmits: how the segments of a connection become an incident. */
#include "tcp_retransmit_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hz.h"
#include "tcp_retransmit.skel.h"

#define HOLD_NS 1500000000ULL		/* the first line waits so long at most, and for a silence */
#define LONGEST_NS 60000000000ULL
#define GLANCE_NS 500000000ULL
#define SILENCE_NS 1000000000ULL	/* time for an answer, and for the next to be sent */
#define TELL_NS 1000000000ULL		/* the kernel tells of a flow that often at most */
#define ROUND_NS 250000000ULL
#define SWEEP_NS 10000000000ULL

const struct tcp_retransmit_bpf *tcp_retransmit_skeleton(const struct tcp_retransmit_state *state)
{
	return session_kind(state->session, KIND_tcp_retransmit)->probe.wrapper;
}

/* ---- what the kernel counted ---------------------------------------- */

/* what lines add up to: segments, and sends that came to nothing before they were counted */
static uint64_t sum(const struct flow *flow)
{
	return flow->count + flow->not_tried;
}

static uint64_t untold(const struct retransmit_flow *flow)
{
	return sum(&flow->counts) - sum(&flow->told);
}

static void see(struct tcp_retransmit_state *state, struct retransmit_flow *flow, const struct flow_state *now)
{
	uint64_t hz = jiffies_per_s(now->jiffies, now->monotonic_ns);

	flow->state = *now;
	if (hz)
		state->hz = hz;
}

/* The connection as it is now, and what the kernel has counted. False: the socket is gone. */
static bool read_flow(struct tcp_retransmit_state *state, struct retransmit_flow *flow)
{
	const struct tcp_retransmit_bpf *skeleton = tcp_retransmit_skeleton(state);
	struct flow_state now = {};
	struct flow counts;
	uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.asked), &zero, &flow->key, BPF_ANY) == 0 &&
	    tcp_ask(skeleton->progs.look_at_flow, 0, 0, 0) == 0 &&
	    bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.answer), &zero, &now) == 0 && now.valid)
		see(state, flow, &now);
	if (bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.flows), &flow->key, &counts) == 0)
		flow->counts = counts;
	flow->gone = !now.valid;
	return now.valid;
}

/* ---- incidents ------------------------------------------------------ */

static void tell(struct tcp_retransmit_state *state, struct retransmit_flow *flow)
{
	flow->total += flow->counts.count - flow->told.count;
	tcp_retransmit_tell(state, flow);
	session_folded(state->session, KIND_tcp_retransmit, untold(flow) - 1);
	flow->told_ns = flow->counts.last_ns;
	flow->told = flow->counts;
	flow->told_dsack = flow->state.dsack;
	flow->lines++;
}

static void tell_batch(struct tcp_retransmit_state *state)
{
	if (state->batch_count)
		tcp_retransmit_look(state);
	for (unsigned int i = 0; i < state->batch_count; i++)
		tell(state, state->batch[i]);
	state->batch_count = 0;
}

static uint64_t hold_ns(const struct retransmit_flow *flow)
{
	uint64_t hold = HOLD_NS << (flow->lines < 6 ? flow->lines : 6);

	return hold < LONGEST_NS ? hold : LONGEST_NS;
}

/* Flows are told of together: for each round all open files are gone through. */
static uint64_t round_up(uint64_t ns)
{
	return ns + ROUND_NS - ns % ROUND_NS;
}

/* True when its time has come or it is over; says when to look again. */
static bool is_due(struct tcp_retransmit_state *state, struct retransmit_flow *flow, uint64_t now)
{
	uint64_t hold = hold_ns(flow), quiet, since;
	bool gone = !read_flow(state, flow);

	/* the kernel tells of more once a second at most: until then it may have counted in silence */
	if (!untold(flow)) {
		flow->due_ns = !gone && span(flow->counts.told_ns, now) < TELL_NS ? round_up(now + GLANCE_NS) : 0;
		return false;
	}
	quiet = span(flow->counts.last_ns, now);
	since = span(flow->lines ? flow->told_ns : flow->first_ns, now);
	flow->due_ns = round_up(now + (flow->lines ? hold / 8 : GLANCE_NS));
	return gone || since >= hold || quiet >= (hold / 4 > SILENCE_NS ? hold / 4 : SILENCE_NS);
}

static uint64_t hash_of(const struct flow_key *key)
{
	return table_hash(key, sizeof(*key));
}

static int take(struct tcp_retransmit_state *state, const struct retransmit_event *event)
{
	struct retransmit_flow *flow = table_add(&state->flows, hash_of(&event->key));

	if (!flow)
		return -ENOSPC;
	if (event->state.valid)
		see(state, flow, &event->state);
	/* what was known of it once is no less true later */
	if (event->connected.sk && (event->connected.known || event->connected.sk != flow->connected.sk))
		flow->connected = event->connected;
	if (event->listening.sk && (event->listening.known || event->listening.sk != flow->listening.sk))
		flow->listening = event->listening;
	/* it goes on, and will be looked at */
	if (flow->due_ns)
		return 0;
	if (!flow->first_ns || span(flow->told_ns, event->header.boot_ns) > LONGEST_NS) {
		flow->key = event->key;
		flow->total = 0;
		flow->first_ns = event->header.boot_ns;
		flow->lines = 0;
	}
	flow->due_ns = round_up(event->header.boot_ns + GLANCE_NS);
	if (!state->due_ns || flow->due_ns < state->due_ns)
		state->due_ns = flow->due_ns;
	return 0;
}

static int tcp_retransmit_event(struct session *s, void *state_pointer, const void *data, size_t size)
{
	struct tcp_retransmit_state *state = state_pointer;
	const struct event_header *header = data;

	(void)s;
	if (header->type != RETRANSMIT_EVENT || size < sizeof(struct retransmit_event)) {
		state->bad_records++;
		return -EBADMSG;
	}
	/* there is as much room as in the kernel's own table; what it counts is found at the end */
	take(state, data);
	return 0;
}

static bool find_maker(const struct tcp_retransmit_bpf *skeleton, uint64_t sk, struct tcp_maker *ret)
{
	ret->sk = sk;
	ret->known = bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.owners), &sk, &ret->owner) == 0;
	return ret->known;
}

/* as the event would have told it; a socket may be closed since */
static void find_makers(const struct tcp_retransmit_bpf *skeleton, const struct flow *counts, struct retransmit_event *event)
{
	struct tcp_port_key port = { .net = event->key.net, .port = event->key.local_port };
	uint64_t listener = counts->sk;

	event->connected = event->listening = (struct tcp_maker){};
	if (!counts->listening && find_maker(skeleton, counts->sk, &event->connected))
		return;
	if (counts->listening || bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.listening), &port, &listener) == 0)
		find_maker(skeleton, listener, &event->listening);
}

/* what had no place in the ring was counted all the same */
static void take_silent(struct tcp_retransmit_state *state)
{
	const struct tcp_retransmit_bpf *skeleton = tcp_retransmit_skeleton(state);
	struct retransmit_event event = { .header.type = RETRANSMIT_EVENT };
	int map = bpf_map__fd(skeleton->maps.flows);
	const struct flow_key *key = NULL;
	struct flow counts;

	state->unheard = skeleton->data->unheard;
	while (bpf_map_get_next_key(map, key, &event.key) == 0) {
		const struct retransmit_flow *flow = table_find(&state->flows, hash_of(&event.key));

		key = &event.key;
		if ((flow && flow->due_ns) || bpf_map_lookup_elem(map, key, &counts) ||
		    (flow && sum(&counts) == sum(&flow->told)))
			continue;
		find_makers(skeleton, &counts, &event);
		event.header.boot_ns = counts.first_ns;
		take(state, &event);
	}
}

/* ---- time ----------------------------------------------------------- */

static uint64_t tcp_retransmit_due(const void *state_pointer)
{
	const struct tcp_retransmit_state *state = state_pointer;

	return state->due_ns;
}

static bool is_recent(const void *entry, uint64_t now)
{
	const struct retransmit_flow *flow = entry;

	return flow->due_ns || span(flow->counts.last_ns, now) < FLOW_BAD_NS;
}

/* connections that were silent for a minute make room, here and in the kernel */
static void sweep(struct tcp_retransmit_state *state, uint64_t now)
{
	int map = bpf_map__fd(tcp_retransmit_skeleton(state)->maps.flows);

	if (span(state->swept_ns, now) < SWEEP_NS)
		return;
	state->swept_ns = now;
	for (uint32_t i = 0; i < state->flows.count; i++) {
		struct retransmit_flow *flow = table_entry(&state->flows, i);

		if (is_recent(flow, now))
			continue;
		read_flow(state, flow);
		if (untold(flow))
			flow->due_ns = now;
		else
			bpf_map_delete_elem(map, &flow->key);
	}
	table_sweep(&state->flows, is_recent, now);
	if (!state->flows.count)
		tcp_retransmit_skeleton(state)->data->have_flows = 0;
}

static void tcp_retransmit_expire(struct session *s, void *state_pointer, uint64_t now)
{
	struct tcp_retransmit_state *state = state_pointer;
	uint64_t due = 0;

	(void)s;
	if (tcp_retransmit_skeleton(state)->data->unheard != state->unheard)
		take_silent(state);
	sweep(state, now);
	for (uint32_t i = 0; i < state->flows.count; i++) {
		struct retransmit_flow *flow = table_entry(&state->flows, i);

		if (!flow->due_ns)
			continue;
		if (flow->due_ns <= now && is_due(state, flow, now))
			state->batch[state->batch_count++] = flow;
		if (state->batch_count == FLOW_BATCH)
			tell_batch(state);
		if (flow->due_ns && (!due || flow->due_ns < due))
			due = flow->due_ns;
	}
	tell_batch(state);
	state->due_ns = due;
}

static void tcp_retransmit_finish(struct session *s, void *state_pointer)
{
	struct tcp_retransmit_state *state = state_pointer;

	(void)s;
	take_silent(state);
	/* twice: see count_silent() */
	for (uint32_t i = 0; i < state->flows.count; i++)
		read_flow(state, table_entry(&state->flows, i));
	usleep(2000);
	for (uint32_t i = 0; i < state->flows.count; i++) {
		struct retransmit_flow *flow = table_entry(&state->flows, i);

		read_flow(state, flow);
		if (untold(flow))
			state->batch[state->batch_count++] = flow;
		if (state->batch_count == FLOW_BATCH)
			tell_batch(state);
	}
	tell_batch(state);
}

static void tcp_retransmit_close(void *state_pointer)
{
	struct tcp_retransmit_state *state = state_pointer;

	table_fini(&state->flows);
	table_fini(&state->groups);
	enum_words_close(&state->reasons);
	free(state);
}

static int tcp_retransmit_open(struct session *s, void **ret_state)
{
	struct tcp_retransmit_state *state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	state->session = s;
	state->unheard = tcp_retransmit_skeleton(state)->data->unheard;
	err = table_init(&state->flows, sizeof(struct retransmit_flow), FLOWS);
	if (!err)
		err = table_init(&state->groups, sizeof(struct flow_group), FLOW_GROUPS);
	/* before 5.17 there are none */
	if (!err)
		enum_words_open(&state->reasons, s->kernel.btf, "skb_drop_reason", "SKB_DROP_REASON_");
	/* who listens is found in a pass over what is open */
	if (!err)
		tcp_retransmit_look(state);
	if (err) {
		tcp_retransmit_close(state);
		return err;
	}
	*ret_state = state;
	return 0;
}

static uint64_t tcp_retransmit_generated(const struct probe *probe, const void *state_pointer)
{
	const struct tcp_retransmit_state *state = state_pointer;

	return probe->account[RETRANSMIT_EVENT].generated + state->bad_records;
}

const struct kind_type tcp_retransmit_kind = {
	.kind = KIND_tcp_retransmit,
	.probe = &tcp_retransmit_probe,
	.open = tcp_retransmit_open,
	.close = tcp_retransmit_close,
	.event = tcp_retransmit_event,
	.due = tcp_retransmit_due,
	.expire = tcp_retransmit_expire,
	.finish = tcp_retransmit_finish,
	.generated = tcp_retransmit_generated,
};
