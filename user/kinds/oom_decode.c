// SPDX-License-Identifier: BSD-2-Clause
/* The ring buffer's record as an observation: no look-ups, only what the kernel sent. */
#include "oom_kill.h"

#include <string.h>

#include "names.h"

static uint64_t level_max(const struct oom_victim_event *event, const struct oom_level *l)
{
	return l->max_pages >= INT64_MAX / event->page_size ? BYTES_MAX : l->max_pages * event->page_size;
}

/*
 * The level that was reached: the kernel's word where it could be hooked, else
 * the one with the least room left, when that is next to none. A charge fails
 * at usage + charge > max, so usage itself may stand a batch (64 pages) below,
 * and other CPUs may have given some back since.
 */
static int binding_level(const struct oom_victim_event *event)
{
	uint64_t least = UINT64_MAX;
	int found = -1;

	for (uint32_t i = 0; i < event->level_count && i < OOM_LEVELS; i++) {
		const struct oom_level *l = &event->level[i];
		uint64_t room = l->usage_pages < l->max_pages ? l->max_pages - l->usage_pages : 0;

		if (event->oom.known.domain_cgroup_id) {
			if (l->cgroup_id == event->oom.domain_cgroup_id)
				return i;
			continue;
		}
		if (level_max(event, l) == BYTES_MAX || room >= least)
			continue;
		least = room;
		found = i;
	}
	return found;
}

/* the path of the level whose name is number "leaf" of those sent */
static void add_path(struct text *text, const struct oom_victim_event *event, unsigned int leaf)
{
	size_t size = event->names_bytes;

	names_path(text, event->names, size <= sizeof(event->names) ? size : 0, leaf, event->names_cut);
}

static void decode_levels(struct oom_incident *incident, const struct oom_victim_event *event)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	bool memcg = oom->known.scope && oom->scope == OOM_SCOPE_MEMCG;
	int binding = memcg ? binding_level(event) : -1;

	for (uint32_t i = 0; i < event->level_count && i < OOM_LEVELS; i++) {
		const struct oom_level *level = &event->level[i];
		struct oom_limit *limit = &oom->limits[oom->limits_count++];
		struct text path = { .data = limit->path, .size = sizeof(limit->path) };

		add_path(&path, event, level->name_index);
		limit->known.path = 1;
		KNOW(limit, usage_bytes, level->usage_pages * event->page_size);
		KNOW(limit, max_bytes, level_max(event, level));
		if (oom->known.scope)
			KNOW(limit, binding, (int)i == binding);
	}
	oom->known.limits = 1;
	if (binding < 0)
		return;
	incident->binding_id = event->level[binding].cgroup_id;
	KNOW(oom, oom_group_set, event->level[binding].group != 0);
}

void oom_decode(struct oom_incident *incident, const struct oom_victim_event *event)
{
	struct observation *o = &incident->observation;
	struct text path = { .data = o->cgroup.path, .size = sizeof(o->cgroup.path) };

	if (!event->page_size)
		return;
	o->boot_ns = event->header.boot_ns;
	memcpy(&o->process, &event->process, sizeof(event->process));
	memcpy(&o->cgroup, &event->cgroup, sizeof(event->cgroup));
	memcpy(&o->oom_kill, &event->oom, sizeof(event->oom));
	if (o->cgroup.known.id) {
		add_path(&path, event, 0);
		o->cgroup.known.path = 1;
		observation_identify(o);
	}
	if (event->names_cut)
		observation_truncated(o, "cgroup.path");
	if (o->process.known.start_ns && o->process.start_ns < o->boot_ns)
		KNOW(&o->oom_kill, victim_age_ns, o->boot_ns - o->process.start_ns);
	decode_levels(incident, event);
}
