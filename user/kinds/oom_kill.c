// SPDX-License-Identifier: BSD-2-Clause
/* OOM kills: the hooks, and the folding of one decision's records into one incident. */
#include "oom_kill.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oom.skel.h"

/* a critical card is never held back longer */
#define HOLD_NS 2000000000ULL
#define SETTLE_NS 60000000ULL

/* ---- hooks ---------------------------------------------------------- */

static int fentry_available(const struct kernel *kernel)
{
	return kernel_fentry(kernel, "oom_kill_process");
}

static int kprobe_available(const struct kernel *kernel)
{
	(void)kernel;
	return kernel_kprobe("oom_kill_process");
}

static const struct hook_choice hooks[] = {
	{
		.name = "fentry",
		.programs = { "oom_kill_process_fentry" },
		.available = fentry_available,
		.remedy = REMEDY_FENTRY,
	}, {
		.name = "kprobe",
		.programs = { "oom_kill_process_kprobe" },
		.available = kprobe_available,
		.remedy = REMEDY_KPROBE,
	}, {
		.name = "tracepoint",
		.fields_lost = { "victim_points_bytes", "domain_total_bytes", "domain_cgroup_id",
				 "gfp_flags (bits reclaim was told)", "order (0 for cgroup charges)" },
	},
};

static int oom_kill_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = core_path);
	struct oom_bpf *skeleton = oom_bpf__open_opts(&options);
	bool by_task = kernel_tracepoint_pointer(kernel, "mark_victim", 0);

	if (!skeleton)
		return -errno;
	probe->wrapper = skeleton;
	probe->skeleton = skeleton->skeleton;
	skeleton->rodata->page_size = sysconf(_SC_PAGESIZE);
	skeleton->rodata->possible_cpus = libbpf_num_possible_cpus();
	skeleton->rodata->vmscan_gfp_first =
		kernel_tracepoint_args(kernel, "mm_vmscan_memcg_reclaim_begin") >= 3;
	skeleton->rodata->exit_has_group_dead = kernel_tracepoint_args(kernel, "sched_process_exit") >= 2;
	bpf_program__set_autoload(by_task ? skeleton->progs.oom_mark_victim_pid :
					    skeleton->progs.oom_mark_victim, false);
	/* a kernel without memory cgroups has no such reclaim */
	if (kernel_tracepoint_args(kernel, "mm_vmscan_memcg_reclaim_begin") < 0)
		bpf_program__set_autoload(skeleton->progs.oom_memcg_reclaim, false);
	return 0;
}

const struct probe_type oom_kill_probe = {
	.name = "oom",
	.kind = KIND_oom_kill,
	.hooks = hooks,
	.hook_count = sizeof(hooks) / sizeof(hooks[0]),
	.event_programs = { "oom_mark_victim", "oom_mark_victim_pid" },
	.open = oom_kill_probe_open,
};

/* ---- incidents ------------------------------------------------------ */

static struct oom_incident *find_incident(struct oom_state *state, uint64_t decision)
{
	for (unsigned int i = 0; i < OOM_INCIDENTS; i++)
		if (state->incidents[i].decision == decision)
			return &state->incidents[i];
	return NULL;
}

static void report(struct session *s, struct oom_state *state, struct oom_incident *incident, uint64_t now)
{
	oom_close_up(s, incident, now);
	incident->observation.kind = KIND_oom_kill;
	oom_fit(&incident->observation);
	session_deliver(s, KIND_oom_kill, &incident->observation);
	state->last_recent[state->last_recent_next++ % OOM_INCIDENTS] = incident->decision;
	incident->decision = 0;
}

/* a free place; with none left the oldest incident is reported as it stands */
static struct oom_incident *new_incident(struct session *s, struct oom_state *state, uint64_t decision)
{
	struct oom_incident *oldest = &state->incidents[0];

	for (unsigned int i = 0; i < OOM_INCIDENTS; i++) {
		struct oom_incident *incident = &state->incidents[i];

		if (!incident->decision) {
			oldest = incident;
			break;
		}
		if (incident->observation.boot_ns < oldest->observation.boot_ns)
			oldest = incident;
	}
	if (oldest->decision)
		report(s, state, oldest, session_now());
	memset(oldest, 0, sizeof(*oldest));
	oldest->decision = decision;
	return oldest;
}

static void add_member(struct oom_incident *incident, uint64_t pid)
{
	for (uint64_t i = 0; i < incident->member_count; i++)
		if (incident->members[i].pid == pid)
			return;
	if (incident->member_count == OOM_MEMBERS) {
		incident->truncated++;
		return;
	}
	incident->members[incident->member_count++].pid = pid;
	incident->alive++;
}

static void take_victim(struct session *s, struct oom_state *state, const struct oom_victim_event *event)
{
	struct oom_incident *incident = new_incident(s, state, event->decision);
	const struct oom_kill_seen *seen = &event->oom;

	oom_decode(incident, event);
	add_member(incident, event->process.pid);
	if (seen->known.victim_anon_bytes)
		incident->freed_bytes = seen->victim_anon_bytes + seen->victim_swap_bytes +
					seen->victim_pagetables_bytes;
	oom_enrich(s, incident);
}

