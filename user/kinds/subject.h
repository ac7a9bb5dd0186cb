/* SPDX-License-Identifier: BSD-2-Clause */
/* What kinds whose subject goes on living ask of /proc and the cgroup file system when they tell of it. */
#ifndef KWHY_SUBJECT_H
#define KWHY_SUBJECT_H

#include "session.h"

/* Executable and arguments of a living process, as the options allow. */
void subject_identity(struct session *session, struct process *process);

/* Id, path, container and unit of a cgroup that was not told by a probe. */
void subject_cgroup(struct session *session, struct observation *observation, uint64_t id, uint64_t version);

#endif
