// SPDX-License-Identifier: BSD-2-Clause
/*
 * The record of an exec from its arrival to its line, with sizes that lie.
 * The kernel is trusted to fill what it fills with sane numbers; processes
 * chose names, paths and arguments.
 */
#include "user/kinds/exec_kind.h"

#include "check.h"

static struct session session;

static void sane_event(struct exec_event *event)
{
	event->header.boot_ns >>= 8;
	sane_record(&process_record, (char *)&event->process, sizeof(event->process));
	sane_record(&exec_record, (char *)&event->exec, sizeof(event->exec));
	/* always told */
	KNOW(&event->exec, ret, -(event->exec.ret & 0xff));
	event->tid &= 0x3fffff;
	event->storm_execs >>= 32;
	event->storm_window_ns >>= 8;
	event->storm_start_ns >>= 8;
	event->cgroup_id &= 3;
	event->cgroup_version = 1 + event->cgroup_version % 2;
}

/* a block of the very size, so that a byte beyond it is seen */
static bool decode(struct observation *o, const uint8_t *data, size_t size)
{
	struct exec_event *exact = malloc(size);
	struct exec_parts parts;
	bool sound;

	REQUIRE(exact);
	memcpy(exact, data, size);
	sound = exec_parts(&parts, exact, size) == 0;
	if (sound) {
		sane_event(exact);
		exec_decode(&session, o, exact, &parts);
		/* what was found out of a failure; its name is the process's */
		if (o->exec.ret)
			KNOW(&o->exec, reason, 1 + exact->used % EXEC_FAILURE_PROCESS_LIMIT);
	}
	free(exact);
	return sound;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct observation o;
	static struct verdict verdict;
	static struct cgroup_event event = { .id = 1, .version = 2, .names_bytes = 1200 };

	if (!session.cgroup_paths.table.entries) {
		REQUIRE(cgroup_paths_open(&session.cgroup_paths) == 0);
		memset(event.names, 1, event.names_bytes);
		for (size_t i = 199; i < event.names_bytes; i += 200)
			event.names[i] = '\0';
		REQUIRE(cgroup_paths_take(&session.cgroup_paths, &event));
	}
	if (size > sizeof(struct exec_event) || !decode(&o, data, size))
		return 0;
	REQUIRE(o.exec.args_count <= 48 && o.exec.parents_count <= 6);
	REQUIRE(memchr(o.exec.filename, '\0', sizeof(o.exec.filename)));
	REQUIRE(memchr(o.exec.cwd, '\0', sizeof(o.exec.cwd)));
	exec_fit(&o);
	diagnose(&o, &verdict);
	check_people("card", &o, &verdict);
	check_people("line", &o, &verdict);
	check_line(&o, &verdict);
	return 0;
}
