// SPDX-License-Identifier: BSD-2-Clause
/*
 * What was lost, by kind and cause, and the gap lines that say so. Counts are
 * compared with what was told before each event and at each tick, so a loss is
 * told within a second and before the next event of its kind.
 */
#include "session.h"

#include <stdio.h>
#include <string.h>

#include "cannot.h"

struct kind_run *session_kind(struct session *s, enum event_kind kind)
{
	for (unsigned int i = 0; i < s->kind_count; i++)
		if (s->kinds[i].type->kind == kind)
			return &s->kinds[i];
	return NULL;
}

void session_cgroup(struct session *s, const struct cgroup_event *event)
{
	if (cgroup_paths_take(&s->cgroup_paths, event))
		return;
	cgroup_paths_clear(&s->cgroup_paths);
	for (unsigned int i = 0; i < s->kind_count; i++)
		cgroup_paths_forget(&s->kinds[i].probe);
	cgroup_paths_take(&s->cgroup_paths, event);
}

static void loss_add(struct loss *loss, uint64_t count, uint64_t first_ns, uint64_t last_ns, const char *where)
{
	if (!count)
		return;
	loss->count += count;
	loss->last_ns = last_ns > loss->last_ns ? last_ns : loss->last_ns;
	loss->where = where;
	for (int i = 0; i < OUTPUTS; i++)
		if (!loss->told[i].first_ns)
			loss->told[i].first_ns = first_ns;
}

void session_folded(struct session *s, enum event_kind kind, uint64_t count)
{
	session_kind(s, kind)->filtered += count;
}

void session_lost(struct session *s, enum event_kind kind, enum gap_cause cause, uint64_t count,
		  const char *where)
{
	uint64_t now = session_now();

	loss_add(&session_kind(s, kind)->losses[cause], count, now, now, where);
}

/* one gap line: "lost 3 oom_kill events: ring_full" */
static unsigned int write_gap(struct session *s, enum event_kind kind, enum gap_cause cause,
			      struct loss *loss, const char *what, int output, unsigned int outputs)
{
	uint64_t count = loss->count - loss->told[output].count;
	struct gap gap = {};
	char message[200];

	text_copy(gap.kind, sizeof(gap.kind), kind_names[kind], strlen(kind_names[kind]));
	gap.known.kind = 1;
	KNOW(&gap, cause, cause);
	KNOW(&gap, count, count);
	KNOW(&gap, first_boot_ns, loss->told[output].first_ns);
	KNOW(&gap, last_boot_ns, loss->last_ns);
	text_copy(gap.program, sizeof(gap.program), loss->where, strlen(loss->where));
	gap.known.program = 1;
	snprintf(message, sizeof(message), "lost %llu %s %s: %s (%s)", (unsigned long long)count,
		 kind_names[kind], what, gap_cause_words[cause], loss->where);
	return session_stream(s, &gap_record, &gap, SEVERITY_WARNING, message, outputs, &loss->told[output].seq);
}

static bool is_untold(const struct session *s, const struct loss *loss)
{
	for (int i = 0; i < OUTPUTS; i++)
		if (loss->told[i].count != loss->count && s->outputs[i].type != SINK_NONE)
			return true;
	return false;
}

/* tells every output what it was not told yet: in one line those that know equally much */
static void tell(struct session *s, enum event_kind kind, enum gap_cause cause, struct loss *loss,
		 const char *what)
{
	unsigned int done = 0;

	if (!is_untold(s, loss))
		return;
	/* it goes behind the events before it, and some of them may be lost now */
	session_flush(s);
	for (int i = 0; i < OUTPUTS; i++) {
		unsigned int together = 1U << i, refused;
		uint64_t seq;

		if (done >> i & 1 || loss->told[i].count == loss->count || s->outputs[i].type == SINK_NONE)
			continue;
		for (int other = i + 1; other < OUTPUTS; other++)
			if (loss->told[other].count == loss->told[i].count &&
			    loss->told[other].seq == loss->told[i].seq)
				together |= 1U << other;
		refused = write_gap(s, kind, cause, loss, what, i, together);
		seq = loss->told[i].seq;
		for (int each = i; each < OUTPUTS; each++) {
			if (!(together >> each & 1))
				continue;
			loss->told[each].seq = refused >> each & 1 ? seq : 0;
			if (refused >> each & 1)
				continue;
			loss->told[each].count = loss->count;
			loss->told[each].first_ns = 0;
		}
		done |= together;
	}
}

