// SPDX-License-Identifier: BSD-2-Clause
/* Accept-queue overflows: how those of a listening socket become an incident. */
#include "accept_overflow_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accept_overflow.skel.h"
#include "hz.h"

#define HOLD_NS 1500000000ULL		/* the first line waits so long at most, and for a glance */
#define LONGEST_NS 60000000000ULL
#define GLANCE_NS 300000000ULL
#define SWEEP_NS 10000000000ULL
#define TELL_NS 1000000000ULL		/* the kernel tells of a socket that often at most */

enum { COUNTING_OFF = 2, COUNTING_ON = 1, CLIENTS_KEPT = 49152 };

const struct accept_overflow_bpf *accept_overflow_skeleton(const struct accept_overflow_state *state)
{
	return session_kind(state->session, KIND_accept_overflow)->probe.wrapper;
}

/* ---- what the kernel counted ---------------------------------------- */

static uint64_t sum(const struct overflow_counts *counts)
{
	return counts->syn_drops + counts->ack_drops;
}

static uint64_t untold(const struct overflow_incident *incident)
{
	return sum(&incident->counts) - sum(&incident->told);
}

static void read_counts(const struct accept_overflow_state *state, struct overflow_incident *incident)
{
	int map = bpf_map__fd(accept_overflow_skeleton(state)->maps.overflows);
	struct overflow_counts now;

	if (bpf_map_lookup_elem(map, &incident->event.key, &now) == 0)
		incident->counts = now;
}

bool accept_overflow_sample(const struct accept_overflow_state *state, const struct overflow_key *key,
			    struct overflow_sample *ret)
{
	const struct accept_overflow_bpf *skeleton = accept_overflow_skeleton(state);
	struct overflow_counts counts = {};
	uint32_t zero = 0;

	memset(ret, 0, sizeof(*ret));
	if (!key->sk || tcp_ask(skeleton->progs.look_at_listener, key->sk, key->net, key->port) ||
	    bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.looked), &zero, &ret->state))
		return false;
	if (bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.overflows), key, &counts) == 0)
		ret->established = counts.established;
	ret->ns = session_now();
	return ret->state.valid;
}

static void set_counting(struct accept_overflow_state *state, int change)
{
	state->active += change;
	accept_overflow_skeleton(state)->data->counting = state->active ? COUNTING_ON : COUNTING_OFF;
}

/* ---- incidents ------------------------------------------------------ */

static void tell(struct accept_overflow_state *state, struct overflow_incident *incident)
{
	incident->total += untold(incident);
	accept_overflow_tell(state, incident);
	session_folded(state->session, KIND_accept_overflow, untold(incident) - 1);
	incident->told_ns = incident->counts.last_ns;
	incident->told = incident->counts;
	incident->lines++;
}

static uint64_t hold_ns(const struct overflow_incident *incident)
{
	uint64_t hold = HOLD_NS << (incident->lines < 6 ? incident->lines : 6);

	return hold < LONGEST_NS ? hold : LONGEST_NS;
}

static void wait_for(struct accept_overflow_state *state, struct overflow_incident *incident, uint64_t due_ns)
{
	if (!incident->due_ns != !due_ns)
		set_counting(state, due_ns ? 1 : -1);
	incident->due_ns = due_ns;
	if (due_ns && (!state->due_ns || due_ns < state->due_ns))
		state->due_ns = due_ns;
}

/* tells it when its time has come or it is over; says when to look again */
static void look_at(struct accept_overflow_state *state, struct overflow_incident *incident, uint64_t now)
{
	uint64_t hold = hold_ns(incident), quiet, since;

	read_counts(state, incident);
	/* the kernel tells of more once a second at most: until then it may have counted in silence */
	if (!untold(incident)) {
		wait_for(state, incident, span(incident->counts.told_ns, now) < TELL_NS ? now + GLANCE_NS : 0);
		return;
	}
	quiet = span(incident->counts.last_ns, now);
	since = span(incident->lines ? incident->told_ns : incident->first_ns, incident->counts.last_ns);
	if (since >= hold || quiet >= (hold / 4 > GLANCE_NS ? hold / 4 : GLANCE_NS))
		tell(state, incident);
	wait_for(state, incident, now + (incident->lines ? hold / 8 : GLANCE_NS));
}

static uint64_t hash_of(const struct overflow_key *key)
{
	return table_hash(key, sizeof(*key));
}

