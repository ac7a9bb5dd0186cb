// SPDX-License-Identifier: BSD-2-Clause
/* A line about a listening socket that overflows: what was seen at the first, what came since, what it is now. */
#include "accept_overflow_kind.h"

#include <string.h>

#include "address.h"
#include "fit.h"
#include "ndjson.h"
#include "syscall_name.h"

/* what the observation may take, so that the diagnosis has room */
enum { OBSERVATION_BYTES = 5200, INET6 = 10 };

static bool is_full(const struct listener_state *state)
{
	return state->valid && state->queue > state->limit;
}

/* ---- the socket ----------------------------------------------------- */

static void tell_socket(const struct session *s, const struct overflow_incident *incident, struct accept_overflow *x)
{
	const struct listener_state *state = &incident->event.state;
	const uint8_t *address = state->valid ? state->address : incident->counts.address;
	bool v6 = state->valid ? state->family == INET6 : !address_is_v4(address);
	int other_netns = tcp_other_netns(s, incident->counts.netns);
	char text[48];

	KNOW(x, family, v6 ? FAMILY_IPV6 : FAMILY_IPV4);
	address_text(text, address);
	KNOW_TEXT(x, saddr, text);
	KNOW(x, sport, incident->event.key.port);
	KNOW(x, netns, incident->counts.netns);
	if (other_netns >= 0)
		KNOW(x, other_netns, other_netns);
	if (incident->counts.netns_cookie)
		KNOW(x, netns_cookie, incident->counts.netns_cookie);
	KNOW(x, listener_by, incident->counts.basis);
	if (!state->valid)
		return;
	KNOW(x, dual_stack, v6 && !state->only_v6 && strcmp(text, "::") == 0);
	if (state->interface) {
		tcp_interface(x->interface, s, state->netns, state->interface, "");
		x->known.interface = 1;
	}
	KNOW(x, queue, state->queue);
	KNOW(x, limit, state->limit);
	KNOW(x, syn_queue, state->syn_queue);
	KNOW(x, syncookies, state->syncookies);
	KNOW(x, abort_on_overflow, state->abort_on_overflow);
}

/*
 * What set the limit. The kernel cuts the argument of listen() to the sysctl, and
 * later changes of that change nothing. Where neither was seen and the sysctl is
 * another now, both may have been: nothing is told.
 */
static void tell_bound(const struct overflow_incident *incident, struct accept_overflow *x)
{
	const struct listener_state *state = &incident->event.state;
	const struct listener *l = &incident->event.listener;
	bool seen = l->owner.since_ns && l->limit == state->limit;

	if (!state->valid)
		return;
	KNOW(x, somaxconn_now, state->somaxconn);
	if (seen)
		KNOW(x, somaxconn_then, l->somaxconn);
	KNOW(x, bound_inferred, !(seen && l->backlog_known));
	if (!x->bound_inferred) {
		KNOW(x, listen_backlog, (int32_t)l->backlog);
		KNOW(x, bound_by, l->backlog <= l->somaxconn ? OVERFLOW_BOUND_LISTEN :
				  state->somaxconn > l->somaxconn ? OVERFLOW_BOUND_SOMAXCONN_THEN :
								    OVERFLOW_BOUND_SOMAXCONN_NOW);
	} else if (seen) {
		KNOW(x, bound_by, state->limit < l->somaxconn	  ? OVERFLOW_BOUND_LISTEN :
				  state->somaxconn > l->somaxconn ? OVERFLOW_BOUND_SOMAXCONN_THEN :
								    OVERFLOW_BOUND_SOMAXCONN_NOW);
	} else if (state->limit == state->somaxconn) {
		KNOW(x, bound_by, OVERFLOW_BOUND_SOMAXCONN_NOW);
	}
}

/* ---- counts --------------------------------------------------------- */

