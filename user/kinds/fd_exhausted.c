// SPDX-License-Identifier: BSD-2-Clause
/* Refused descriptors: how the failures of a process become an incident. */
#include "fd_exhausted_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd_exhausted.skel.h"
#include "syscall_name.h"

#define HOLD_NS 1500000000ULL		/* the first line waits so long at most, and for a glance */
#define LONGEST_NS 60000000000ULL
#define LOOK_AGAIN_NS 10000000000ULL
#define LIST_AGAIN_NS 1000000000ULL	/* for a line that is not the first, where its refusals are not older */
#define TELL_NS 1000000000ULL		/* the kernel tells of a call that often at most */
#define GLANCE_NS 250000000ULL		/* time between two looks at counts while a line is waiting */

static int failures_map(const struct fd_exhausted_state *state)
{
	const struct fd_exhausted_bpf *skeleton = session_kind(state->session, KIND_fd_exhausted)->probe.wrapper;

	return bpf_map__fd(skeleton->maps.failures);
}

/* ---- counts --------------------------------------------------------- */

static uint64_t untold(const struct fd_incident *incident)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < incident->call_count; i++)
		sum += incident->calls[i].count - incident->calls[i].told;
	return sum;
}

static uint64_t last_failure(const struct fd_incident *incident)
{
	uint64_t last = 0;

	for (unsigned int i = 0; i < incident->call_count; i++)
		if (incident->calls[i].last_ns > last)
			last = incident->calls[i].last_ns;
	return last;
}

/* what the kernel has counted since; the processor time of the thread that was first comes along */
static void read_counts(const struct fd_exhausted_state *state, struct fd_incident *incident)
{
	int map = failures_map(state);
	struct fd_failures now;

	for (unsigned int i = 0; i < incident->call_count; i++) {
		struct fd_incident_call *call = &incident->calls[i];
		struct fd_exhausted *x = &incident->observation.fd_exhausted;

		if (bpf_map_lookup_elem(map, &call->key, &now))
			continue;
		call->count = now.count;
		if (now.told_ns > incident->kernel_told_ns)
			incident->kernel_told_ns = now.told_ns;
		call->first_ns = now.first_ns;
		call->last_ns = now.last_ns;
		if (i)
			continue;
		if (incident->tid != now.tid || !incident->cpu_at_ns) {
			incident->tid = now.tid;
			incident->cpu_ns = now.first_cpu_ns;
			incident->cpu_at_ns = now.first_ns;
		}
		if (now.last_tid_ns < incident->cpu_at_ns + 100000000)
			continue;
		KNOW(x, spin_tid, now.tid);
		KNOW(x, spin_percent, (now.last_cpu_ns - incident->cpu_ns) * 100 / (now.last_tid_ns - incident->cpu_at_ns));
		/* two clocks */
		if (x->spin_percent > 100)
			x->spin_percent = 100;
	}
}

/* what is told from here on is of the time from now */
static void start_window(const struct fd_exhausted_state *state, struct fd_incident *incident)
{
	struct fd_failures now;

	for (unsigned int i = 0; i < incident->call_count; i++)
		incident->calls[i].told = incident->calls[i].count;
	if (bpf_map_lookup_elem(failures_map(state), &incident->calls[0].key, &now) == 0) {
		incident->cpu_ns = now.last_cpu_ns;
		incident->cpu_at_ns = now.last_tid_ns;
	}
	incident->observation.fd_exhausted.known.spin_tid = 0;
	incident->observation.fd_exhausted.known.spin_percent = 0;
}

static struct fd_incident_call *find_call(struct fd_incident *incident, const struct fd_failure_key *key)
{
	for (unsigned int i = 0; i < incident->call_count; i++)
		if (memcmp(&incident->calls[i].key, key, sizeof(*key)) == 0)
			return &incident->calls[i];
	return NULL;
}

/* ---- incidents ------------------------------------------------------ */

static void call_name(char ret[32], uint32_t call)
{
	if (call & FD_CALL_RING)
		text_copy(ret, 32, "io_uring", strlen("io_uring"));
	else
		syscall_name(ret, 32, call & (FD_CALL_RING - 1), call & FD_CALL_COMPAT);
	/* the kernel opens for a ring in this call as well as in workers */
	if (strcmp(ret, "io_uring_enter") == 0)
		text_copy(ret, 32, "io_uring", strlen("io_uring"));
}

