// SPDX-License-Identifier: BSD-2-Clause
/*
 * The record of a death from its arrival to its line, with sizes that lie.
 * The kernel is trusted to fill what it fills with sane numbers; processes
 * chose names, paths and arguments.
 */
#include "user/kinds/exit_kind.h"

#include "check.h"

/* no process has it: nothing is looked up on this machine */
enum { NOBODY = 4194999 };

static struct session session;

static void tell(uint64_t id, const void *names, size_t size)
{
	static struct cgroup_event event = { .version = 2 };

	event.id = id;
	event.names_bytes = size;
	memcpy(event.names, names, size);
	REQUIRE(cgroup_paths_take(&session.cgroup_paths, &event));
}

static void sane_event(struct exit_event *event)
{
	event->header.boot_ns >>= 8;
	sane_record(&process_record, (char *)&event->process, sizeof(event->process));
	KNOW(&event->process, ppid, NOBODY);
	sane_record(&exit_record, (char *)&event->exit, sizeof(event->exit));
	event->exit.known.signal = event->exit.known.code = 0;
	if (event->exit_code & 0x7f)
		KNOW(&event->exit, signal, event->exit_code & 0x7f);
	else
		KNOW(&event->exit, code, event->exit_code >> 8 & 0xff);
	event->user_ns >>= 16;
	event->system_ns >>= 16;
	event->runtime_ns >>= 16;
	event->cgroup_id &= 3;
	event->cgroup_version = 1 + event->cgroup_version % 2;
}

static void sane_note(struct signal_note *n)
{
	n->boot_ns >>= 8;
	n->program_ns >>= 8;
	n->sender_start_ns >>= 8;
	n->sender_cgroup_id &= 3;
	n->signal &= 63;
	n->action = 1 + n->action % 3;
	n->action_at_death = 1 + n->action_at_death % 3;
}

/* a block of the very size, so that a byte beyond it is seen */
static bool decode(struct observation *o, const uint8_t *data, size_t size)
{
	static struct exit_parts parts;
	struct exit_event *exact = malloc(size);
	bool sound;

	REQUIRE(exact);
	memcpy(exact, data, size);
	sound = exit_parts(&parts, exact, size) == 0;
	if (sound) {
		sane_event(exact);
		for (uint32_t i = 0; i < exact->note_count; i++)
			sane_note(&parts.notes[i]);
		observation_clear(o, KIND_exit);
		exit_decode(&session, o, exact, &parts);
		exit_killer(&session, o, exact, &parts);
	}
	free(exact);
	return sound;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct observation o;
	static struct verdict verdict;

	if (!session.cgroup_paths.table.entries) {
		static char deep[1200];

		REQUIRE(cgroup_paths_open(&session.cgroup_paths) == 0);
		memset(deep, 1, sizeof(deep));
		for (size_t i = 199; i < sizeof(deep); i += 200)
			deep[i] = '\0';
		tell(1, "web.service\0system.slice", 25);
		tell(2, deep, sizeof(deep));
	}
	if (size > sizeof(struct exit_event) || !decode(&o, data, size))
		return 0;
	REQUIRE(o.exit.prior_signals_count <= 3 && o.exit.parents_count <= 6 && o.exit.killer.parents_count <= 4);
	REQUIRE(memchr(o.process.exe, '\0', sizeof(o.process.exe)));
	REQUIRE(memchr(o.exit.killer.exe, '\0', sizeof(o.exit.killer.exe)));
	REQUIRE(memchr(o.exit.fault.mapping, '\0', sizeof(o.exit.fault.mapping)));
	exit_fit(&o);
	diagnose(&o, &verdict);
	check_people("card", &o, &verdict);
	check_people("line", &o, &verdict);
	check_line(&o, &verdict);
	return 0;
}
