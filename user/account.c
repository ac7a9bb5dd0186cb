// SPDX-License-Identifier: BSD-2-Clause
/*
 * What was lost, by kind and cause, and the gap lines that say so. Counts are
 * compared with what was told before each event and at each tick, so a loss is
 * told within a second and before the next event of its kind.
 */
#include "session.h"

#include <stdio.h>
#include <string.h>

struct kind_run *session_kind(struct session *s, enum event_kind kind)
{
	for (unsigned int i = 0; i < s->kind_count; i++)
		if (s->kinds[i].type->kind == kind)
			return &s->kinds[i];
	return NULL;
}

static void loss_add(struct loss *loss, uint64_t count, uint64_t first_ns, uint64_t last_ns, const char *where)
{
	if (!count)
		return;
	loss->count += count;
	if (!loss->first_ns || first_ns < loss->first_ns)
		loss->first_ns = first_ns;
	if (last_ns > loss->last_ns)
		loss->last_ns = last_ns;
	loss->where = where;
}

void session_lost(struct session *s, enum event_kind kind, enum gap_cause cause, uint64_t count,
		  const char *where)
{
	uint64_t now = session_now();

	loss_add(&session_kind(s, kind)->losses[cause], count, now, now, where);
}

/* "3 oom_kill events were lost: ring_full" */
static int tell(struct session *s, enum event_kind kind, enum gap_cause cause, const struct loss *loss,
		const char *what)
{
	struct gap gap = {};
	char message[200];

	text_copy(gap.kind, sizeof(gap.kind), kind_names[kind], strlen(kind_names[kind]));
	gap.known.kind = 1;
	KNOW(&gap, cause, cause);
	KNOW(&gap, count, loss->count - loss->told);
	KNOW(&gap, first_boot_ns, loss->first_ns);
	KNOW(&gap, last_boot_ns, loss->last_ns);
	if (loss->where) {
		text_copy(gap.program, sizeof(gap.program), loss->where, strlen(loss->where));
		gap.known.program = 1;
	}
	snprintf(message, sizeof(message), "lost %llu %s %s: %s%s%s%s",
		 (unsigned long long)(loss->count - loss->told), kind_names[kind], what, gap_cause_words[cause],
		 loss->where ? " (" : "", loss->where ? loss->where : "", loss->where ? ")" : "");
	return session_stream(s, &gap_record, &gap, SEVERITY_WARNING, message);
}

/* the kernel side's own counters, since the last look */
static void read_probe(struct kind_run *run)
{
	struct event_account *a = run->probe.account;
	uint64_t ring_full = 0, map_full = 0, first = 0, last = 0;

	for (int i = 0; a && i < 4; i++) {
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
	loss_add(&run->losses[GAP_CAUSE_RING_FULL], ring_full - run->losses[GAP_CAUSE_RING_FULL].count, first,
		 last, "events");
	loss_add(&run->losses[GAP_CAUSE_MAP_FULL], map_full - run->losses[GAP_CAUSE_MAP_FULL].count, first,
		 last, "victims or decisions");
}

static void ask_kernel_side(struct session *s, struct kind_run *run)
{
	struct loss *missed = &run->losses[GAP_CAUSE_MISSED], *dead = &run->losses[GAP_CAUSE_HOOK_DEAD];
	struct loss helpers = { .told = run->told_missed_helpers };
	uint64_t now = session_now(), events;
	const char *program;

	probe_missed(&run->probe, &events, &helpers.count, &program);
	loss_add(missed, events - missed->count, now, now, program);
	helpers.first_ns = helpers.last_ns = now;
	helpers.where = program;
	if (helpers.count > helpers.told &&
	    !tell(s, run->type->kind, GAP_CAUSE_MISSED, &helpers, "program runs that only prepare events"))
		run->told_missed_helpers = helpers.count;
	program = probe_dead_hook(&run->probe);
	if (program && !dead->count)
		loss_add(dead, 1, now, now, program);
}

void session_account(struct session *s, bool ask_kernel)
{
	for (unsigned int i = 0; i < s->kind_count; i++) {
		struct kind_run *run = &s->kinds[i];

		read_probe(run);
		if (ask_kernel)
			ask_kernel_side(s, run);
		for (unsigned int cause = 1; cause <= GAP_CAUSE_HOOK_DEAD; cause++) {
			struct loss *loss = &run->losses[cause];

			if (loss->count == loss->told ||
			    tell(s, run->type->kind, cause, loss,
				 cause == GAP_CAUSE_HOOK_DEAD ? "hook" : "events"))
				continue;
			loss->told = loss->count;
			loss->first_ns = loss->last_ns = 0;
		}
	}
	if (s->has_recorder && s->recorder.table_full > s->told_table_full && s->kind_count) {
		struct loss full = { .count = s->recorder.table_full, .told = s->told_table_full,
				     .first_ns = session_now(), .last_ns = session_now(), .where = "recorder" };

		if (!tell(s, s->kinds[0].type->kind, GAP_CAUSE_MAP_FULL, &full, "histories of processes"))
			s->told_table_full = s->recorder.table_full;
	}
}
