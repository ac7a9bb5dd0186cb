// SPDX-License-Identifier: BSD-2-Clause
#include "cgroup_paths.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "names.h"
#include "probe.h"
#include "process.h"

enum { PATHS_MAX = 2048 };

int cgroup_paths_open(struct cgroup_paths *paths)
{
	return paths->table.entries ? 0 : table_init(&paths->table, sizeof(struct cgroup_path), PATHS_MAX);
}

void cgroup_paths_close(struct cgroup_paths *paths)
{
	table_fini(&paths->table);
}

bool cgroup_paths_take(struct cgroup_paths *paths, const struct cgroup_event *event)
{
	static struct observation scratch;
	struct text path = { .data = scratch.cgroup.path, .size = sizeof(scratch.cgroup.path) };
	struct cgroup_path *entry = table_add(&paths->table, event->id);
	size_t size = event->names_bytes;

	if (!entry)
		return false;
	memset(&scratch.cgroup, 0, sizeof(scratch.cgroup));
	memset(&scratch.container, 0, sizeof(scratch.container));
	KNOW(&scratch.cgroup, id, event->id);
	KNOW(&scratch.cgroup, version, event->version);
	names_path(&path, event->names, size <= sizeof(event->names) ? size : 0, 0, event->names_cut);
	scratch.cgroup.known.path = 1;
	observation_identify(&scratch);
	entry->cut = event->names_cut || path.cut;
	entry->cgroup = scratch.cgroup;
	entry->container = scratch.container;
	return true;
}

void cgroup_paths_clear(struct cgroup_paths *paths)
{
	table_clear(&paths->table);
}

void cgroup_paths_forget(const struct probe *probe)
{
	struct bpf_map *map = bpf_object__find_map_by_name(*probe->skeleton->obj, "cgroups_told");
	uint64_t key;

	if (!map)
		return;
	while (bpf_map_get_next_key(bpf_map__fd(map), NULL, &key) == 0)
		if (bpf_map_delete_elem(bpf_map__fd(map), &key))
			return;
}

const struct cgroup_path *cgroup_paths_find(const struct cgroup_paths *paths, uint64_t id)
{
	return table_find(&paths->table, id);
}

void cgroup_paths_fill(const struct cgroup_paths *paths, struct observation *o, uint64_t id, uint64_t version)
{
	const struct cgroup_path *entry = cgroup_paths_find(paths, id);

	if (!id)
		return;
	if (!entry) {
		KNOW(&o->cgroup, id, id);
		KNOW(&o->cgroup, version, version);
		return;
	}
	o->cgroup = entry->cgroup;
	o->container = entry->container;
	if (entry->cut)
		observation_truncated(o, "cgroup.path");
}
