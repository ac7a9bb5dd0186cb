// SPDX-License-Identifier: BSD-2-Clause
#include "observation.h"

#include <string.h>

#include "container.h"
#include "options.h"
#include "text.h"

void observation_clear(struct observation *o, enum event_kind kind)
{
	static const size_t sizes[KIND_COUNT] = {
#define KIND(NAME, SYMPTOM, WORD) [KIND_##NAME] = sizeof(struct NAME),
#include "events/all.def"
	};

	/* the kinds share the memory at the end */
	memset(o, 0, offsetof(struct observation, oom_kill) + sizes[kind]);
	o->kind = kind;
}

void observation_truncated(struct observation *observation, const char *what)
{
	uint64_t n = observation->truncated_count;

	for (uint64_t i = 0; i < n; i++)
		if (strcmp(observation->truncated[i], what) == 0)
			return;
	if (n == sizeof(observation->truncated) / sizeof(observation->truncated[0]))
		return;
	text_copy(observation->truncated[n], sizeof(observation->truncated[n]), what, strlen(what));
	observation->truncated_count++;
}

void observation_identify(struct observation *o)
{
	struct container_identity identity;
	struct container *c = &o->container;

	if (!o->cgroup.known.path)
		return;
	container_identify(o->cgroup.path, strlen(o->cgroup.path), &identity);
	if (*identity.id)
		KNOW_TEXT(c, id, identity.id);
	if (*identity.runtime)
		KNOW_TEXT(c, runtime, identity.runtime);
	if (*identity.pod_uid)
		KNOW_TEXT(c, pod_uid, identity.pod_uid);
	if (*identity.unit)
		KNOW_TEXT(c, unit, identity.unit);
}

static bool path_below(const char *path, const char *above)
{
	size_t length = strlen(above);

	if (strcmp(above, "/") == 0)
		return true;
	return strncmp(path, above, length) == 0 && (!path[length] || path[length] == '/');
}

bool observation_wanted(const struct observation *o, const struct options *options)
{
	/* whose child a process is only the kernel side can tell */
	if (options->pid && !options->children && (!o->process.known.pid || o->process.pid != options->pid))
		return false;
	if (options->comm && (!o->process.known.comm || strcmp(o->process.comm, options->comm) != 0))
		return false;
	if (options->has_uid && (!o->process.known.uid || o->process.uid != options->uid))
		return false;
	return !options->cgroup || (o->cgroup.known.path && path_below(o->cgroup.path, options->cgroup));
}
