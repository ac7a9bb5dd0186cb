/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table of fixed capacity: entries lie dense in one mapping of which
 * only used pages exist, the index beside it. No allocation after table_init.
 * An entry begins with its 64-bit key.
 */
#ifndef KWHY_TABLE_H
#define KWHY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
	char *entries;
	size_t entry_size;
	uint32_t count, capacity;
	uint32_t *index;	/* entry number + 1; 0 is free */
	uint32_t index_mask;
};

/* capacity is a power of two. -ENOMEM. */
int table_init(struct table *ret, size_t entry_size, uint32_t capacity);
void table_fini(struct table *table);

void *table_find(const struct table *table, uint64_t key);
/* The entry of key, a zeroed one when it is new; NULL when the table is full. */
void *table_add(struct table *table, uint64_t key);
static inline void *table_entry(const struct table *table, uint32_t n)
{
	return table->entries + n * table->entry_size;
}
/* A key of several numbers: begin with one of them, add the others. Not for those who would make keys collide. */
static inline uint64_t table_mix(uint64_t key, uint64_t with)
{
	key = (key ^ with) * 0x9e3779b97f4a7c15ULL;
	return key ^ key >> 29;
}

/* The same of a record of 64-bit words without holes, whatever they mean. */
uint64_t table_hash(const void *record, size_t size);

/* Removes all of them. */
void table_clear(struct table *table);
/* Removes the entries for which keep() is false; the rest may move. */
void table_sweep(struct table *table, bool (*keep)(const void *entry, uint64_t argument), uint64_t argument);

#endif
