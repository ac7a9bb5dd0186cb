/* SPDX-License-Identifier: BSD-2-Clause */
/* A parent chain as the probes send it, as a list of a record. */
#ifndef KWHY_ANCESTORS_H
#define KWHY_ANCESTORS_H

#include "process.h"
#include "record.h"

/* At most count of them, nearest first, up to the first without a pid; returns how many. */
uint64_t ancestors_fill(struct ancestor *to, const struct event_ancestor *from, uint64_t count);

#endif
