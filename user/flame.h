/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts by call stack, for people: folded stacks, which every flame graph
 * tool reads, and a flame graph as one SVG file that needs no script.
 *
 *   nginx[812];main;worker_cycle;open_file 37
 */
#ifndef KWHY_FLAME_H
#define KWHY_FLAME_H

#include <stdint.h>

struct flame;

/* NULL: no memory. */
struct flame *flame_new(void);
void flame_free(struct flame *flame);

/*
 * Adds value to a stack: frames innermost first, as call_stack has them; root
 * (the process) stands below the outermost. Equal stacks add up. The strings
 * may hold any bytes and are copied. Of more than 128 frames the outermost go.
 * -ENOMEM: nothing was added.
 */
int flame_add(struct flame *flame, const char *root, const char *const *frames, uint32_t count, uint64_t value);

/*
 * Both write a new file, 0600, beside the old one and then put it in its
 * place: an error leaves the old file as it was.
 * -ELOOP: path is a symlink, -ENXIO: a FIFO, socket or device, -EISDIR,
 * -EPERM: another owner's or a file with other links; else why writing failed.
 */
int flame_write_folded(const struct flame *flame, const char *path);
/* title is the first line of the picture. */
int flame_write_svg(const struct flame *flame, const char *path, const char *title);

#endif
