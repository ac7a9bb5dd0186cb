// SPDX-License-Identifier: BSD-2-Clause
/* What is open by call stack, for flame graph tools and as a picture. */
#include <stdio.h>
#include <string.h>

#include "fd_leak_kind.h"
#include "fd_stack.h"
#include "flame.h"
#include "cannot.h"
#include "tool.h"

static int add_place(struct fd_leak_state *state, struct flame *flame, const struct fd_place *p, const char *root,
		     uint64_t start_ns)
{
	static char words[CALL_STACK_FRAMES][160];
	const char *frames[CALL_STACK_FRAMES];
	uint64_t count = fd_stack_words(state->session, p->pid, start_ns, &p->stack, words[0], sizeof(words[0]),
					CALL_STACK_FRAMES);

	for (uint64_t i = 0; i < count; i++)
		frames[i] = words[i];
	return flame_add(flame, root, frames, count, p->outstanding);
}

/* those of which no stack was taken, and those that are older, stand beside the others: the sum is what is open */
static int add_rest(struct flame *flame, const struct fd_process *p, const char *root, uint64_t attributed)
{
	static const char *const old[] = { "[open before the watching began]" };
	static const char *const unknown[] = { "[call stack not taken]" };
	uint64_t rest = p->outstanding > attributed ? p->outstanding - attributed : 0;
	int err = rest ? flame_add(flame, root, unknown, 1, rest) : 0;

	if (!err && p->marked + p->unmatched)
		err = flame_add(flame, root, old, 1, p->marked + p->unmatched);
	return err;
}

static int add_process(struct fd_leak_state *state, struct flame *flame, const struct fd_process *p)
{
	char root[64];
	uint64_t attributed = 0;
	int err = 0;

	snprintf(root, sizeof(root), "%.16s[%llu]", p->owner.comm, (unsigned long long)p->pid);
	for (uint32_t i = 0; !err && i < state->places.count; i++) {
		const struct fd_place *place = table_entry(&state->places, i);

		if (place->pid != p->pid || !place->outstanding || !place->has_stack)
			continue;
		attributed += place->outstanding;
		err = add_place(state, flame, place, root, p->owner.start_ns);
	}
	return err ? err : add_rest(flame, p, root, attributed);
}

static void say(const struct session *s, const char *path, int err)
{
	if (err)
		tool_error(s->tool, "cannot write to '%s': %s", path, sink_reason(err));
}

void fd_leak_write(struct fd_leak_state *state)
{
	struct session *s = state->session;
	const struct options *o = &s->options;
	struct flame *flame = o->folded_path || o->svg_path ? flame_new() : NULL;
	int err = flame ? 0 : -1;
	char title[120];

	if (!o->folded_path && !o->svg_path)
		return;
	for (uint32_t i = 0; !err && i < state->processes.count; i++)
		err = add_process(state, flame, table_entry(&state->processes, i));
	if (err) {
		tool_error(s->tool, "cannot write call stacks: out of memory");
		s->output_failed = true;
		flame_free(flame);
		return;
	}
	if (o->folded_path) {
		err = flame_write_folded(flame, o->folded_path);
		say(s, o->folded_path, err);
		s->output_failed |= err != 0;
	}
	if (o->svg_path) {
		snprintf(title, sizeof(title), "open file descriptors by call stack, %s", s->host);
		err = flame_write_svg(flame, o->svg_path, title);
		say(s, o->svg_path, err);
		s->output_failed |= err != 0;
	}
	flame_free(flame);
}
