// SPDX-License-Identifier: BSD-2-Clause
/* The last steps of the data path: filter, diagnose, render, sink; and the stream's own lines. */
#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

uint64_t session_now(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* asked anew each time: the wall clock may be set while we run */
static uint64_t wall_time(uint64_t boot_ns)
{
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) + boot_ns;
}

static void make_id(const struct session *s, uint64_t seq, char *id, size_t size)
{
	struct text text = { .data = id, .size = size };

	text_format(&text, "%s-%llu", s->id_prefix, (unsigned long long)seq);
}

void session_deliver(struct session *s, enum event_kind kind, struct observation *o)
{
	static struct verdict verdict;

	if (!observation_wanted(o, &s->options) || (s->options.count && s->events >= s->options.count)) {
		session_kind(s, kind)->filtered++;
		return;
	}
	o->kind = kind;
	o->time_ns = wall_time(o->boot_ns);
	text_copy(o->host, sizeof(o->host), s->host, strlen(s->host));
	o->seq = ++s->seq;
	make_id(s, o->seq, o->id, sizeof(o->id));
	diagnose(o, &verdict);
	s->events++;
	batch_add(s, o, &verdict);
	if (s->options.count && s->events >= s->options.count)
		s->stop = true;
}

/* taken for a slow reader, and never read: not delivered after all */
void session_unwritten(struct session *s)
{
	for (unsigned int i = 0; i < s->kind_count; i++) {
		struct kind_run *run = &s->kinds[i];
		uint64_t n = sink_unwritten(&s->outputs[0], run->type->kind);

		run->delivered -= n;
		if (n)
			session_lost(s, run->type->kind, GAP_CAUSE_OUTPUT, n, "stdout");
		if (s->outputs[0].error == -EPIPE)
			run->reader_gone += n;
	}
}

unsigned int session_stream(struct session *s, const struct record *record, const void *data,
			    enum severity severity, const char *message, unsigned int outputs, uint64_t *seq)
{
	static char line[LINE_BYTES + 8192];
	uint64_t now = session_now();
	unsigned int refused = 0;
	char id[48];
	struct line_head head = {
		.time_ns = wall_time(now), .kind = record->name, .severity = severity, .message = message,
		.host = s->host, .boot_ns = now, .id = id,
	};

	if (!*seq)
		*seq = ++s->seq;
	head.seq = *seq;
	make_id(s, head.seq, id, sizeof(id));
	for (int i = 0; i < OUTPUTS; i++) {
		struct text text = TEXT_ON(line);

		if (!(outputs >> i & 1) || s->outputs[i].type == SINK_NONE)
			continue;
		batch_renderer(s, i)->stream(&text, &s->style, &head, record, data);
		if (text.length && sink_write(&s->outputs[i], line, text.length, KIND_NONE))
			refused |= 1U << i;
	}
	return refused;
}

void session_start_line(struct session *s)
{
	static struct start start;
	char message[160];
	uint64_t seq = 0;

	memset(&start, 0, sizeof(start));
	KNOW_TEXT(&start, version, KWHY_VERSION);
	KNOW_TEXT(&start, tool, s->tool->name);
	KNOW_TEXT(&start, kernel, s->release);
	KNOW_TEXT(&start, boot_id, s->boot_id);
	for (unsigned int i = 0; i < s->kind_count; i++) {
		const struct hook_choice *chosen = s->kinds[i].probe.hook;
		struct hook *hook = &start.hooks[start.hooks_count++];

		KNOW_TEXT(hook, kind, kind_names[s->kinds[i].type->kind]);
		KNOW_TEXT(hook, name, chosen->name);
		KNOW_TEXT(hook, verdict, chosen->fields_lost[0] ? "degraded" : "full");
		hook->known.fields_lost = 1;
		for (int n = 0; n < 6 && chosen->fields_lost[n]; n++)
			text_copy(hook->fields_lost[hook->fields_lost_count++], sizeof(hook->fields_lost[0]),
				  chosen->fields_lost[n], strlen(chosen->fields_lost[n]));
	}
	start.known.hooks = start.known.options = 1;
	for (int i = 1; i < s->options.argc && start.options_count < 12; i++)
		text_copy(start.options[start.options_count++], sizeof(start.options[0]), s->options.argv[i],
			  strlen(s->options.argv[i]));
	snprintf(message, sizeof(message), "%s %s watches on Linux %s", s->tool->name, KWHY_VERSION, s->release);
	session_stream(s, &start_record, &start, SEVERITY_INFO, message, ~0U, &seq);
}

void session_stop_line(struct session *s)
{
	static struct stop stop;
	struct rusage usage;
	char message[160];
	uint64_t seq = 0;

	memset(&stop, 0, sizeof(stop));
	getrusage(RUSAGE_SELF, &usage);
	stop.known.kinds = 1;
	for (unsigned int i = 0; i < s->kind_count; i++) {
		struct kind_run *run = &s->kinds[i];
		struct tally *tally = &stop.kinds[stop.kinds_count++];
		uint64_t generated = run->type->generated(&run->probe, run->state), lost = 0;

		for (unsigned int cause = 1; cause < GAP_CAUSE_HOOK_DEAD; cause++)
			lost += run->losses[cause].count;
		KNOW_TEXT(tally, kind, kind_names[run->type->kind]);
		KNOW(tally, generated, generated + run->losses[GAP_CAUSE_MISSED].count);
		KNOW(tally, delivered, run->delivered);
		KNOW(tally, filtered, run->filtered);
		KNOW(tally, lost, lost);
	}
	KNOW(&stop, run_ns, session_now() - s->started_ns);
	KNOW(&stop, cpu_ns, (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ULL +
				    (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ULL);
	KNOW(&stop, max_rss_bytes, usage.ru_maxrss * 1024ULL);
	if (s->has_recorder)
		KNOW(&stop, ticks, s->recorder.ticks);
	snprintf(message, sizeof(message), "%s stopped after %llu events", s->tool->name,
		 (unsigned long long)s->events);
	session_stream(s, &stop_record, &stop, SEVERITY_INFO, message, ~0U, &seq);
}
