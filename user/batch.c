// SPDX-License-Identifier: BSD-2-Clause
#include "batch.h"

#include <errno.h>

#include "ndjson.h"

enum { BATCH_LINES = 64, BATCH_BYTES = BATCH_LINES * 1024, ROOM = LINE_BYTES + 8192 };

/* what a renderer made of the events; both outputs often have the same */
struct form {
	char data[BATCH_BYTES + ROOM];
	size_t ends[BATCH_LINES];
};

static struct {
	unsigned int count;
	unsigned int kinds[BATCH_LINES];
	struct form forms[OUTPUTS];
} batch;

const struct renderer *batch_renderer(const struct session *s, int output)
{
	return output ? renderer_find("json") : s->renderer;
}

static struct form *form_of(const struct session *s, int output)
{
	bool same = batch_renderer(s, output) == batch_renderer(s, 0) && s->outputs[0].type != SINK_NONE;

	return &batch.forms[same ? 0 : output];
}

static size_t begin_of(const struct form *form, unsigned int line)
{
	return line ? form->ends[line - 1] : 0;
}

static bool is_full(void)
{
	for (int i = 0; i < OUTPUTS; i++)
		if (begin_of(&batch.forms[i], batch.count) > BATCH_BYTES)
			return true;
	return batch.count == BATCH_LINES;
}

void batch_add(struct session *s, struct observation *o, struct verdict *v)
{
	const struct form *done = NULL;

	for (int i = 0; i < OUTPUTS; i++) {
		struct form *form = form_of(s, i);
		struct text text = { .data = form->data, .size = sizeof(form->data) };

		if (s->outputs[i].type == SINK_NONE || form == done)
			continue;
		text.length = begin_of(form, batch.count);
		text.data[text.length] = '\0';
		batch_renderer(s, i)->observation(&text, &s->style, o, v);
		form->ends[batch.count] = text.length;
		done = form;
	}
	batch.kinds[batch.count++] = o->kind;
	if (is_full())
		session_flush(s);
}

/* an event is delivered when every output took its line */
static void settle(struct session *s, unsigned int line, struct form *const *forms, const unsigned int *taken)
{
	static const char *const names[OUTPUTS] = { "stdout", "--write" };
	struct kind_run *run = session_kind(s, batch.kinds[line]);
	const char *where = NULL;
	int err = 0;

	for (int i = 0; i < OUTPUTS; i++) {
		/* people are not told of everything: an empty line is not lost */
		if (s->outputs[i].type == SINK_NONE || line < taken[i] ||
		    forms[i]->ends[line] == begin_of(forms[i], line))
			continue;
		where = err ? "stdout and --write" : names[i];
		err = s->outputs[i].error;
	}
	if (err)
		session_lost(s, batch.kinds[line], GAP_CAUSE_OUTPUT, 1, where);
	else
		run->delivered++;
	if (err == -EPIPE)
		run->reader_gone++;
}

void session_flush(struct session *s)
{
	unsigned int taken[OUTPUTS], count = batch.count;
	struct form *forms[OUTPUTS];

	if (!count)
		return;
	for (int i = 0; i < OUTPUTS; i++) {
		forms[i] = form_of(s, i);
		taken[i] = sink_write_lines(&s->outputs[i], forms[i]->data, forms[i]->ends, batch.kinds, count);
	}
	for (unsigned int line = 0; line < count; line++)
		settle(s, line, forms, taken);
	batch.count = 0;
}