static void tell_counts(const struct overflow_incident *incident, struct accept_overflow *x)
{
	const struct overflow_counts *now = &incident->counts, *told = &incident->told;
	uint64_t from = incident->lines ? incident->told_ns : incident->first_ns;

	KNOW(x, syn_drops, now->syn_drops - told->syn_drops);
	KNOW(x, ack_drops, now->ack_drops - told->ack_drops);
	KNOW(x, count, x->syn_drops + x->ack_drops);
	KNOW(x, window_ns, span(from, now->last_ns));
	if (x->count > 1 && x->window_ns >= 1000000)
		KNOW(x, rate_per_s, (double)x->count * 1e9 / x->window_ns + 0.5);
	KNOW(x, total, incident->total);
	KNOW(x, incident_ns, span(incident->first_ns, now->last_ns));
}

static void tell_clients(const struct overflow_incident *incident, struct accept_overflow *x)
{
	const struct overflow_counts *now = &incident->counts;
	struct overflow_clients *clients = &x->clients;
	uint64_t new = now->clients - incident->told.clients;

	KNOW(clients, distinct, new);
	for (uint64_t i = 0; i < new && i < OVERFLOW_EXAMPLES; i++) {
		const struct tcp_client *client = &now->examples[(now->clients - 1 - i) % OVERFLOW_EXAMPLES];

		if (client->port)
			endpoint_text(clients->examples[clients->examples_count++], client->address, client->port);
	}
	clients->known.examples = clients->examples_count != 0;
	x->known.clients = 1;
}

/* ---- those who ought to accept -------------------------------------- */

/* a full table explains it whatever the threads do; a master that waits for its workers explains nothing */
static unsigned int weight(const struct overflow_acceptor *a)
{
	return a->soft ? ~0U : a->master ? 0 : 1 + acceptor_weight(&a->acceptor);
}

static const struct overflow_acceptor *chosen(const struct overflow_incident *incident)
{
	const struct overflow_acceptor *best = NULL;

	for (unsigned int i = 0; i < incident->acceptor_count; i++)
		if (!best || weight(&incident->acceptors[i]) > weight(best))
			best = &incident->acceptors[i];
	return best;
}

/*
 * A second look: the processor time since the first, in percent; false: too short to say. A process that was about
 * to run then and has hardly run since is told of as it is now.
 */
static bool look_again(const struct session *s, const struct overflow_incident *incident,
		       const struct overflow_acceptor *a, struct acceptor *told, uint64_t *ret_percent)
{
	uint64_t ns = span(incident->looked_ns, session_now());
	struct acceptor now;

	if (ns < 200000000 || !procfs_same_process(&s->procfs, a->owner.tgid, a->owner.start_ns) ||
	    acceptor_look(&s->procfs, a->owner.tgid, &now) || now.cpu_ns < a->acceptor.cpu_ns)
		return false;
	*ret_percent = (now.cpu_ns - a->acceptor.cpu_ns) * 100 / ns;
	if (told->state == ACCEPTOR_RUNNING && *ret_percent < 10 && now.state != ACCEPTOR_RUNNING)
		*told = now;
	return true;
}

static void tell_holder(const struct session *s, const struct overflow_incident *incident,
			const struct overflow_acceptor *a, struct tcp_holder *holder)
{
	struct acceptor told = a->acceptor;
	enum acceptor_state state;

	KNOW(holder, pid, a->owner.tgid);
	text_copy(holder->comm, sizeof(holder->comm), a->owner.comm, strnlen(a->owner.comm, sizeof(a->owner.comm)));
	holder->known.comm = 1;
	holder->known.cpu_percent = look_again(s, incident, a, &told, &holder->cpu_percent);
	state = a->soft ? ACCEPTOR_FD_EXHAUSTED : told.state;
	if (state)
		KNOW(holder, state, state);
	if (told.tid && told.tid != a->owner.tgid)
		KNOW(holder, tid, told.tid);
	if (told.syscall >= 0) {
		syscall_name(holder->syscall, sizeof(holder->syscall), told.syscall, told.compat);
		holder->known.syscall = 1;
	}
	if (a->soft) {
		KNOW(holder, open, a->open);
		KNOW(holder, soft, a->soft);
	}
}

