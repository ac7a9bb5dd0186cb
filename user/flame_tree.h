/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks that begin alike, put together: what flame.c gathers and both its pictures are drawn from. */
#ifndef KWHY_FLAME_TREE_H
#define KWHY_FLAME_TREE_H

#include <stdint.h>

enum {
	FLAME_FRAMES = 128,	/* of a stack, above its root */
	FLAME_NAME = 256,	/* bytes of a name with its NUL */
	FLAME_NONE = 0,		/* the node that all roots stand on; a stack does not end there */
};

struct flame_node {
	char *name;		/* printable UTF-8 without ';', NULL for FLAME_NONE */
	uint32_t parent;
	uint64_t own;		/* of stacks that end here */
	uint64_t total;		/* with those that go on */
};

struct flame {
	struct flame_node *nodes;
	uint32_t count, room;
	uint32_t *index;	/* hash of parent and name: node, 0 is free; twice as large as room */
};

/* Children of one node side by side, by name. */
struct flame_order {
	uint32_t *nodes;
	uint32_t *first;	/* of each node: where its children begin; one more for the end of the last */
	uint32_t depth;		/* of the highest stack, with its root */
};

/*
 * Names are hostile: what is not printable is escaped, ';' separates them, and
 * U+FFFE and U+FFFF are characters that XML does not have.
 */
void flame_clean_name(char (*ret)[FLAME_NAME], const char *name);

/* -ENOMEM. Nodes without a count are left out. */
int flame_order_init(struct flame_order *ret, const struct flame *flame);
void flame_order_fini(struct flame_order *order);

#endif
