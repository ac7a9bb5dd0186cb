// SPDX-License-Identifier: BSD-2-Clause
/* What every OOM card says, whatever the cause: subject, sizes, levels, who, after. */
#include "oom_describe.h"

#include <string.h>

#include "oom_view.h"
#include "say.h"

static void part(struct text *text, const char *name, bool known, uint64_t bytes)
{
	if (!known)
		return;
	text_format(text, "%s%s ", text->length ? "  " : "", name);
	text_bytes(text, bytes);
}

static void say_sizes(const struct oom_kill *o, struct verdict *ret)
{
	struct text text = say_evidence(ret, "memory", BASIS_MEASURED);

	part(&text, "anon", o->known.victim_anon_bytes, o->victim_anon_bytes);
	part(&text, "file", o->known.victim_file_bytes, o->victim_file_bytes);
	part(&text, "shmem", o->known.victim_shmem_bytes, o->victim_shmem_bytes);
	part(&text, "page tables", o->known.victim_pagetables_bytes, o->victim_pagetables_bytes);
	part(&text, "swap", o->known.victim_swap_bytes, o->victim_swap_bytes);
	if (!text.length)
		text_add(&text, "sizes of the victim are unknown");
}

static void say_domain(const struct oom_view *v, struct verdict *ret)
{
	const struct oom_kill *o = v->oom;
	struct text text;

	if (!o->known.domain_file_bytes && !o->known.domain_shmem_bytes && !o->known.domain_kernel_bytes)
		return;
	text = say_evidence(ret, "", BASIS_MEASURED);
	text_add(&text, v->host ? "the host, just after:" : "its cgroup, just after:");
	part(&text, "page cache", o->known.domain_file_bytes, o->domain_file_bytes);
	part(&text, "shared memory and tmpfs", o->known.domain_shmem_bytes, o->domain_shmem_bytes);
	part(&text, "kernel", o->known.domain_kernel_bytes, o->domain_kernel_bytes);
}

static void say_host(const struct oom_view *v, struct verdict *ret)
{
	const struct oom_host *h = &v->oom->host;
	struct text text;

	if (!v->host || !v->oom->known.host || !h->known.total_bytes)
		return;
	text = say_evidence(ret, "limit", BASIS_MEASURED);
	text_add(&text, "the host  ");
	text_bytes(&text, h->total_bytes);
	text_add(&text, "   <- this ran out");
	if (h->known.free_bytes) {
		text_add(&text, "; just after, ");
		text_bytes(&text, h->free_bytes);
		text_add(&text, " were free");
	}
	if (h->known.swap_total_bytes && h->swap_total_bytes && h->known.swap_free_bytes) {
		text_add(&text, ", swap ");
		text_bytes(&text, h->swap_free_bytes);
		text_add(&text, " of ");
		text_bytes(&text, h->swap_total_bytes);
	} else if (h->known.swap_total_bytes && !h->swap_total_bytes) {
		text_add(&text, ", no swap");
	}
}

/* the level that bound and the nearest two others: a deep chain would fill the card */
static void say_limits(const struct oom_view *v, struct verdict *ret)
{
	const struct oom_kill *o = v->oom;
	unsigned int said = 0;

	for (uint64_t i = 0; i < o->limits_count; i++) {
		const struct oom_limit *l = &o->limits[i];
		struct text text;

		if (l != v->binding && said++ >= 2)
			continue;
		text = say_evidence(ret, "limit", BASIS_MEASURED);
		say_path(&text, l->path);
		text_add(&text, "  ");
		if (l->known.usage_bytes)
			text_bytes(&text, l->usage_bytes);
		else
			text_add(&text, "unknown");
		if (l->known.max_bytes && l->max_bytes == BYTES_MAX) {
			text_add(&text, ", no limit");
		} else if (l->known.max_bytes) {
			text_add(&text, " of ");
			text_bytes(&text, l->max_bytes);
		}
		if (l == v->binding)
			text_add(&text, "   <- this one bound");
	}
}

