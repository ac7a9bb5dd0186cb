// SPDX-License-Identifier: BSD-2-Clause
#include "subject.h"

#include <unistd.h>

#include "redact.h"

void subject_identity(struct session *s, struct process *p)
{
	p->known.exe = procfs_exe(&s->procfs, p->pid, p->exe, sizeof(p->exe)) == 0;
	if (s->options.no_args ||
	    procfs_args(&s->procfs, p->pid, p->args, sizeof(p->args) / sizeof(p->args[0]), &p->args_count))
		p->args_count = 0;
	p->known.args = p->args_count > 0;
	if (p->known.args && !s->options.no_redact &&
	    redact_args(p->args[0], sizeof(p->args[0]), p->args_count, &p->args_redacted))
		p->known.args_redacted = 1;
}

void subject_cgroup(struct session *s, struct observation *o, uint64_t id, uint64_t version)
{
	int fd;

	if (!id)
		return;
	KNOW(&o->cgroup, id, id);
	KNOW(&o->cgroup, version, version);
	fd = cgroupfs_open_id(&s->cgroupfs, version, id);
	if (fd < 0)
		return;
	if (cgroupfs_path(&s->cgroupfs, fd, version, o->cgroup.path, sizeof(o->cgroup.path)) == 0)
		o->cgroup.known.path = 1;
	close(fd);
	observation_identify(o);
}
