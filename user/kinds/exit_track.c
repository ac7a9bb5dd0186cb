// SPDX-License-Identifier: BSD-2-Clause
/* What only other events tell of a death: an OOM decision, the child it copies, those like it before. */
#include "exit_kind.h"

#include <signal.h>
#include <string.h>

/* a parent passes its child's status on at once, or after some cleaning up */
#define COPY_NS 10000000000ULL
/* a pid may be chosen again; a mark belongs to a death soon after */
#define MARK_NS 60000000000ULL
/* deaths further apart are no loop */
#define LOOP_NS 600000000000ULL

/* ---- the OOM killer ------------------------------------------------- */

void exit_track_oom(struct exit_state *state, const struct exit_oom_event *event)
{
	struct exit_oom_mark *mark = &state->marks[state->mark_count++ % EXIT_OOM_MARKS];

	*mark = (struct exit_oom_mark){
		.pid = event->pid, .boot_ns = event->header.boot_ns, .trigger_pid = event->trigger_pid,
	};
	text_copy(mark->trigger_comm, sizeof(mark->trigger_comm), event->trigger_comm,
		  strnlen(event->trigger_comm, sizeof(event->trigger_comm)));
}

bool exit_join_oom(const struct exit_state *state, struct observation *o)
{
	struct killer *k = &o->exit.killer;

	/* one that was killed by others is marked too when it happens to be dying */
	if (!o->exit.known.signal || o->exit.signal != SIGKILL ||
	    (k->known.source && k->source != KILLER_SOURCE_KERNEL && k->source != KILLER_SOURCE_OOM &&
	     k->source != KILLER_SOURCE_RLIMIT))
		return false;
	for (unsigned int i = 0; i < EXIT_OOM_MARKS; i++) {
		const struct exit_oom_mark *mark = &state->marks[i];

		if (!mark->pid || mark->pid != o->process.pid || mark->boot_ns < o->process.start_ns ||
		    mark->boot_ns + MARK_NS < o->boot_ns)
			continue;
		o->exit.known.killer = 1;
		KNOW(k, source, KILLER_SOURCE_OOM);
		KNOW(k, trigger_pid, mark->trigger_pid);
		KNOW_TEXT(k, trigger_comm, mark->trigger_comm);
		return true;
	}
	return k->known.source && k->source == KILLER_SOURCE_OOM;
}

/* ---- copied statuses ------------------------------------------------ */

void exit_remember(struct exit_state *state, const struct observation *o, uint64_t parent_start_ns)
{
	const struct exit *x = &o->exit;
	struct exit_death *d = &state->deaths[state->death_count++ % EXIT_DEATHS];

	*d = (struct exit_death){
		.pid = o->process.pid, .ppid = o->process.ppid, .parent_start_ns = parent_start_ns, .boot_ns = o->boot_ns,
		.signal = x->known.signal ? x->signal : 0, .code = x->known.code ? x->code : 0,
		.source = x->killer.known.source ? x->killer.source : 0,
		.killer_pid = x->killer.known.pid ? x->killer.pid : 0,
	};
	memcpy(d->comm, o->process.comm, sizeof(d->comm));
	memcpy(d->killer_comm, x->killer.comm, sizeof(d->killer_comm));
	memcpy(d->id, o->id, sizeof(d->id));
	/* what a copy of a copy points at is the death itself */
	if (!x->known.copied_from)
		return;
	d->source = x->copied_from.known.source ? x->copied_from.source : 0;
	d->killer_pid = x->copied_from.known.killer_pid ? x->copied_from.killer_pid : 0;
	memcpy(d->killer_comm, x->copied_from.killer_comm, sizeof(d->killer_comm));
}

static bool is_copied(const struct exit_death *d, const struct observation *o)
{
	uint64_t code = o->exit.code;

	if (!d->pid || d->ppid != o->process.pid || d->parent_start_ns != o->process.start_ns ||
	    d->boot_ns > o->boot_ns || d->boot_ns + COPY_NS < o->boot_ns)
		return false;
	return d->signal ? d->signal + 128 == code : d->code == code;
}