/* the kernel side's own counters, since the last look */
static void read_probe(struct kind_run *run)
{
	struct event_account *a = run->probe.account;
	struct loss *full = &run->losses[GAP_CAUSE_RING_FULL], *map = &run->losses[GAP_CAUSE_MAP_FULL];
	uint64_t ring_full = 0, map_full = 0, first = 0, last = 0;

	/* what such a kind finds no room for it counts itself */
	if (!a)
		return;
	for (int i = 0; i < 4; i++) {
		ring_full += a[i].ring_full;
		map_full += a[i].map_full;
		if (a[i].first_loss_ns && (!first || a[i].first_loss_ns < first))
			first = a[i].first_loss_ns;
		if (a[i].last_loss_ns > last)
			last = a[i].last_loss_ns;
		/* the next loss is the first of the next gap; one that comes in this moment takes "last" */
		a[i].first_loss_ns = 0;
	}
	first = first ? first : last;
	loss_add(full, ring_full - full->count, first, last, "events");
	loss_add(map, map_full - map->count, first, last, "victims or decisions");
}

static void ask_kernel_side(struct kind_run *run)
{
	struct loss *missed = &run->losses[GAP_CAUSE_MISSED], *dead = &run->losses[GAP_CAUSE_HOOK_DEAD];
	struct loss *helpers = &run->missed_helpers;
	uint64_t now = session_now(), events, prepared;
	const char *program;

	probe_missed(&run->probe, &events, &prepared, &program);
	/* one may be seen as missed, and a moment later as made up for */
	loss_add(missed, events > missed->count ? events - missed->count : 0, now, now, program);
	loss_add(helpers, prepared > helpers->count ? prepared - helpers->count : 0, now, now, program);
	program = probe_dead_hook(&run->probe);
	if (program && !dead->count)
		loss_add(dead, 1, now, now, program);
}

void session_account(struct session *s, bool ask_kernel)
{
	uint64_t now;

	for (unsigned int i = 0; i < s->kind_count; i++) {
		struct kind_run *run = &s->kinds[i];

		read_probe(run);
		if (ask_kernel)
			ask_kernel_side(run);
		for (unsigned int cause = 1; cause <= GAP_CAUSE_HOOK_DEAD; cause++)
			tell(s, run->type->kind, cause, &run->losses[cause],
			     cause == GAP_CAUSE_HOOK_DEAD ? "hook" : "events");
		tell(s, run->type->kind, GAP_CAUSE_MISSED, &run->missed_helpers,
		     "program runs that only prepare events");
	}
	if (!s->has_recorder)
		return;
	now = session_now();
	loss_add(&s->table_full, s->recorder.table_full - s->table_full.count, now, now, "recorder");
	tell(s, s->kinds[0].type->kind, GAP_CAUSE_MAP_FULL, &s->table_full, "histories of processes");
}

/* the tool's last words about outputs that failed for a while or for good */
static void say_failed_outputs(const struct session *s)
{
	for (int i = 0; i < OUTPUTS; i++)
		if (s->outputs[i].failed)
			tool_error(s->tool, "could not write everything to '%s': %s; the stop line counts what was lost",
				   i ? s->outputs[i].path : "stdout", strerror(-s->outputs[i].failed));
}

int session_outcome(const struct session *s)
{
	say_failed_outputs(s);
	for (unsigned int i = 0; i < s->kind_count; i++) {
		const struct kind_run *run = &s->kinds[i];

		if (run->losses[GAP_CAUSE_OUTPUT].count > run->reader_gone)
			return EXIT_FAILED;
		for (unsigned int cause = 1; s->options.strict && cause <= GAP_CAUSE_HOOK_DEAD; cause++)
			if (run->losses[cause].count)
				return EXIT_FAILED;
	}
	return s->output_failed || s->outputs[0].failed || s->outputs[1].failed ? EXIT_FAILED : EXIT_OK;
}