static int by_count(const void *a, const void *b)
{
	const struct fd_call *left = a, *right = b;

	return left->count < right->count ? 1 : left->count > right->count ? -1 : 0;
}

/* the row of a call, which is there already where it met a full table and one that was not */
static struct fd_call *row_of(struct fd_call *rows, uint64_t *count, uint32_t call)
{
	char name[sizeof(rows->syscall)];
	uint64_t i;

	call_name(name, call);
	for (i = 0; i < *count && strcmp(rows[i].syscall, name) != 0; i++)
		;
	*count += i == *count;
	KNOW_TEXT(&rows[i], syscall, name);
	return &rows[i];
}

static void fill_calls(struct fd_exhausted *x, const struct fd_incident *incident)
{
	struct fd_call rows[FD_INCIDENT_CALLS] = {};
	const uint64_t max = sizeof(x->calls) / sizeof(x->calls[0]);
	char first[sizeof(rows->syscall)];
	uint64_t count = 0;

	for (unsigned int i = 0; i < incident->call_count; i++) {
		const struct fd_incident_call *call = &incident->calls[i];
		struct fd_call *row = call->count != call->told ? row_of(rows, &count, call->key.call) : NULL;

		if (row)
			KNOW(row, count, row->count + call->count - call->told);
	}
	qsort(rows, count, sizeof(rows[0]), by_count);
	x->calls_count = count < max ? count : max;
	memcpy(x->calls, rows, x->calls_count * sizeof(rows[0]));
	x->known.calls = 1;
	if (!count)
		return;
	KNOW_TEXT(x, syscall, rows[0].syscall);
	/* the stack came with the first */
	call_name(first, incident->calls[0].key.call);
	x->known.stack_syscall = 0;
	if (x->known.stack && strcmp(first, x->syscall) != 0)
		KNOW_TEXT(x, stack_syscall, first);
}

/*
 * Ages and groups of a line are of its time. The first one's are of the first
 * refusal; and where the last is a while ago, what is open now is not what was
 * open then.
 */
static bool list_is_old(const struct fd_incident *incident, uint64_t last)
{
	return incident->lines && span(incident->listed_ns, last) > LIST_AGAIN_NS &&
	       span(last, session_now()) <= LIST_AGAIN_NS;
}

static void tell(struct fd_exhausted_state *state, struct fd_incident *incident)
{
	static struct observation line;
	struct fd_exhausted *x = &incident->observation.fd_exhausted;
	uint64_t count = untold(incident), last = last_failure(incident);
	uint64_t from = incident->lines ? incident->told_ns : incident->first_ns;

	if (list_is_old(incident, last))
		fd_exhausted_look_again(state, incident);
	fd_exhausted_name(state->session, incident);
	fill_calls(x, incident);
	KNOW(x, count, count);
	KNOW(x, total, incident->total += count);
	KNOW(x, incident_ns, span(incident->first_ns, last));
	KNOW(x, window_ns, span(from, last));
	x->known.rate_per_s = count > 1 && x->window_ns >= 1000000;
	if (x->known.rate_per_s)
		x->rate_per_s = (double)count * 1e9 / x->window_ns + 0.5;
	incident->observation.boot_ns = incident->lines ? last : incident->first_ns;
	/* what fits a line is cut from a copy: the next line begins with all again */
	line = incident->observation;
	fd_exhausted_fit(&line);
	session_deliver(state->session, KIND_fd_exhausted, &line);
	session_folded(state->session, KIND_fd_exhausted, count - 1);
	start_window(state, incident);
	incident->told_ns = last;
	incident->lines++;
}

/* the first line after two seconds at most, the next after twice as long, up to a minute */
static uint64_t hold_ns(const struct fd_incident *incident)
{
	uint64_t hold = HOLD_NS << (incident->lines < 6 ? incident->lines : 6);

	return hold < LONGEST_NS ? hold : LONGEST_NS;
}

