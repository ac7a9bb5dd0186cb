// SPDX-License-Identifier: BSD-2-Clause
#include "zombie_words.h"

#include <string.h>

#include "say.h"

/* nine tenths full, and a tenth of it is zombies */
static bool fills(uint64_t zombies, uint64_t used, uint64_t limit)
{
	return limit && used >= limit - limit / 10 && zombies >= used / 10;
}

bool zombie_fills_cgroup(const struct zombie *z)
{
	return z->known.count && z->known.pids_current && z->known.pids_max &&
	       fills(z->count, z->pids_current, z->pids_max);
}

bool zombie_fills_host(const struct zombie *z)
{
	return z->known.count && z->known.host_tasks && z->known.host_pid_max &&
	       fills(z->count, z->host_tasks, z->host_pid_max);
}

bool zombie_parent_is_frozen(const struct zombie *z)
{
	return z->known.parent_wchan &&
	       (strcmp(z->parent_wchan, "do_freezer_trap") == 0 || strcmp(z->parent_wchan, "__refrigerator") == 0);
}

bool zombie_parent_is(const struct zombie *z, char state)
{
	return z->known.parent_state && z->parent_state[0] == state && !z->parent_state[1];
}

void zombie_say_holder(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;

	say_process(text, p->known.comm ? p->comm : "", p->known.pid, p->pid);
}

void zombie_say_count(struct text *text, const struct zombie *z)
{
	const char *one = z->known.traced && z->traced ? "process" : "child";
	const char *many = z->known.traced && z->traced ? "processes" : "children";

	if (!z->known.count)
		text_format(text, "dead %s", many);
	else if (z->count == 1)
		text_format(text, "a dead %s", one);
	else
		text_format(text, "%llu dead %s", (unsigned long long)z->count, many);
}

const char *zombie_wchan_words(const char *wchan)
{
	/* the names differ between releases: what they share is enough */
	static const struct {
		const char *part, *words;
	} rows[] = {
		{ "nanosleep", "it sleeps for a set time" },
		{ "futex", "it waits for a lock or for another thread" },
		{ "epoll", "it waits for events" },
		{ "ep_poll", "it waits for events" },
		{ "poll", "it waits for events" },
		{ "do_select", "it waits for events" },
		{ "pipe_", "it waits at a pipe" },
		{ "unix_", "it waits at a socket" },
		{ "inet_", "it waits at a socket" },
		{ "skb_", "it waits at a socket" },
		{ "sigsuspend", "it waits for a signal" },
		{ "sigtimedwait", "it waits for a signal" },
		{ "sys_pause", "it waits for a signal" },
		{ "signalfd", "it waits for a signal" },
		{ "tty_read", "it waits for input from a terminal" },
		{ "do_freezer_trap", "it is frozen" },
		{ "__refrigerator", "it is frozen" },
		{ "rpc_", "it waits for an NFS server" },
		{ "nfs_", "it waits for an NFS server" },
	};

	if (strcmp(wchan, "do_wait") == 0)
		return "it waits for a child, but not for these";
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(wchan, rows[i].part))
			return rows[i].words;
	return NULL;
}

static void verify_traced(const struct zombie *z, struct verdict *ret)
{
	struct text text;

	if (!z->known.examples || !z->examples_count || !z->examples[0].known.pid)
		return;
	text = say_verify(ret);
	text_format(&text, "grep -E '^(State|PPid|TracerPid):' /proc/%llu/status   (gone, or TracerPid 0)",
		    (unsigned long long)z->examples[0].pid);
}

void zombie_conclude(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct zombie *z = &observation->zombie;
	bool traced = z->known.traced && z->traced;
	struct text text;

	if (traced) {
		verify_traced(z, ret);
	} else if (p->known.pid) {
		text = say_verify(ret);
		text_format(&text, "ps -o pid,ppid,stat,etime,comm --ppid %llu   (no more Z, or no more of them)",
			    (unsigned long long)p->pid);
	}
	text = say_verify(ret);
	text_add(&text, "ps -eo ppid=,stat= | awk '$2 ~ /^Z/ { n[$1]++ } END { for (p in n) print n[p], p }'   "
			"(zombies by parent)");
	KNOW(&ret->diagnosis, confidence, basis);
	text = say_message(ret);
	zombie_say_holder(&text, observation);
	text_add(&text, traced ? " holds " : " does not reap ");
	zombie_say_count(&text, z);
	if (why)
		text_format(&text, ": %s", why);
	if (zombie_fills_cgroup(z))
		text_format(&text, "; its cgroup has %llu of %llu tasks", (unsigned long long)z->pids_current,
			    (unsigned long long)z->pids_max);
	else if (zombie_fills_host(z))
		text_format(&text, "; the host has used %llu of %llu pids", (unsigned long long)z->host_tasks,
			    (unsigned long long)z->host_pid_max);
}