static void learn_hz(struct accept_overflow_state *state, const struct listener_state *listener)
{
	uint64_t hz = listener->valid ? jiffies_per_s(listener->jiffies, listener->monotonic_ns) : 0;

	if (hz)
		state->hz = hz;
}

/*
 * Those who come are counted from when this is known here, those turned away
 * before that, too. While the oldest in the queue is the same nobody was taken,
 * and who came is in the queue; else one was, or as many as there are less.
 */
static void reach_back(struct overflow_incident *incident)
{
	enum { SOON_NS = 50000000 };
	const struct listener_state *first = &incident->event.state;
	struct overflow_sample *begin = &incident->sample;
	bool same = first->head && first->head == begin->state.head;
	uint64_t taken = first->head && !same;

	if (!first->valid || (!same && span(incident->event.header.boot_ns, begin->ns) > SOON_NS)) {
		begin->late = true;
		return;
	}
	if (!same && first->queue > begin->state.queue)
		taken = first->queue - begin->state.queue;
	begin->established -= taken + begin->state.queue - first->queue;
	begin->state.queue = first->queue;
	begin->ns = incident->event.header.boot_ns;
}

/* a line begins: with its first overflow, or where the one before ended, as connections are counted still */
static void begin_line(struct accept_overflow_state *state, struct overflow_incident *incident,
		       const struct overflow_event *event)
{
	bool goes_on = incident->due_ns && incident->sample.ns;

	incident->event = *event;
	learn_hz(state, &event->state);
	wait_for(state, incident, event->header.boot_ns + GLANCE_NS);
	if (!goes_on && accept_overflow_sample(state, &event->key, &incident->sample))
		reach_back(incident);
	accept_overflow_look(state, incident);
}

/* clients are told apart for as long as something overflows, and there is room for them */
static void forget_clients(struct accept_overflow_state *state)
{
	int map = bpf_map__fd(accept_overflow_skeleton(state)->maps.clients);
	struct overflow_client_key key;
	uint64_t known = 0;

	for (uint32_t i = 0; i < state->incidents.count; i++)
		known += ((const struct overflow_incident *)table_entry(&state->incidents, i))->counts.clients;
	if (state->incidents.count && known - state->clients_forgotten < CLIENTS_KEPT)
		return;
	while (bpf_map_get_next_key(map, NULL, &key) == 0 && bpf_map_delete_elem(map, &key) == 0)
		;
	state->clients_forgotten = known;
}

static void take(struct accept_overflow_state *state, const struct overflow_event *event)
{
	struct overflow_incident *incident = table_add(&state->incidents, hash_of(&event->key));

	/* there is as much room as in the kernel's own table; it goes on, and has been looked at */
	if (!incident || (incident->due_ns && untold(incident)))
		return;
	if (!incident->first_ns || span(incident->told_ns, event->header.boot_ns) > LONGEST_NS) {
		incident->first_ns = event->header.boot_ns;
		incident->total = 0;
		incident->lines = 0;
	}
	begin_line(state, incident, event);
	read_counts(state, incident);
}

static int accept_overflow_event(struct session *s, void *state_pointer, const void *data, size_t size)
{
	struct accept_overflow_state *state = state_pointer;
	const struct event_header *header = data;

	(void)s;
	if (header->type != OVERFLOW_EVENT || size < sizeof(struct overflow_event)) {
		state->bad_records++;
		return -EBADMSG;
	}
	take(state, data);
	return 0;
}

/* ---- time ----------------------------------------------------------- */

static uint64_t accept_overflow_due(const void *state_pointer)
{
	const struct accept_overflow_state *state = state_pointer;

	return state->due_ns;
}

static bool is_recent(const void *entry, uint64_t now)
{
	const struct overflow_incident *incident = entry;

	return incident->due_ns || span(incident->counts.last_ns, now) < LONGEST_NS;
}

/* sockets that were silent for a minute make room, here and in the kernel */
static void sweep(struct accept_overflow_state *state, uint64_t now)
{
	int map = bpf_map__fd(accept_overflow_skeleton(state)->maps.overflows);

	if (span(state->swept_ns, now) < SWEEP_NS)
		return;
	state->swept_ns = now;
	for (uint32_t i = 0; i < state->incidents.count; i++) {
		struct overflow_incident *incident = table_entry(&state->incidents, i);

		if (is_recent(incident, now))
			continue;
		read_counts(state, incident);
		if (untold(incident))
			wait_for(state, incident, now);
		else
			bpf_map_delete_elem(map, &incident->event.key);
	}
	table_sweep(&state->incidents, is_recent, now);
	forget_clients(state);
}

