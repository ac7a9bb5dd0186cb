// SPDX-License-Identifier: BSD-2-Clause
/* The end of an OOM incident: who died with the victim, what came back, what is stuck. */
#include "fit.h"
#include "oom_kill.h"

#include <string.h>
#include <unistd.h>

static void mark_candidates(struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;

	for (uint64_t i = 0; i < oom->candidates_count; i++)
		for (uint64_t m = 0; m < incident->member_count; m++)
			if (oom->candidates[i].pid == incident->members[m].pid)
				KNOW(&oom->candidates[i], victim, 1);
}

static void add_group(struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	struct oom_group *group = &oom->group_killed;
	const uint64_t max = sizeof(group->pids) / sizeof(group->pids[0]);

	/* nothing was killed: nobody to list */
	if (oom->known.killed && !oom->killed)
		return;
	KNOW(group, n, incident->member_count + incident->truncated);
	group->known.pids = oom->known.group_killed = 1;
	for (uint64_t i = 0; i < incident->member_count && group->pids_count < max; i++)
		group->pids[group->pids_count++] = incident->members[i].pid;
	if (group->pids_count < group->n)
		observation_truncated(&incident->observation, "oom_kill.group_killed.pids");
}

/* a zombie has given its memory back */
static bool still_there(const struct session *s, uint64_t pid, struct process_stat *ret)
{
	return procfs_stat(&s->procfs, pid, ret) == 0 && ret->state != 'Z' && ret->state != 'X';
}

bool oom_all_gone(const struct session *s, const struct oom_incident *incident)
{
	struct process_stat stat;

	for (uint64_t i = 0; i < incident->member_count; i++)
		if (still_there(s, incident->members[i].pid, &stat))
			return false;
	return true;
}

static void add_stuck(struct session *s, struct oom_incident *incident, uint64_t pid)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	struct process_stat stat;

	/* a process that is gone was only told late */
	if (!still_there(s, pid, &stat))
		return;
	KNOW(oom, stuck_pid, pid);
	oom->stuck_state[0] = stat.state;
	oom->known.stuck_state = 1;
	if (procfs_wchan(&s->procfs, pid, oom->stuck_in, sizeof(oom->stuck_in)) == 0)
		oom->known.stuck_in = 1;
}

static void add_usage_after(struct session *s, struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	int version = incident->observation.cgroup.version;
	uint64_t usage;
	int fd;

	if (!incident->binding_id)
		return;
	fd = cgroupfs_open_id(&s->cgroupfs, version, incident->binding_id);
	if (fd < 0)
		return;
	if (cgroupfs_usage(fd, version, &usage) == 0)
		KNOW(oom, usage_after_bytes, usage);
	close(fd);
}

/*
 * What only the victims held is free once they are gone; shared memory is when
 * they were its last users, which shows in the level's usage. That alone would
 * miss what others have taken again since.
 */
static void add_freed(struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	uint64_t freed = incident->freed_bytes, before = 0;

	for (uint64_t i = 0; i < oom->limits_count; i++)
		if (oom->limits[i].known.binding && oom->limits[i].binding && oom->limits[i].known.usage_bytes)
			before = oom->limits[i].usage_bytes;
	if (oom->known.usage_after_bytes && before > oom->usage_after_bytes + freed)
		freed = before - oom->usage_after_bytes;
	if (freed)
		KNOW(oom, freed_bytes, freed);
}

void oom_close_up(struct session *s, struct oom_incident *incident, uint64_t now_ns)
{
	struct observation *o = &incident->observation;
	struct oom_kill *oom = &o->oom_kill;

	mark_candidates(incident);
	add_group(incident);
	for (uint64_t i = 0; i < incident->member_count && !oom->known.stuck_pid; i++)
		if (!incident->members[i].gone && now_ns >= o->boot_ns + 2000000000ULL)
			add_stuck(s, incident, incident->members[i].pid);
	if (incident->alive || !incident->last_exit_ns)
		return;
	KNOW(oom, time_to_die_ns, incident->last_exit_ns - o->boot_ns);
	add_usage_after(s, incident);
	add_freed(incident);
}

/* ---- fitting into a line -------------------------------------------- */

/* what the observation may take, so that the diagnosis has room */
enum { OBSERVATION_BYTES = 5200 };

/*
 * The sample goes whose neighbours are nearest in time: what stays is spread
 * evenly. Never the first, and never the last, which is the instant.
 */
static bool thin_history(struct oom_kill *oom, uint64_t least)
{
	uint64_t nearest = UINT64_MAX, out = 0;

	if (oom->history_count <= least)
		return false;
	for (uint64_t i = 1; i + 1 < oom->history_count; i++) {
		uint64_t between = oom->history[i + 1].boot_ns - oom->history[i - 1].boot_ns;

		if (between < nearest) {
			nearest = between;
			out = i;
		}
	}
	if (!out)
		return false;
	memmove(&oom->history[out], &oom->history[out + 1],
		(oom->history_count - out - 1) * sizeof(oom->history[0]));
	oom->history_count--;
	return true;
}

static bool drop_candidate(struct oom_kill *oom)
{
	uint64_t at = oom->candidates_count;

	while (at > 1 && oom->candidates[at - 1].victim)
		at--;
	if (oom->candidates_count <= 3 || at < 2)
		return false;
	memmove(&oom->candidates[at - 1], &oom->candidates[at],
		(oom->candidates_count - at) * sizeof(oom->candidates[0]));
	oom->candidates_count--;
	return true;
}

/* a level between the leaf and the one that bound says least */
static bool drop_level(struct oom_kill *oom, uint64_t least)
{
	if (oom->limits_count <= least)
		return false;
	for (uint64_t i = 1; i < oom->limits_count; i++) {
		if (oom->limits[i].binding)
			continue;
		memmove(&oom->limits[i], &oom->limits[i + 1],
			(oom->limits_count - i - 1) * sizeof(oom->limits[0]));
		oom->limits_count--;
		return true;
	}
	return false;
}

/* the last resort */
static bool shorten_texts(struct observation *o)
{
	bool done = false;

	for (size_t keep = 256; keep >= 32 && !done; keep /= 2) {
		done |= fit_places(o, keep);
		for (uint64_t i = 0; i < o->oom_kill.limits_count; i++)
			done |= fit_text(o->oom_kill.limits[i].path, sizeof(o->oom_kill.limits[i].path), keep);
	}
	return done;
}

void oom_fit(struct observation *o)
{
	struct oom_kill *oom = &o->oom_kill;

	/* by how little it is missed; the rules need the history most */
	while (ndjson_observation_bytes(o) > OBSERVATION_BYTES) {
		if (fit_args(&o->process, 4))
			observation_truncated(o, "process.args");
		else if (drop_level(oom, 4))
			observation_truncated(o, "oom_kill.limits");
		else if (thin_history(oom, 14))
			observation_truncated(o, "oom_kill.history");
		else if (drop_candidate(oom))
			observation_truncated(o, "oom_kill.candidates");
		else if (fit_args(&o->process, 0))
			observation_truncated(o, "process.args");
		else if (thin_history(oom, 10))
			observation_truncated(o, "oom_kill.history");
		else if (drop_level(oom, 1))
			observation_truncated(o, "oom_kill.limits");
		else if (shorten_texts(o))
			observation_truncated(o, "cgroup.path");
		else
			return;
	}
}