/* since it ran last: until now where it has not run since it was looked at, else until then */
static uint64_t idle_until_now(const struct session *s, const struct overflow_incident *incident, const struct overflow_acceptor *a)
{
	uint64_t ns = procfs_same_process(&s->procfs, a->owner.tgid, a->owner.start_ns) ?
		      accept_overflow_idle(s, a->owner.tgid, a->acceptor.tid) : 0;

	return ns > a->idle_ns && ns >= span(incident->looked_ns, session_now()) ? ns : a->idle_ns;
}

static void tell_acceptors(const struct session *s, const struct overflow_incident *incident, struct accept_overflow *x)
{
	const struct overflow_acceptor *best = chosen(incident);
	enum { HOLDERS = sizeof(x->holders) / sizeof(x->holders[0]) };
	struct tcp_holder said = {};

	if (incident->sharing)
		KNOW(x, sharing, incident->sharing);
	if (!best) {
		if (incident->owner_by == OWNER_LISTEN)
			KNOW(x, acceptor_state, ACCEPTOR_GONE);
		return;
	}
	/* who is told of comes first, as others may be in the same state */
	if (incident->sharing > 1)
		tell_holder(s, incident, best, &x->holders[x->holders_count++]);
	for (unsigned int i = 0; i < incident->acceptor_count && incident->sharing > 1 && x->holders_count < HOLDERS; i++)
		if (&incident->acceptors[i] != best)
			tell_holder(s, incident, &incident->acceptors[i], &x->holders[x->holders_count++]);
	x->known.holders = x->holders_count != 0;
	tell_holder(s, incident, best, &said);
	x->known.acceptor_state = said.known.state;
	x->acceptor_state = said.state;
	x->known.acceptor_tid = said.known.tid;
	x->acceptor_tid = said.tid;
	if (said.known.syscall)
		KNOW_TEXT(x, acceptor_syscall, said.syscall);
	x->known.acceptor_cpu_percent = said.known.cpu_percent;
	x->acceptor_cpu_percent = said.cpu_percent;
	x->known.fd_open = x->known.fd_soft = said.known.soft;
	x->fd_open = said.open;
	x->fd_soft = said.soft;
	if (best->idle_ns)
		KNOW(x, acceptor_ns, idle_until_now(s, incident, best));
}

/* 0 unless all who could accept have one thread each, and none of these has run since */
static uint64_t all_idle_ns(const struct overflow_incident *incident)
{
	uint64_t least = ~0ULL;

	for (unsigned int i = 0; i < incident->acceptor_count; i++) {
		const struct overflow_acceptor *a = &incident->acceptors[i];

		if (a->acceptor.threads != 1 || !a->idle_ns)
			return 0;
		if (a->idle_ns < least)
			least = a->idle_ns;
	}
	return incident->acceptor_count && incident->acceptor_count == incident->sharing ? least : 0;
}

/*
 * How long there was no accept() at least. While the queue is full nothing has
 * left it since its newest came: else there would be room. While its oldest is
 * the same nothing has left it either.
 */
static void tell_accepts(const struct accept_overflow_state *state, const struct overflow_incident *incident,
			 const struct overflow_sample *end, struct accept_overflow *x)
{
	const struct listener_state *first = &incident->event.state;
	const struct overflow_sample *begin = &incident->sample;
	uint64_t jiffy_ns = state->hz ? 1000000000ULL / state->hz : 0, idle = all_idle_ns(incident), least, elapsed;
	bool same = end->state.valid && first->valid && first->head && first->head == end->state.head;

	least = is_full(first) ? first->tail_jiffies * jiffy_ns : 0;
	elapsed = same ? span(incident->event.header.boot_ns, end->ns) : 0;
	/* another one may have got the memory of the first, but it has not waited since then */
	if (same && jiffy_ns && end->state.head_jiffies * jiffy_ns + 2 * jiffy_ns < elapsed)
		same = false;
	least = same && jiffy_ns ? least + elapsed : least;
	/* whether it ran since or not: the oldest connection is the same */
	idle = idle && same ? idle + span(incident->looked_ns, end->ns) : idle;
	if ((same || !end->state.valid) && idle > least)
		least = idle;
	/* some were accepted meanwhile: what is known is how it is now */
	if (end->state.valid && !same)
		least = is_full(&end->state) ? end->state.tail_jiffies * jiffy_ns : 0;
	if (least)
		KNOW(x, since_accept_ns, least);
	if (first->head && jiffy_ns)
		KNOW(x, oldest_wait_ns, (same ? end->state.head_jiffies : first->head_jiffies) * jiffy_ns);
	if (!begin->ns || !end->state.valid || end->ns <= begin->ns)
		return;
	KNOW(x, observed_ns, end->ns - begin->ns);
	KNOW(x, queue_after, end->state.queue);
	/* those who come are counted by port */
	if (incident->port_count == 1) {
		uint64_t came = end->established - begin->established;
		int64_t taken = (int64_t)came - ((int64_t)end->state.queue - begin->state.queue);

		KNOW(x, accepted, taken > 0 ? taken : 0);
		if (!begin->late)
			KNOW(x, arrived, came + x->count);
	}
}

