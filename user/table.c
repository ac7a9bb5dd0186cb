// SPDX-License-Identifier: BSD-2-Clause
#include "table.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static void *map_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			   -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

int table_init(struct table *ret, size_t entry_size, uint32_t capacity)
{
	struct table t = {
		.entry_size = entry_size, .capacity = capacity, .index_mask = 2 * capacity - 1,
	};

	t.entries = map_pages(entry_size * capacity);
	t.index = map_pages(2 * capacity * sizeof(*t.index));
	if (!t.entries || !t.index) {
		table_fini(&t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

void table_fini(struct table *table)
{
	if (table->entries)
		munmap(table->entries, table->entry_size * table->capacity);
	if (table->index)
		munmap(table->index, 2 * table->capacity * sizeof(*table->index));
	*table = (struct table){};
}

/* the key's slot of the index, or the free one where it would go */
static uint32_t *find_slot(const struct table *table, uint64_t key)
{
	/* Fibonacci hashing: pids and inode numbers are consecutive */
	uint32_t at = (key * 0x9e3779b97f4a7c15ULL) >> 32;

	for (;; at++) {
		uint32_t *slot = &table->index[at & table->index_mask];

		if (!*slot || *(uint64_t *)table_entry(table, *slot - 1) == key)
			return slot;
	}
}

void *table_find(const struct table *table, uint64_t key)
{
	uint32_t *slot = find_slot(table, key);

	return *slot ? table_entry(table, *slot - 1) : NULL;
}

void *table_add(struct table *table, uint64_t key)
{
	uint32_t *slot = find_slot(table, key);
	char *entry;

	if (*slot)
		return table_entry(table, *slot - 1);
	if (table->count == table->capacity)
		return NULL;
	entry = table_entry(table, table->count++);
	memset(entry, 0, table->entry_size);
	*(uint64_t *)entry = key;
	*slot = table->count;
	return entry;
}

uint64_t table_hash(const void *record, size_t size)
{
	/* two first words that are added to nothing would be told apart by their difference alone */
	uint64_t hash = 1, word;

	for (size_t at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
		memcpy(&word, (const char *)record + at, sizeof(word));
		hash = table_mix(hash, word);
	}
	return hash;
}

void table_clear(struct table *table)
{
	if (table->count)
		memset(table->index, 0, (table->index_mask + 1) * sizeof(*table->index));
	table->count = 0;
}

void table_sweep(struct table *table, bool (*keep)(const void *entry, uint64_t argument), uint64_t argument)
{
	uint32_t before = table->count;

	for (uint32_t i = 0; i < table->count;) {
		char *entry = table_entry(table, i);

		if (keep(entry, argument)) {
			i++;
			continue;
		}
		if (i != --table->count)
			memcpy(entry, table_entry(table, table->count), table->entry_size);
	}
	if (before == table->count)
		return;
	memset(table->index, 0, (table->index_mask + 1) * sizeof(*table->index));
	for (uint32_t i = 0; i < table->count; i++)
		*find_slot(table, *(uint64_t *)table_entry(table, i)) = i + 1;
}
