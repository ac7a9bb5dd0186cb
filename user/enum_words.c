// SPDX-License-Identifier: BSD-2-Clause
#include "enum_words.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* a declaration alone has no values */
static const struct btf_type *find_enumeration(const struct btf *btf, const char *name)
{
	for (unsigned int id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_any_enum(type) && btf_vlen(type) &&
		    strcmp(btf__name_by_offset(btf, type->name_off), name) == 0)
			return type;
	}
	return NULL;
}

static const char *word_of(const struct btf *btf, const struct btf_type *type, size_t n, const char *prefix)
{
	uint32_t name = btf_is_enum64(type) ? btf_enum64(type)[n].name_off : btf_enum(type)[n].name_off;
	const char *word = btf__name_by_offset(btf, name);
	size_t length = strlen(prefix);

	if (!word)
		return "";
	return strncmp(word, prefix, length) == 0 && word[length] ? word + length : word;
}

static uint64_t value_of(const struct btf_type *type, size_t n)
{
	if (btf_is_enum64(type))
		return btf_enum64_value(&btf_enum64(type)[n]);
	/* the flag: signed */
	return btf_kflag(type) ? (uint64_t)(int64_t)btf_enum(type)[n].val : (uint32_t)btf_enum(type)[n].val;
}

int enum_words_open(struct enum_words *ret, const struct btf *btf, const char *enumeration, const char *prefix)
{
	const struct btf_type *type = find_enumeration(btf, enumeration);
	struct enum_word *words;
	size_t bytes = 0, count;
	char *room;

	if (!type)
		return -ENOENT;
	count = btf_vlen(type);
	for (size_t i = 0; i < count; i++)
		bytes += strlen(word_of(btf, type, i, prefix)) + 1;
	words = malloc(count * sizeof(*words) + bytes);
	if (!words)
		return -ENOMEM;
	room = (char *)(words + count);
	for (size_t i = 0; i < count; i++) {
		const char *word = word_of(btf, type, i, prefix);

		words[i] = (struct enum_word){ .value = value_of(type, i), .word = room };
		room = (char *)memcpy(room, word, strlen(word) + 1) + strlen(word) + 1;
	}
	*ret = (struct enum_words){ .words = words, .count = count };
	return 0;
}

void enum_words_close(struct enum_words *words)
{
	free(words->words);
	*words = (struct enum_words){ 0 };
}

const char *enum_words_find(const struct enum_words *words, uint64_t value)
{
	for (size_t i = 0; i < words->count; i++) {
		if (words->words[i].value == value)
			return words->words[i].word;
	}
	return NULL;
}
