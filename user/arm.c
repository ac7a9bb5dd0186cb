// SPDX-License-Identifier: BSD-2-Clause
/* What a session loads into the kernel: the probes of its kinds, and what several kinds share. */
#include <string.h>

#include "cannot.h"
#include "kinds/fd_leak_kind.h"
#include "session.h"

static const struct kind_type *const kind_types[KIND_COUNT] = {
#define KIND(NAME, SYMPTOM, WORD) [KIND_##NAME] = &NAME##_kind,
#include "events/all.def"
};

static int open_kinds(struct session *s)
{
	for (unsigned int i = 0; s->tool->kinds[i]; i++) {
		struct kind_run *run = &s->kinds[s->kind_count];
		const struct kind_type *type = kind_types[s->tool->kinds[i]];
		const struct probe_options options = {
			.ring_kib = s->options.ring_kib, .hook = s->options.hooks[type->kind],
			.filter = options_filter(&s->options),
		};
		int err;

		run->session = s;
		run->type = type;
		err = probe_open(&run->probe, type->probe, &s->kernel, &options);
		if (err)
			return cannot_watch(s->tool, &run->probe, &options, err);
		s->kind_count++;
		if (s->options.strict && run->probe.hook->fields_lost[0]) {
			tool_error(s->tool, "--strict: '%s' would run degraded with hook '%s': %s",
				   kind_names[type->kind], run->probe.hook->name,
				   "see kwhy doctor for what is lost and how to have it");
			return EXIT_FAILED;
		}
		if (type->needs_recorder && !s->has_recorder) {
			err = recorder_open(&s->recorder, &s->kernel, &s->procfs, &s->cgroupfs,
					    s->options.tick_ns);
			if (err) {
				tool_error(s->tool, "cannot start the recorder: %s%s", strerror(-err),
					   error_remedy(err));
				return EXIT_FAILED;
			}
			s->has_recorder = true;
		}
		err = type->open(s, &run->state);
		if (err) {
			tool_error(s->tool, "cannot watch '%s': %s", kind_names[type->kind], strerror(-err));
			return EXIT_FAILED;
		}
	}
	return EXIT_OK;
}

/* a kernel without iterators, or BTF only by --btf, can be watched all the same */
static int load_recorder(struct session *s)
{
	int err = s->has_recorder ? recorder_load(&s->recorder) : 0;

	if (!err)
		return EXIT_OK;
	s->has_recorder = false;
	tool_error(s->tool, "%s no history of memory before a kill: the recorder does not load: %s%s",
		   s->options.strict ? "--strict:" : "there will be", strerror(-err), error_remedy(err));
	return s->options.strict ? EXIT_FAILED : EXIT_OK;
}

/* a kernel without the iterator refuses as ever, and what a process has open is unknown then */
static int load_fd_list(struct session *s)
{
	const struct kind_run *leak = session_kind(s, KIND_fd_leak);
	bool wanted = false;
	int err;

	for (unsigned int i = 0; i < s->kind_count; i++)
		wanted |= s->kinds[i].type->needs_fd_list;
	err = wanted ? fd_list_open(&s->fd_list, &s->kernel, leak ? fd_leak_map(&leak->probe) : -1) : 0;
	if (!err || !(leak || s->options.strict))
		return EXIT_OK;
	tool_error(s->tool, "cannot list descriptors: %s%s", strerror(-err), error_remedy(err));
	return EXIT_FAILED;
}

int session_arm(struct session *s)
{
	int status = open_kinds(s);

	if (!status)
		status = load_fd_list(s);
	kernel_close(&s->kernel);
	return status ? status : load_recorder(s);
}