/* tells it when its time has come or it is over; says when to look again */
static void look_at(struct fd_exhausted_state *state, struct fd_incident *incident, uint64_t now)
{
	uint64_t hold = hold_ns(incident), last, quiet, since;

	read_counts(state, incident);
	/* the kernel tells of more once a second at most: until then it may have counted in silence */
	if (!untold(incident)) {
		incident->due_ns = span(incident->kernel_told_ns, now) < TELL_NS ? now + GLANCE_NS : 0;
		return;
	}
	/* the kernel went on counting since the loop took the time */
	last = last_failure(incident);
	quiet = span(last, now);
	since = span(incident->lines ? incident->told_ns : incident->first_ns, last);
	/* a first refusal that stays alone need not wait */
	if (since >= hold || quiet >= (hold / 4 > GLANCE_NS ? hold / 4 : GLANCE_NS))
		tell(state, incident);
	incident->due_ns = now + (incident->lines ? hold / 8 : GLANCE_NS);
}

static bool is_gone(const struct fd_exhausted_state *state, const struct fd_incident *incident)
{
	return !procfs_same_process(&state->session->procfs, incident->pid, incident->start_ns);
}

/* the kernel's counts of a process that is gone are of no more use */
static void forget(struct fd_exhausted_state *state, struct fd_incident *incident)
{
	for (unsigned int i = 0; i < incident->call_count; i++)
		bpf_map_delete_elem(failures_map(state), &incident->calls[i].key);
	incident->start_ns = 0;
}

/* a free place, else that of the one which has been silent for the longest */
static struct fd_incident *place_for(struct fd_exhausted_state *state)
{
	struct fd_incident *oldest = &state->incidents[0];

	for (int i = 0; i < FD_INCIDENTS; i++) {
		struct fd_incident *incident = &state->incidents[i];

		if (!incident->start_ns)
			return incident;
		if (last_failure(incident) < last_failure(oldest))
			oldest = incident;
	}
	read_counts(state, oldest);
	if (untold(oldest))
		tell(state, oldest);
	forget(state, oldest);
	return oldest;
}

static struct fd_incident *incident_of(struct fd_exhausted_state *state, const struct fd_failure_event *event,
				       enum fd_limit limit)
{
	for (int i = 0; i < FD_INCIDENTS; i++) {
		struct fd_incident *incident = &state->incidents[i];

		if (incident->start_ns == event->key.start_ns && incident->pid == event->key.tgid &&
		    incident->error == event->key.error && incident->limit_kind == limit)
			return incident;
	}
	return NULL;
}

/* a new incident, or one that was over and begins again */
static void begin(struct fd_incident *incident, const struct fd_failure_event *event, enum fd_limit limit)
{
	if (!incident->start_ns)
		memset(incident, 0, offsetof(struct fd_incident, observation));
	incident->start_ns = event->key.start_ns;
	incident->pid = event->key.tgid;
	incident->error = event->key.error;
	incident->limit_kind = limit;
	incident->first_ns = event->header.boot_ns;
	incident->lines = 0;
	incident->total = 0;
}

/*
 * A call of which another incident has told: the limit that binds is another one
 * now, and the kernel goes on counting in the same place.
 */
static void take_over(struct fd_exhausted_state *state, struct fd_incident *incident, struct fd_incident_call *call)
{
	for (int i = 0; i < FD_INCIDENTS; i++) {
		struct fd_incident *other = &state->incidents[i];
		struct fd_incident_call *same = other->start_ns && other != incident ? find_call(other, &call->key) : NULL;

		if (!same)
			continue;
		read_counts(state, other);
		if (untold(other))
			tell(state, other);
		*call = *same;
		*same = other->calls[--other->call_count];
	}
}

static int take_failure(struct session *s, struct fd_exhausted_state *state, const struct fd_failure_event *event,
			size_t size)
{
	struct fd_incident *incident;
	struct fd_incident_call *call;
	enum fd_limit limit;
	char name[32];

	if (size < offsetof(struct fd_failure_event, stack.data) || event->stack.bytes > USER_STACK_BYTES ||
	    size < offsetof(struct fd_failure_event, stack.data) + event->stack.bytes)
		return -EBADMSG;
	call_name(name, event->key.call);
	limit = fd_exhausted_limit(state, event, name);
	incident = incident_of(state, event, limit);
	call = incident ? find_call(incident, &event->key) : NULL;
	if (incident)
		fd_exhausted_update(incident, event);
	/* it goes on, and has been looked at */
	if (call && incident->due_ns)
		return 0;
	if (!incident)
		begin(incident = place_for(state), event, limit);
	else if (!incident->due_ns && event->header.boot_ns - incident->told_ns > LONGEST_NS)
		begin(incident, event, limit);
	if (!call && incident->call_count == FD_INCIDENT_CALLS) {
		session_lost(s, KIND_fd_exhausted, GAP_CAUSE_MAP_FULL, 1, "calls of one process");
		return 0;
	}
	if (!call) {
		call = &incident->calls[incident->call_count++];
		*call = (struct fd_incident_call){ .key = event->key, .count = 1 };
		call->first_ns = call->last_ns = event->header.boot_ns;
		take_over(state, incident, call);
	}
	/* what it has open changes little while nothing more can be opened */
	if (!incident->looked_ns || event->header.boot_ns - incident->looked_ns > LOOK_AGAIN_NS) {
		fd_exhausted_look(state, incident, event);
		incident->looked_ns = incident->listed_ns = event->header.boot_ns;
	}
	incident->due_ns = event->header.boot_ns + GLANCE_NS;
	return 0;
}