static const struct oom_candidate *victim_candidate(const struct oom_kill *o, uint64_t pid)
{
	for (uint64_t i = 0; i < o->candidates_count; i++)
		if (o->candidates[i].known.pid && o->candidates[i].pid == pid)
			return &o->candidates[i];
	return NULL;
}

static bool in_group(const struct oom_kill *o, uint64_t pid)
{
	for (uint64_t i = 0; o->known.group_killed && i < o->group_killed.pids_count; i++)
		if (o->group_killed.pids[i] == pid)
			return true;
	return false;
}

static void say_trigger(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct oom_kill *o = &observation->oom_kill;
	const struct oom_candidate *c = p->known.pid ? victim_candidate(o, p->pid) : NULL;
	struct text text;

	if (!o->known.trigger_pid && !o->known.victim_oom_score_adj)
		return;
	text = say_evidence(ret, "who", BASIS_MEASURED);
	if (!o->known.trigger_pid)
		text_add(&text, "who asked for the page is unknown");
	else if (p->known.pid && o->trigger_pid == p->pid)
		text_add(&text, "it asked for the page itself");
	else {
		say_process(&text, o->trigger_comm, true, o->trigger_pid);
		text_add(&text, in_group(o, o->trigger_pid) ? " asked for the page and died with it" :
							      " asked for the page");
	}
	if (o->known.order && o->order > 0)
		text_format(&text, " (order %lld)", (long long)o->order);
	if (c && c->known.score)
		text_format(&text, "; chosen by score %lld", (long long)c->score);
	if (o->known.victim_oom_score_adj)
		text_format(&text, "%s oom_score_adj %lld", c && c->known.score ? "," : ";",
			    (long long)o->victim_oom_score_adj);
	if (o->known.victim_is_thread && o->victim_is_thread && p->known.tid)
		text_format(&text, "; the kernel named its thread %llu", (unsigned long long)p->tid);
}

static void say_candidates(const struct oom_view *v, struct verdict *ret)
{
	const struct oom_kill *o = v->oom;
	unsigned int said = 0;
	struct text text;

	for (uint64_t i = 0; i < o->candidates_count && said < 3; i++) {
		const struct oom_candidate *c = &o->candidates[i];

		if ((c->known.victim && c->victim) || !c->known.anon_bytes)
			continue;
		if (!said)
			text = say_evidence(ret, "", BASIS_INFERRED);
		text_add(&text, said++ ? ", " : "not chosen: ");
		say_process(&text, c->comm, c->known.pid, c->pid);
		text_add(&text, " ");
		text_bytes(&text, oom_candidate_bytes(c));
		if (c->known.protected && c->protected && c->known.oom_score_adj)
			text_format(&text, " (protected, oom_score_adj %lld)", (long long)c->oom_score_adj);
		else if (c->known.score)
			text_format(&text, " (score %lld)", (long long)c->score);
	}
}

/* the value a series had at a time: that of the last sample until then */
static uint64_t value_at(const struct oom_kill *o, uint64_t boot_ns)
{
	uint64_t value = 0, found;

	for (uint64_t i = 0; i < o->history_count; i++)
		if (oom_sample_value(&o->history[i], &found) && o->history[i].boot_ns <= boot_ns)
			value = found;
	return value;
}

