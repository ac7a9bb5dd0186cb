// SPDX-License-Identifier: BSD-2-Clause
/* Names are chosen by those who die and those who kill: a line must hold the longest and oddest of them. */
#include "exit_kind.h"
#include "fit.h"

/* what the observation may take, so that the diagnosis has room */
enum { OBSERVATION_BYTES = 5600, PLAIN_BYTES = 3600 };

/* what numbers, names of fields and of processes never exceed is left to the difference of the two */
static bool surely_fits(const struct observation *o)
{
	const struct exit *x = &o->exit;
	size_t bytes = fit_bytes(o->cgroup.path) + fit_bytes(o->process.exe) + 2 * fit_bytes(o->container.unit);

	for (uint64_t i = 0; i < o->process.args_count; i++)
		bytes += fit_bytes(o->process.args[i]);
	return bytes < OBSERVATION_BYTES - PLAIN_BYTES && !x->known.killer && !x->known.fault && !x->known.failed_exec;
}

static bool fit_texts(struct observation *o, size_t keep)
{
	struct exit *x = &o->exit;
	bool done = fit_places(o, keep);

	done |= fit_text(x->killer.exe, sizeof(x->killer.exe), keep);
	done |= fit_text(x->killer.cgroup, sizeof(x->killer.cgroup), keep);
	done |= fit_text(x->killer.unit, sizeof(x->killer.unit), keep);
	done |= fit_text(x->fault.mapping, sizeof(x->fault.mapping), keep);
	done |= fit_text(x->failed_exec.filename, sizeof(x->failed_exec.filename), keep);
	return done;
}

void exit_fit(struct observation *o)
{
	if (surely_fits(o))
		return;
	while (ndjson_observation_bytes(o) > OBSERVATION_BYTES) {
		if (fit_args(&o->process, 4))
			observation_truncated(o, "process.args");
		else if (fit_texts(o, 128))
			observation_truncated(o, "cgroup.path");
		else if (fit_args(&o->process, 0))
			observation_truncated(o, "process.args");
		else if (fit_texts(o, 32))
			observation_truncated(o, "cgroup.path");
		else
			return;
	}
}