/* ---- the group ------------------------------------------------------ */

static void tell_group(const struct accept_overflow_state *state, const struct overflow_incident *incident,
		       struct accept_overflow *x)
{
	struct overflow_key key = incident->event.key;
	uint64_t full = 0, n = 0;

	if (incident->group_count < 2)
		return;
	/* the full ones first */
	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < incident->group_count; i++) {
			struct reuseport_member *member = &x->group[n];
			struct overflow_sample sample;

			key.sk = incident->group[i];
			if (!accept_overflow_sample(state, &key, &sample) || is_full(&sample.state) == round)
				continue;
			full += !round;
			if (n == sizeof(x->group) / sizeof(x->group[0]))
				continue;
			n++;
			KNOW(member, queue, sample.state.queue);
			KNOW(member, limit, sample.state.limit);
			if (incident->group_pid[i]) {
				KNOW(member, pid, incident->group_pid[i]);
				text_copy(member->comm, sizeof(member->comm), incident->group_comm[i],
					  strnlen(incident->group_comm[i], sizeof(incident->group_comm[i])));
				member->known.comm = 1;
			}
			if (key.sk == incident->event.key.sk)
				KNOW(member, overflows, x->count);
		}
	}
	KNOW(x, group_size, incident->group_count);
	KNOW(x, group_full, full);
	x->group_count = n;
	x->known.group = n != 0;
}

/* ---- the line ------------------------------------------------------- */

static void fit(struct observation *o)
{
	struct accept_overflow *x = &o->accept_overflow;

	while (ndjson_observation_bytes(o) > OBSERVATION_BYTES) {
		if (fit_args(&o->process, 4))
			observation_truncated(o, "process.args");
		else if (fit_list(&x->holders_count, 2))
			observation_truncated(o, "accept_overflow.holders");
		else if (fit_list(&x->group_count, 2))
			observation_truncated(o, "accept_overflow.group");
		else if (fit_places(o, 96))
			observation_truncated(o, "cgroup.path");
		else if (fit_args(&o->process, 0))
			observation_truncated(o, "process.args");
		else
			return;
	}
}

void accept_overflow_tell(struct accept_overflow_state *state, struct overflow_incident *incident)
{
	static struct observation o;
	struct accept_overflow *x = &o.accept_overflow;
	struct overflow_sample end;

	observation_clear(&o, KIND_accept_overflow);
	o.boot_ns = incident->lines ? incident->counts.last_ns : incident->first_ns;
	accept_overflow_sample(state, &incident->event.key, &end);
	tell_socket(state->session, incident, x);
	tell_bound(incident, x);
	tell_counts(incident, x);
	tell_clients(incident, x);
	tell_acceptors(state->session, incident, x);
	tell_accepts(state, incident, &end, x);
	tell_group(state, incident, x);
	if (incident->owner_by) {
		tcp_owner_fill(state->session, &o, &incident->owner);
		KNOW(x, owner_by, incident->owner_by);
	}
	/* the next line begins here, where it goes on */
	incident->sample = end;
	if (!end.state.valid)
		incident->sample.ns = 0;
	fit(&o);
	session_deliver(state->session, KIND_accept_overflow, &o);
}