static void say_history(const struct oom_view *v, struct verdict *ret)
{
	static const char *const bars[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	const struct oom_kill *o = v->oom;
	const struct oom_shape *s = &v->shape;
	uint64_t high = v->limit_bytes, end = 0, columns, points = 0, value;
	struct text text;

	if (o->history_count < 2 || !s->span_ns)
		return;
	for (uint64_t i = 0; i < o->history_count; i++) {
		if (!oom_sample_value(&o->history[i], &value))
			continue;
		points++;
		high = value > high ? value : high;
		end = o->history[i].boot_ns;
	}
	/* evenly over time: the samples are dense only at the end */
	columns = points < 20 ? points : 20;
	if (columns < 2)
		return;
	text = say_evidence(ret, "history", BASIS_MEASURED);
	for (uint64_t i = 0; high && i < columns; i++)
		text_add(&text, bars[value_at(o, end - s->span_ns / (columns - 1) * (columns - 1 - i)) / (high / 8 + 1)]);
	text_add(&text, " anonymous memory from ");
	text_bytes(&text, s->first_bytes);
	text_add(&text, " to ");
	text_bytes(&text, s->last_bytes);
	text_add(&text, " in ");
	text_duration(&text, s->span_ns);
}

static void say_after(const struct oom_kill *o, struct verdict *ret)
{
	uint64_t n = o->known.group_killed && o->group_killed.known.n ? o->group_killed.n : 0;
	struct text text;

	if (o->known.stuck_pid) {
		text = say_evidence(ret, "after", BASIS_MEASURED);
		text_format(&text, "process %llu did not die within 2 s",
			    (unsigned long long)o->stuck_pid);
		if (o->known.stuck_state)
			text_format(&text, ": state %s", o->stuck_state);
		if (o->known.stuck_in)
			text_format(&text, " in %s", o->stuck_in);
		return;
	}
	if (!o->known.time_to_die_ns && n < 2)
		return;
	/* that it came back follows from the map being gone; what the cgroup holds then was read */
	text = say_evidence(ret, "after", o->known.freed_bytes ? BASIS_INFERRED : BASIS_MEASURED);
	if (n >= 2)
		text_format(&text, "%llu processes died together%s", (unsigned long long)n,
			    o->known.oom_group_set && o->oom_group_set ? " (memory.oom.group)" : "");
	if (o->known.freed_bytes) {
		text_add(&text, n >= 2 ? "; " : "");
		text_bytes(&text, o->freed_bytes);
		text_add(&text, " came back");
	}
	if (o->known.time_to_die_ns) {
		text_add(&text, o->known.freed_bytes ? " in " : n >= 2 ? "; gone after " : "gone after ");
		text_duration(&text, o->time_to_die_ns);
	}
	if (o->known.usage_after_bytes) {
		text_add(&text, "; the cgroup then held ");
		text_bytes(&text, o->usage_after_bytes);
	}
}

static void say_subject(const struct observation *observation, struct verdict *ret)
{
	const struct container *c = &observation->container;
	const struct process *p = &observation->process;
	const struct oom_kill *o = &observation->oom_kill;
	bool killed = !o->known.killed || o->killed;
	struct text title = say_title(ret);

	text_add(&title, killed ? "OOM KILL  " : "OOM, NOTHING KILLED  ");
	say_process(&title, p->comm, p->known.pid, p->pid);
	if (c->known.id)
		text_format(&title, strlen(c->id) == 64 ? "  in container %.12s" : "  in container %s", c->id);
	else if (c->known.unit)
		text_format(&title, "  in %s", c->unit);
	else if (observation->cgroup.known.path) {
		text_add(&title, "  in cgroup ");
		say_path(&title, observation->cgroup.path);
	}
	if (c->known.pod_uid)
		text_format(&title, " (pod %s)", c->pod_uid);
}

void oom_describe(const struct observation *observation, struct verdict *ret)
{
	const struct oom_kill *o = &observation->oom_kill;
	struct diagnosis *d = &ret->diagnosis;
	struct oom_view view;

	oom_view_init(&view, observation);
	ret->severity = view.host ? SEVERITY_CRITICAL : SEVERITY_ERROR;
	if (o->known.killed && !o->killed)
		ret->severity = SEVERITY_NOTICE;
	KNOW(d, resource, RESOURCE_MEMORY);
	if (view.usage_bytes)
		KNOW(d, usage, view.usage_bytes);
	if (view.limit_bytes)
		KNOW(d, limit, view.limit_bytes);
	KNOW(d, confidence, BASIS_MEASURED);
	say_subject(observation, ret);
	say_sizes(o, ret);
	say_domain(&view, ret);
	say_host(&view, ret);
	say_limits(&view, ret);
	say_trigger(observation, ret);
	say_candidates(&view, ret);
	say_history(&view, ret);
	say_after(o, ret);
}
