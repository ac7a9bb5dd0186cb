// SPDX-License-Identifier: BSD-2-Clause
#include "oom_words.h"

#include <string.h>

#include "say.h"

#define MIB (1024ULL * 1024)

uint64_t oom_round_up(uint64_t bytes)
{
	uint64_t step = bytes > 1024 * MIB ? 64 * MIB : 16 * MIB;

	return (bytes + step - 1) / step * step;
}

void oom_say_place(struct text *text, const struct oom_view *v)
{
	if (v->host)
		text_add(text, "the host's memory");
	else if (v->binding && !v->limit_bytes)
		text_format(text, "the memory limit (how large is unknown) on %s", v->binding->path);
	else if (v->limit_bytes) {
		text_add(text, "the limit of ");
		text_bytes(text, v->limit_bytes);
		text_add(text, " on ");
		say_path(text, v->binding->path);
	} else if (v->oom->known.scope)
		text_add(text, "a memory cgroup's limit (which one is unknown)");
	else
		text_add(text, "memory, whose is unknown,");
}

/*
 * The level's name when it is a systemd unit's, which is the last directory as
 * it stands: systemctl wants its \\x2d escapes.
 */
static const char *unit_of_level(const char *path)
{
	static const char *const suffixes[] = { ".service", ".scope", ".slice" };
	const char *name = strrchr(path, '/');

	for (size_t i = 0; name && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t length = strlen(name), suffix = strlen(suffixes[i]);

		if (length > suffix + 1 && strcmp(name + length - suffix, suffixes[i]) == 0)
			return name + 1;
	}
	return NULL;
}

void oom_say_raise(const struct observation *observation, const struct oom_view *v, uint64_t bytes,
		      const char *because, struct verdict *ret)
{
	const struct container *c = &observation->container;
	bool own = v->binding && observation->cgroup.known.path &&
		   strcmp(v->binding->path, observation->cgroup.path) == 0;
	const char *unit = v->binding ? unit_of_level(v->binding->path) : NULL;
	struct text text = say_advice(ret);

	text_format(&text, "raise the limit to %llu MiB (%s)", (unsigned long long)(bytes / MIB), because);
	if (c->known.pod_uid)
		text_format(&text, ": resources.limits.memory: %lluMi in the pod spec, for %s",
			    (unsigned long long)(bytes / MIB),
			    own ? "this container" : "the pod's containers together");
	else if (own && c->known.id && c->known.runtime &&
		 (strcmp(c->runtime, "docker") == 0 || strcmp(c->runtime, "podman") == 0)) {
		text_format(&text, ": %s update --memory=%llu ", c->runtime, (unsigned long long)bytes);
		text_shell(&text, c->id, strlen(c->id));
	} else if (unit && !c->known.id) {
		text_add(&text, ": systemctl set-property ");
		text_shell(&text, unit, strlen(unit));
		text_format(&text, " MemoryMax=%llu", (unsigned long long)bytes);
	} else if (v->binding && oom_has_file(observation, v->binding->path)) {
		text_format(&text, ": echo %llu > ", (unsigned long long)bytes);
		say_cgroup_file(&text, observation->cgroup.version, v->binding->path,
				"memory.limit_in_bytes", "memory.max");
	}
	say_whole(&text, &ret->diagnosis.advice_count);
}

bool oom_has_file(const struct observation *observation, const char *path)
{
	return path && observation->cgroup.known.version && say_path_is_whole(path);
}

static void say_watch(const struct observation *observation, const struct oom_view *v, struct verdict *ret)
{
	const char *path = v->binding ? v->binding->path : NULL;
	uint64_t version = observation->cgroup.version;
	struct text text = say_verify(ret);

	/* v1 counts a kill in the victim's own cgroup, v2 also in those above */
	if (observation->cgroup.known.path && (version == 1 || !path))
		path = observation->cgroup.path;
	if (!v->host && oom_has_file(observation, path)) {
		text_add(&text, "cat ");
		say_cgroup_file(&text, version, path, "memory.oom_control", "memory.events");
		text_add(&text, "   (oom_kill must stop rising)");
		if (!text.cut)
			return;
		say_whole(&text, &ret->diagnosis.verify_count);
		text = say_verify(ret);
	}
	text_add(&text, "grep oom_kill /proc/vmstat   (must stop rising)");
}

void oom_say_rate(struct text *text, const struct oom_shape *shape)
{
	uint64_t per_min = oom_rate_per_min(shape);
	bool brief = shape->grown_ns < 120000000000ULL;

	text_bytes(text, brief ? per_min / 60 : per_min);
	text_add(text, brief ? "/s" : "/min");
}

void oom_say_summary(const struct observation *observation, const struct oom_view *v, const char *why,
			struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct oom_kill *o = v->oom;
	struct text text = say_message(ret);

	text_add(&text, "OOM: ");
	say_process(&text, p->comm, p->known.pid, p->pid);
	text_add(&text, o->known.killed && !o->killed ? " was already exiting when " : " killed: ");
	oom_say_place(&text, v);
	text_format(&text, " %s (%s)", v->host ? "was used up" : v->binding || o->known.scope ? "was reached" : "ran out",
		    why);
	say_watch(observation, v, ret);
	if (o->known.stuck_pid) {
		text = say_advice(ret);
		text_format(&text, "the victim is stuck: look at what it waits for: cat /proc/%llu/stack",
			    (unsigned long long)o->stuck_pid);
	}
}
