/* SPDX-License-Identifier: BSD-2-Clause */
/* What a frame of a call stack is called. */
#ifndef KWHY_UNWIND_FRAME_H
#define KWHY_UNWIND_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "unwind.h"
#include "unwind_space.h"

/* The code that frame n is in, NULL when it is not known (any more). */
const struct code_range *frame_code(const struct address_space *space, const struct call_stack *stack, uint32_t n);

/* the last part of its path */
const char *file_name(const struct code_file *file);

/* as unwinder_frame() has it */
void frame_text(struct address_space *space, const struct call_stack *stack, uint32_t n, char *ret, size_t size);

#endif
