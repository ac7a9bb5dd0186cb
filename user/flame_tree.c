// SPDX-License-Identifier: BSD-2-Clause
#include "flame_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flame.h"
#include "text.h"

enum { NODES_MAX = 1 << 24 };

struct flame *flame_new(void)
{
	struct flame *flame = calloc(1, sizeof(*flame));

	if (!flame)
		return NULL;
	flame->room = 256;
	flame->count = 1;
	flame->nodes = calloc(flame->room, sizeof(*flame->nodes));
	flame->index = calloc(2 * flame->room, sizeof(*flame->index));
	if (!flame->nodes || !flame->index) {
		flame_free(flame);
		return NULL;
	}
	return flame;
}

void flame_free(struct flame *flame)
{
	if (!flame)
		return;
	for (uint32_t i = 0; flame->nodes && i < flame->count; i++)
		free(flame->nodes[i].name);
	free(flame->nodes);
	free(flame->index);
	free(flame);
}

static uint64_t hash_of(uint32_t parent, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ parent;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3ULL;
	return (hash * 0x9e3779b97f4a7c15ULL) >> 32;
}

/* the node's slot of the index, or the free one where it would go */
static uint32_t *find_slot(const struct flame *flame, uint32_t parent, const char *name)
{
	uint32_t mask = 2 * flame->room - 1;

	for (uint32_t at = hash_of(parent, name);; at++) {
		uint32_t *slot = &flame->index[at & mask];

		if (!*slot || (flame->nodes[*slot].parent == parent && !strcmp(flame->nodes[*slot].name, name)))
			return slot;
	}
}

static int make_room(struct flame *flame)
{
	uint32_t room = 2 * flame->room;
	struct flame_node *nodes;
	uint32_t *index;

	if (flame->count < flame->room)
		return 0;
	if (room > NODES_MAX)
		return -ENOMEM;
	nodes = realloc(flame->nodes, room * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	flame->nodes = nodes;
	index = calloc(2 * room, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(flame->index);
	flame->index = index;
	flame->room = room;
	for (uint32_t i = 1; i < flame->count; i++)
		*find_slot(flame, nodes[i].parent, nodes[i].name) = i;
	return 0;
}

void flame_clean_name(char (*ret)[FLAME_NAME], const char *name)
{
	struct text text = TEXT_ON(*ret);
	size_t length = strnlen(name, 4 * FLAME_NAME);

	text_safe(&text, name, length);
	if (!text.length)
		text_add(&text, "?");
	for (char *at = *ret; *at; at++) {
		if (*at == ';')
			*at = ':';
		if (!strncmp(at, "\xef\xbf\xbe", 3) || !strncmp(at, "\xef\xbf\xbf", 3))
			memset(at, '?', 3);
	}
}

/* the child of that name, made when there is none; 0 without memory */
static uint32_t find_child(struct flame *flame, uint32_t parent, const char *name)
{
	char clean[FLAME_NAME];
	uint32_t *slot;

	flame_clean_name(&clean, name);
	slot = find_slot(flame, parent, clean);
	if (*slot)
		return *slot;
	if (make_room(flame))
		return 0;
	slot = find_slot(flame, parent, clean);
	flame->nodes[flame->count] = (struct flame_node){ .name = strdup(clean), .parent = parent };
	if (!flame->nodes[flame->count].name)
		return 0;
	*slot = flame->count;
	return flame->count++;
}

int flame_add(struct flame *flame, const char *root, const char *const *frames, uint32_t count, uint64_t value)
{
	uint64_t total;
	uint32_t at;

	if (!value)
		return 0;
	at = find_child(flame, FLAME_NONE, root);
	for (uint32_t i = count < FLAME_FRAMES ? count : FLAME_FRAMES; at && i-- > 0;)
		at = find_child(flame, at, frames[i]);
	if (!at)
		return -ENOMEM;
	/* totals of nodes are at most this one */
	if (__builtin_add_overflow(flame->nodes[FLAME_NONE].total, value, &total))
		return -EOVERFLOW;
	flame->nodes[at].own += value;
	for (;; at = flame->nodes[at].parent) {
		flame->nodes[at].total += value;
		if (at == FLAME_NONE)
			return 0;
	}
}

static int compare(const void *a, const void *b, void *argument)
{
	const struct flame *flame = argument;
	const struct flame_node *one = &flame->nodes[*(const uint32_t *)a];
	const struct flame_node *two = &flame->nodes[*(const uint32_t *)b];

	if (one->parent != two->parent)
		return one->parent < two->parent ? -1 : 1;
	return strcmp(one->name, two->name);
}

static uint32_t depth_of(const struct flame *flame, uint32_t node)
{
	uint32_t depth = 0;

	for (; node != FLAME_NONE; node = flame->nodes[node].parent)
		depth++;
	return depth;
}

int flame_order_init(struct flame_order *ret, const struct flame *flame)
{
	struct flame_order order = {
		.nodes = calloc(flame->count, sizeof(*order.nodes)),
		.first = calloc(flame->count + 1, sizeof(*order.first)),
	};
	uint32_t count = 0;

	if (!order.nodes || !order.first) {
		flame_order_fini(&order);
		return -ENOMEM;
	}
	for (uint32_t i = 1; i < flame->count; i++) {
		if (!flame->nodes[i].total)
			continue;
		order.nodes[count++] = i;
		order.first[flame->nodes[i].parent + 1]++;
		if (flame->nodes[i].own && depth_of(flame, i) > order.depth)
			order.depth = depth_of(flame, i);
	}
	qsort_r(order.nodes, count, sizeof(*order.nodes), compare, (void *)flame);
	for (uint32_t i = 0; i < flame->count; i++)
		order.first[i + 1] += order.first[i];
	*ret = order;
	return 0;
}

void flame_order_fini(struct flame_order *order)
{
	free(order->nodes);
	free(order->first);
	*order = (struct flame_order){};
}
