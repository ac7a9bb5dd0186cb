/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the running kernel calls the values of one of its enumerations: reasons
 * for dropping a packet get new numbers with every release.
 */
#ifndef KWHY_ENUM_WORDS_H
#define KWHY_ENUM_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct btf;

struct enum_word {
	uint64_t value;
	const char *word;
};

struct enum_words {
	struct enum_word *words;	/* the words themselves follow in the same memory */
	size_t count;
};

/*
 * The words are copied, without the prefix where they have it. -ENOENT when the
 * kernel has no such enumeration.
 */
int enum_words_open(struct enum_words *ret, const struct btf *btf, const char *enumeration, const char *prefix);
/* Also of one that was only set to zeros. */
void enum_words_close(struct enum_words *words);

/* "NETFILTER_DROP"; NULL for a value without a name. Of several names the first. */
const char *enum_words_find(const struct enum_words *words, uint64_t value);

#endif