static int fd_exhausted_event(struct session *s, void *state_pointer, const void *data, size_t size)
{
	const struct event_header *header = data;
	struct fd_exhausted_state *state = state_pointer;

	if (header->type == FD_EVENT_CGROUP && size >= sizeof(struct cgroup_event)) {
		session_cgroup(s, data);
		return 0;
	}
	if (header->type == FD_EVENT_FAILURE && !take_failure(s, state, data, size))
		return 0;
	state->bad_records++;
	return -EBADMSG;
}

/* ---- time ----------------------------------------------------------- */

static uint64_t fd_exhausted_due(const void *state_pointer)
{
	const struct fd_exhausted_state *state = state_pointer;
	uint64_t due = 0;

	for (int i = 0; i < FD_INCIDENTS; i++) {
		const struct fd_incident *incident = &state->incidents[i];

		if (incident->start_ns && incident->due_ns && (!due || incident->due_ns < due))
			due = incident->due_ns;
	}
	return due;
}

static void fd_exhausted_expire(struct session *s, void *state_pointer, uint64_t now)
{
	struct fd_exhausted_state *state = state_pointer;
	bool slow = false;

	(void)s;
	/* a stack may take long to be named: the rest stays due, and who fails meanwhile is looked at before that */
	for (int i = 0; i < FD_INCIDENTS && !slow; i++) {
		struct fd_incident *incident = &state->incidents[i];

		if (!incident->start_ns || !incident->due_ns || incident->due_ns > now)
			continue;
		slow = incident->stack.count != 0;
		look_at(state, incident, now);
		if (!incident->due_ns && is_gone(state, incident))
			forget(state, incident);
	}
}

static void fd_exhausted_finish(struct session *s, void *state_pointer)
{
	struct fd_exhausted_state *state = state_pointer;

	(void)s;
	for (int i = 0; i < FD_INCIDENTS; i++) {
		struct fd_incident *incident = &state->incidents[i];

		if (!incident->start_ns)
			continue;
		read_counts(state, incident);
		if (untold(incident))
			tell(state, incident);
	}
}

static void fd_exhausted_close(void *state_pointer)
{
	struct fd_exhausted_state *state = state_pointer;

	fd_summary_close(&state->summary);
	free(state);
}

static int fd_exhausted_open(struct session *s, void **ret_state)
{
	struct fd_exhausted_state *state = calloc(1, sizeof(*state));
	int err = state ? fd_summary_open(&state->summary) : -ENOMEM;

	if (!err)
		err = cgroup_paths_open(&s->cgroup_paths);
	if (err) {
		if (state)
			fd_exhausted_close(state);
		return err;
	}
	state->session = s;
	*ret_state = state;
	return 0;
}

static uint64_t fd_exhausted_generated(const struct probe *probe, const void *state_pointer)
{
	const struct fd_exhausted_state *state = state_pointer;
	const struct event_account *a = probe->account;

	/* parts of events count when they were lost */
	return a[FD_EVENT_FAILURE].generated + a[FD_EVENT_CGROUP].ring_full + state->bad_records;
}

const struct kind_type fd_exhausted_kind = {
	.kind = KIND_fd_exhausted,
	.probe = &fd_exhausted_probe,
	.needs_fd_list = true,
	.open = fd_exhausted_open,
	.close = fd_exhausted_close,
	.event = fd_exhausted_event,
	.due = fd_exhausted_due,
	.expire = fd_exhausted_expire,
	.finish = fd_exhausted_finish,
	.generated = fd_exhausted_generated,
};
