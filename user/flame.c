// SPDX-License-Identifier: BSD-2-Clause
#include "flame.h"

#include <errno.h>
#include <stdlib.h>

#include "flame_svg.h"
#include "flame_tree.h"
#include "new_file.h"

/* the path to the node that is written: as deep as a stack with its root */
struct folded {
	const struct flame *flame;
	const struct flame_order *order;
	struct new_file *file;
	uint32_t path[FLAME_FRAMES + 1];
};

static void write_line(const struct folded *f, uint32_t depth)
{
	struct text *text = &f->file->text;

	for (uint32_t i = 0; i < depth; i++) {
		if (i)
			text_add(text, ";");
		text_add(text, f->flame->nodes[f->path[i]].name);
	}
	text_add(text, " ");
	text_number(text, f->flame->nodes[f->path[depth - 1]].own);
	text_add(text, "\n");
	new_file_flush(f->file);
}

static void write_below(struct folded *f, uint32_t node, uint32_t depth)
{
	if (depth && f->flame->nodes[node].own)
		write_line(f, depth);
	for (uint32_t i = f->order->first[node]; i < f->order->first[node + 1]; i++) {
		f->path[depth] = f->order->nodes[i];
		write_below(f, f->order->nodes[i], depth + 1);
	}
}

/* what new_file_flush() leaves free */
_Static_assert((FLAME_FRAMES + 1) * FLAME_NAME + 32 <= sizeof(((struct new_file *)NULL)->buffer) / 2,
	       "a line fits half of the buffer");

static void draw_folded(const struct flame *flame, const struct flame_order *order, struct new_file *file,
			const char *title)
{
	struct folded folded = { .flame = flame, .order = order, .file = file };

	(void)title;
	write_below(&folded, FLAME_NONE, 0);
}

typedef void draw_function(const struct flame *flame, const struct flame_order *order, struct new_file *file,
			   const char *title);

static int write_file(const struct flame *flame, const char *path, const char *title, draw_function *draw)
{
	struct new_file *file = malloc(sizeof(*file));
	struct flame_order order;
	int err;

	if (!file)
		return -ENOMEM;
	err = flame_order_init(&order, flame);
	if (!err) {
		err = new_file_open(file, path);
		if (!err) {
			draw(flame, &order, file, title);
			err = new_file_close(file);
		}
		flame_order_fini(&order);
	}
	free(file);
	return err;
}

int flame_write_folded(const struct flame *flame, const char *path)
{
	return write_file(flame, path, "", draw_folded);
}

int flame_write_svg(const struct flame *flame, const char *path, const char *title)
{
	return write_file(flame, path, title, flame_draw_svg);
}