/* what had no place in the ring was counted all the same */
static void take_silent(struct accept_overflow_state *state)
{
	const struct accept_overflow_bpf *skeleton = accept_overflow_skeleton(state);
	int map = bpf_map__fd(skeleton->maps.overflows), listeners = bpf_map__fd(skeleton->maps.listeners);
	struct overflow_event event = { .header.type = OVERFLOW_EVENT };
	const struct overflow_key *key = NULL;
	struct overflow_counts counts;

	state->unheard = skeleton->data->unheard;
	while (bpf_map_get_next_key(map, key, &event.key) == 0) {
		const struct overflow_incident *incident = table_find(&state->incidents, hash_of(&event.key));

		key = &event.key;
		if ((incident && incident->due_ns) || bpf_map_lookup_elem(map, key, &counts) ||
		    sum(&counts) == (incident ? sum(&incident->told) : 0))
			continue;
		event.has_listener = bpf_map_lookup_elem(listeners, &key->sk, &event.listener) == 0;
		event.header.boot_ns = counts.first_ns;
		take(state, &event);
	}
}

static void accept_overflow_expire(struct session *s, void *state_pointer, uint64_t now)
{
	struct accept_overflow_state *state = state_pointer;

	(void)s;
	if (accept_overflow_skeleton(state)->data->unheard != state->unheard)
		take_silent(state);
	sweep(state, now);
	state->due_ns = 0;
	for (uint32_t i = 0; i < state->incidents.count; i++) {
		struct overflow_incident *incident = table_entry(&state->incidents, i);

		if (incident->due_ns && incident->due_ns <= now)
			look_at(state, incident, now);
		else if (incident->due_ns)
			wait_for(state, incident, incident->due_ns);
	}
}

static void accept_overflow_finish(struct session *s, void *state_pointer)
{
	struct accept_overflow_state *state = state_pointer;

	(void)s;
	take_silent(state);
	for (uint32_t i = 0; i < state->incidents.count; i++) {
		struct overflow_incident *incident = table_entry(&state->incidents, i);

		read_counts(state, incident);
		if (untold(incident))
			tell(state, incident);
	}
}

static void accept_overflow_close(void *state_pointer)
{
	struct accept_overflow_state *state = state_pointer;

	table_fini(&state->incidents);
	free(state);
}

static void nothing(void *context, const void *record)
{
	(void)context;
	(void)record;
}

/* CPUs that are not online come to it by themselves, a little late: see new_overflows() */
static int accept_overflow_open(struct session *s, void **ret_state)
{
	struct accept_overflow_state *state = calloc(1, sizeof(*state));
	const struct accept_overflow_bpf *skeleton;
	int cpus = libbpf_num_possible_cpus(), err;

	if (!state)
		return -ENOMEM;
	err = table_init(&state->incidents, sizeof(struct overflow_incident), OVERFLOW_INCIDENTS);
	if (err) {
		free(state);
		return err;
	}
	state->session = s;
	skeleton = accept_overflow_skeleton(state);
	state->unheard = skeleton->data->unheard;
	for (int cpu = 0; cpu < cpus; cpu++)
		tcp_ask_cpu(skeleton->progs.learn_cpu, cpu);
	err = skeleton->links.find_listeners ?
	      iterator_run(skeleton->links.find_listeners, sizeof(struct tcp_holder_entry), 0, nothing, NULL) : 0;
	if (err) {
		accept_overflow_close(state);
		return err;
	}
	*ret_state = state;
	return 0;
}

static uint64_t accept_overflow_generated(const struct probe *probe, const void *state_pointer)
{
	const struct accept_overflow_state *state = state_pointer;

	return probe->account[OVERFLOW_EVENT].generated + state->bad_records;
}

const struct kind_type accept_overflow_kind = {
	.kind = KIND_accept_overflow,
	.probe = &accept_overflow_probe,
	.open = accept_overflow_open,
	.close = accept_overflow_close,
	.event = accept_overflow_event,
	.due = accept_overflow_due,
	.expire = accept_overflow_expire,
	.finish = accept_overflow_finish,
	.generated = accept_overflow_generated,
};
