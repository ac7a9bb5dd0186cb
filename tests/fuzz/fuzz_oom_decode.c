// SPDX-License-Identifier: BSD-2-Clause
/*
 * A ring buffer record from its arrival to its line. The kernel is trusted to
 * fill the fields it has with sane numbers; processes and cgroups chose names.
 */
#include "user/kinds/oom_kill.h"

#include "check.h"

static void sane(struct oom_victim_event *event)
{
	event->header.type = OOM_EVENT_VICTIM;
	event->header.size = sizeof(*event);
	event->header.boot_ns >>= 8;
	event->page_size = 4096;
	event->level_count %= OOM_LEVELS + 1;
	event->names_bytes %= sizeof(event->names) + 1;
	event->names_cut &= 1;
	for (int i = 0; i < OOM_LEVELS; i++) {
		event->level[i].usage_pages >>= 24;
		event->level[i].max_pages >>= 12;
	}
	sane_record(&process_record, (char *)&event->process, sizeof(event->process));
	sane_record(&cgroup_record, (char *)&event->cgroup, sizeof(event->cgroup));
	sane_record(&oom_kill_record, (char *)&event->oom, sizeof(event->oom));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct oom_victim_event event;
	static struct oom_incident incident;
	static struct verdict verdict;
	struct observation *o = &incident.observation;

	memset(&event, 0, sizeof(event));
	memset(&incident, 0, sizeof(incident));
	memcpy(&event, data, size < sizeof(event) ? size : sizeof(event));
	sane(&event);
	oom_decode(&incident, &event);
	REQUIRE(o->oom_kill.limits_count <= event.level_count);
	REQUIRE(memchr(o->cgroup.path, '\0', sizeof(o->cgroup.path)));
	for (uint64_t i = 0; i < o->oom_kill.limits_count; i++)
		REQUIRE(memchr(o->oom_kill.limits[i].path, '\0', sizeof(o->oom_kill.limits[i].path)));
	o->kind = KIND_oom_kill;
	oom_fit(o);
	diagnose(o, &verdict);
	check_people("card", o, &verdict);
	check_people("line", o, &verdict);
	/* a record that says nothing is none the kernel sends */
	if (event.process.known.pid && event.oom.known.killed)
		check_line(o, &verdict);
	return 0;
}
