// SPDX-License-Identifier: BSD-2-Clause
/* A parent and its zombies as an observation. Asked of /proc, as it is rare. */
#include "zombie_kind.h"

#include <string.h>

#include "subject.h"

static void add_doing(struct session *s, struct zombie *z, uint64_t pid)
{
	struct process_stat stat;

	if (procfs_stat(&s->procfs, pid, &stat) == 0) {
		z->parent_state[0] = stat.state;
		z->known.parent_state = 1;
	}
	if (procfs_wchan(&s->procfs, pid, z->parent_wchan, sizeof(z->parent_wchan)) == 0)
		z->known.parent_wchan = 1;
}

/* "0.31 0.22 0.18 2/613 4121": 613 tasks */
static void add_host(struct session *s, struct zombie *z)
{
	char data[128];
	const char *slash;
	size_t length;

	if (file_read_at(s->procfs.fd, "loadavg", data, sizeof(data), &length) == 0) {
		slash = strchr(data, '/');
		z->known.host_tasks = slash && digits_parse(slash + 1, strlen(slash + 1), &z->host_tasks);
	}
	if (file_read_at(s->procfs.fd, "sys/kernel/pid_max", data, sizeof(data), &length) == 0)
		z->known.host_pid_max = digits_parse(data, length, &z->host_pid_max) != 0;
}

/* ---- the dead ------------------------------------------------------- */

static void fill_child(struct zombie_child *c, const struct zombie_body *b, uint64_t now)
{
	*c = (struct zombie_child){};
	KNOW(c, pid, b->pid);
	text_copy(c->comm, sizeof(c->comm), b->comm, strnlen(b->comm, sizeof(b->comm)));
	c->known.comm = 1;
	KNOW(c, age_ns, now - b->first_ns);
	if (b->status & 0x7f)
		KNOW(c, signal, b->status & 0x7f);
	else
		KNOW(c, code, b->status >> 8 & 0xff);
}

/* keeps the oldest, oldest first; of one pass the smallest pid */
static void add_example(struct zombie *z, const struct zombie_body *b, uint64_t now)
{
	const uint64_t max = sizeof(z->examples) / sizeof(z->examples[0]);
	struct zombie_child child;
	uint64_t at;

	fill_child(&child, b, now);
	for (at = z->examples_count; at; at--) {
		const struct zombie_child *before = &z->examples[at - 1];

		if (before->age_ns > child.age_ns || (before->age_ns == child.age_ns && before->pid < child.pid))
			break;
	}
	if (at == max)
		return;
	z->examples_count += z->examples_count < max;
	memmove(&z->examples[at + 1], &z->examples[at], (z->examples_count - 1 - at) * sizeof(child));
	z->examples[at] = child;
}

static void add_dead(const struct zombie_state *state, const struct zombie_holder *h, struct zombie *z)
{
	for (uint32_t i = 0; i < state->bodies.count; i++) {
		const struct zombie_body *b = table_entry(&state->bodies, i);

		if (b->holder == h->key && zombie_is_stuck(state, b))
			add_example(z, b, state->now_ns);
	}
	z->known.examples = 1;
	if (z->examples_count)
		KNOW(z, oldest_ns, z->examples[0].age_ns);
}

static void add_numbers(const struct zombie_state *state, const struct zombie_holder *h, struct zombie *z)
{
	uint64_t window = state->now_ns - h->base_ns;

	KNOW(z, count, h->stuck);
	KNOW(z, threshold_ns, state->threshold_ns);
	KNOW(z, reaped, h->reaped);
	KNOW(z, watched_ns, state->now_ns - h->first_ns);
	if (!window)
		return;
	KNOW(z, grown, (int64_t)(h->settled - h->base));
	KNOW(z, growth_window_ns, window);
	KNOW(z, growth_per_min, (int64_t)((double)z->grown * 60e9 / window));
}

void zombie_tell(const struct zombie_state *state, const struct zombie_holder *h)
{
	static struct observation o;
	struct session *s = state->session;
	struct zombie *z = &o.zombie;

	observation_clear(&o, KIND_zombie);
	o.boot_ns = state->now_ns;
	memcpy(&o.process, &h->facts.process, sizeof(h->facts.process));
	memcpy(z, &h->facts.zombie, sizeof(h->facts.zombie));
	add_numbers(state, h, z);
	add_dead(state, h, z);
	if (h->incomplete)
		observation_truncated(&o, "zombie.count");
	subject_cgroup(s, &o, h->facts.cgroup_id, h->facts.cgroup_version);
	add_host(s, z);
	/* another may have its pid by now, and where we see another pid namespace all have other pids */
	if (procfs_same_process(&s->procfs, o.process.pid, o.process.start_ns)) {
		subject_identity(s, &o.process);
		add_doing(s, z, o.process.pid);
	}
	session_deliver(s, KIND_zombie, &o);
}
