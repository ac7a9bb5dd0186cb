/* SPDX-License-Identifier: BSD-2-Clause */
/* The picture of a flame graph. */
#ifndef KWHY_FLAME_SVG_H
#define KWHY_FLAME_SVG_H

#include "flame_tree.h"
#include "new_file.h"

void flame_draw_svg(const struct flame *flame, const struct flame_order *order, struct new_file *file,
		    const char *title);

#endif
