/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of events on their way to the outputs. Those of one batch of records
 * go out with one write(2) per output; only then are they delivered, or lost.
 */
#ifndef KWHY_BATCH_H
#define KWHY_BATCH_H

#include "diagnosis.h"
#include "session.h"

/* Renders an observation for every output. */
void batch_add(struct session *session, struct observation *observation, struct verdict *verdict);

/* --write is always NDJSON, whatever stdout shows */
const struct renderer *batch_renderer(const struct session *session, int output);

#endif