static bool just_closed(const struct oom_state *state, uint64_t decision)
{
	for (unsigned int i = 0; i < OOM_INCIDENTS; i++)
		if (state->last_recent[i] == decision)
			return true;
	return false;
}

static void take_member(struct session *s, struct oom_state *state, const struct oom_member_event *event)
{
	struct oom_incident *incident = find_incident(state, event->decision);

	if (!incident && just_closed(state, event->decision))
		return;
	if (!incident) {
		/* the head was lost: what is known of this victim is better than nothing */
		state->promoted++;
		incident = new_incident(s, state, event->decision);
		incident->observation.boot_ns = event->header.boot_ns;
		KNOW(&incident->observation.process, pid, event->pid);
		memcpy(incident->observation.process.comm, event->comm, sizeof(event->comm));
		incident->observation.process.known.comm = 1;
	}
	add_member(incident, event->pid);
	incident->freed_bytes += event->freed_bytes;
}

static void take_exit(struct oom_state *state, const struct oom_member_event *event)
{
	struct oom_incident *incident = find_incident(state, event->decision);

	if (!incident)
		return;
	for (uint64_t i = 0; i < incident->member_count; i++) {
		if (incident->members[i].pid == event->pid && !incident->members[i].gone) {
			incident->members[i].gone = true;
			incident->alive--;
		}
	}
	incident->last_exit_ns = event->header.boot_ns;
	incident->settle_ns = event->header.boot_ns + SETTLE_NS;
}

static int oom_event(struct session *s, void *state_pointer, const void *data, size_t size)
{
	const struct event_header *header = data;
	struct oom_state *state = state_pointer;

	switch (header->type) {
	case OOM_EVENT_VICTIM:
		if (size < sizeof(struct oom_victim_event))
			return -EBADMSG;
		take_victim(s, state, data);
		return 0;
	case OOM_EVENT_MEMBER:
	case OOM_EVENT_EXIT:
		if (size < sizeof(struct oom_member_event))
			break;
		if (header->type == OOM_EVENT_MEMBER)
			take_member(s, state, data);
		else
			take_exit(state, data);
		return 0;
	}
	state->promoted++;
	return -EBADMSG;
}

/* ---- time ----------------------------------------------------------- */

/*
 * An incident is told a moment after its last victim was gone: further members
 * of a group are marked within milliseconds, and since 6.16 the exit is
 * reported before the memory is given back. At the latest after HOLD_NS.
 */
static uint64_t incident_due(const struct oom_incident *incident)
{
	uint64_t due = incident->observation.boot_ns + HOLD_NS;

	if (!incident->decision)
		return 0;
	if (!incident->alive && incident->settle_ns && incident->settle_ns < due)
		return incident->settle_ns;
	return due;
}

static uint64_t oom_due(const void *state_pointer)
{
	const struct oom_state *state = state_pointer;
	uint64_t earliest = 0;

	for (unsigned int i = 0; i < OOM_INCIDENTS; i++) {
		uint64_t due = incident_due(&state->incidents[i]);

		if (due && (!earliest || due < earliest))
			earliest = due;
	}
	return earliest;
}

static void oom_expire(struct session *s, void *state_pointer, uint64_t now)
{
	struct oom_state *state = state_pointer;

	for (unsigned int i = 0; i < OOM_INCIDENTS; i++) {
		struct oom_incident *incident = &state->incidents[i];
		uint64_t due = incident_due(incident);

		if (!due || due > now)
			continue;
		if (now < incident->observation.boot_ns + HOLD_NS && !oom_all_gone(s, incident))
			incident->settle_ns = now + SETTLE_NS;
		else
			report(s, state, incident, now);
	}
}

static void oom_finish(struct session *s, void *state_pointer)
{
	struct oom_state *state = state_pointer;

	for (unsigned int i = 0; i < OOM_INCIDENTS; i++)
		if (state->incidents[i].decision)
			report(s, state, &state->incidents[i], session_now());
}

static int oom_open(struct session *s, void **ret_state)
{
	(void)s;
	*ret_state = calloc(1, sizeof(struct oom_state));
	return *ret_state ? 0 : -ENOMEM;
}

static uint64_t oom_generated(const struct probe *probe, const void *state_pointer)
{
	const struct oom_state *state = state_pointer;
	const struct event_account *a = probe->account;

	/* heads are events; parts count only when they were lost, or stand for a lost head */
	return a[OOM_EVENT_VICTIM].generated + a[OOM_EVENT_VICTIM].map_full + a[OOM_EVENT_MEMBER].ring_full +
	       a[OOM_EVENT_EXIT].ring_full + a[OOM_EVENT_EXIT].map_full + state->promoted;
}

const struct kind_type oom_kill_kind = {
	.kind = KIND_oom_kill,
	.probe = &oom_kill_probe,
	.needs_recorder = true,
	.open = oom_open,
	.close = free,
	.event = oom_event,
	.due = oom_due,
	.expire = oom_expire,
	.finish = oom_finish,
	.generated = oom_generated,
};
