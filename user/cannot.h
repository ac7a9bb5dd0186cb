/* SPDX-License-Identifier: BSD-2-Clause */
/* The one line that says why a tool does not start, and its exit status. */
#ifndef KWHY_CANNOT_H
#define KWHY_CANNOT_H

#include "options.h"
#include "probe.h"
#include "tool.h"

/* EXIT_OK when nothing stands in the way. */
int cannot_run(const struct tool *tool, const struct options *options);
int cannot_btf(const struct tool *tool, const struct options *options, int err);
/* What is wrong with a BTF file that kernel_open() did not take. */
const char *btf_reason(int err);
/* err is what probe_open() returned. */
int cannot_watch(const struct tool *tool, const struct probe *probe, const struct probe_options *options,
		 int err);

/* "; what to do" about an error that has one answer, else "". */
const char *error_remedy(int err);

/* Why a --write file was refused, and what to do. */
const char *sink_reason(int err);

#endif
