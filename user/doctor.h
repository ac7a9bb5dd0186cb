/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kwhy doctor: what this system offers, tried for real. Loads and attaches
 * each kind's hooks as watch would, and takes them away again.
 */
#ifndef KWHY_DOCTOR_H
#define KWHY_DOCTOR_H

#include "options.h"
#include "tool.h"

/* EXIT_OK full, EXIT_FAILED degraded, EXIT_CANNOT unavailable. */
int doctor(const struct tool *tool, const struct options *options);

#endif
