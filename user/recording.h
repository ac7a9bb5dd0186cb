/* SPDX-License-Identifier: BSD-2-Clause */
/* Recorded NDJSON lines back into observations. Takes what any version wrote. */
#ifndef KWHY_RECORDING_H
#define KWHY_RECORDING_H

#include "observation.h"

enum recording_line {
	RECORDING_OBSERVATION,	/* *ret is filled */
	RECORDING_STREAM,	/* start, gap or stop: nothing to judge */
	RECORDING_UNKNOWN,	/* a kind of a newer version */
	RECORDING_BAD,		/* not one of our lines; *ret_reason says why */
};

/*
 * Reads one line of length bytes (without newline). Fields that are missing or
 * of the wrong type are unknown; fields this version does not know are passed
 * over; numbers out of range are unknown. *ret_reason has static storage or
 * lives until the next call.
 */
enum recording_line recording_read(const char *line, size_t length, struct observation *ret,
				   const char **ret_reason);

#endif
