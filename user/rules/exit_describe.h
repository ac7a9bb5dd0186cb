/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of an exit verdict that does not depend on the rule. Pure. */
#ifndef KWHY_EXIT_DESCRIBE_H
#define KWHY_EXIT_DESCRIBE_H

#include "diagnosis.h"

void exit_describe(const struct observation *observation, struct verdict *ret);

#endif