void exit_join_copied(const struct exit_state *state, struct observation *o)
{
	struct copied_from *c = &o->exit.copied_from;
	const struct exit_death *found = NULL;

	if (!o->exit.known.code || o->exit.code < 126)
		return;
	for (unsigned int i = 0; i < EXIT_DEATHS; i++) {
		const struct exit_death *d = &state->deaths[i];

		if (is_copied(d, o) && (!found || d->boot_ns > found->boot_ns))
			found = d;
	}
	if (!found)
		return;
	o->exit.known.copied_from = 1;
	KNOW(c, pid, found->pid);
	KNOW_TEXT(c, comm, found->comm);
	if (found->signal)
		KNOW(c, signal, found->signal);
	else
		KNOW(c, code, found->code);
	KNOW(c, age_ns, o->boot_ns - found->boot_ns);
	if (found->source)
		KNOW(c, source, found->source);
	if (found->killer_pid) {
		KNOW(c, killer_pid, found->killer_pid);
		KNOW_TEXT(c, killer_comm, found->killer_comm);
	}
	if (*found->id)
		KNOW_TEXT(c, id, found->id);
}

/* ---- loops ---------------------------------------------------------- */

/* FNV-1a */
static uint64_t hash_text(uint64_t key, const char *text)
{
	for (; *text; text++)
		key = (key ^ (unsigned char)*text) * 0x100000001b3ULL;
	return key * 0x100000001b3ULL;
}

/* programs of which the arguments say what is run */
static bool is_interpreter(const char *exe)
{
	static const char *const names[] = { "sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "env", "python",
					     "perl", "ruby", "node", "php", "java", "lua", "timeout", "xargs" };
	const char *slash = strrchr(exe, '/'), *name = slash ? slash + 1 : exe;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t length = strlen(names[i]);

		/* python3.11 */
		if (strncmp(name, names[i], length) == 0 && !name[length + strspn(name + length, "0123456789.")])
			return true;
	}
	return false;
}

/* the same program in the same cgroup */
static uint64_t loop_key(const struct observation *o)
{
	const char *name = o->process.known.exe ? o->process.exe : o->process.comm;
	uint64_t key = hash_text(0xcbf29ce484222325ULL ^ (o->cgroup.known.id ? o->cgroup.id : 0), name);

	for (uint64_t i = 1; i < o->process.args_count && is_interpreter(name); i++)
		key = hash_text(key, o->process.args[i]);
	return key ? key : 1;
}

static bool still_going(const void *entry, uint64_t now)
{
	const struct exit_loop *loop = entry;

	return loop->last_ns + LOOP_NS > now;
}

void exit_track_loop(struct exit_state *state, struct observation *o)
{
	const struct exit *x = &o->exit;
	uint64_t key = loop_key(o);
	uint64_t cause = (x->known.signal ? x->signal : 0) << 32 | (x->known.code ? x->code : 0) << 8 |
			 (x->killer.known.source ? x->killer.source : 0);
	struct exit_loop *loop;

	/* an ordinary end, and one that only passes another's death on */
	if ((x->known.code && !x->code) || x->known.copied_from)
		return;
	loop = table_add(&state->loops, key);
	if (!loop) {
		table_sweep(&state->loops, still_going, o->boot_ns);
		loop = table_add(&state->loops, key);
	}
	if (!loop)
		return;
	if (loop->deaths && !still_going(loop, o->boot_ns))
		*loop = (struct exit_loop){ .key = key };
	if (!loop->deaths++)
		loop->first_ns = o->boot_ns;
	loop->in_a_row = loop->cause == cause ? loop->in_a_row + 1 : 1;
	loop->cause = cause;
	loop->last_ns = o->boot_ns;
	if (loop->deaths < 2)
		return;
	o->exit.known.loop = 1;
	KNOW(&o->exit.loop, deaths, loop->deaths);
	KNOW(&o->exit.loop, window_ns, loop->last_ns - loop->first_ns);
	KNOW(&o->exit.loop, same_cause, loop->in_a_row == loop->deaths);
	KNOW(&o->exit.loop, in_a_row, loop->in_a_row);
}
