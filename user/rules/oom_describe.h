/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of an OOM verdict that does not depend on the rule. Pure. */
#ifndef KWHY_OOM_DESCRIBE_H
#define KWHY_OOM_DESCRIBE_H

#include "diagnosis.h"

void oom_describe(const struct observation *observation, struct verdict *ret);

#endif
