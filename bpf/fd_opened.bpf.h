/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What was last put under each number of each table; fd_leak writes it, the list reads it. */
#ifndef KWHY_FD_OPENED_BPF_H
#define KWHY_FD_OPENED_BPF_H

#include "fd.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);		/* set where somebody writes it */
	__type(key, struct fd_slot);
	__type(value, struct fd_opened);
} descriptors SEC(".maps");

#endif
