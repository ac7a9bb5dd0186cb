/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables of descriptors. No lock is taken: what is read may be gone a moment later, and reads as nothing then. */
#ifndef KWHY_FD_TABLE_BPF_H
#define KWHY_FD_TABLE_BPF_H

#include "fd.h"

#define RLIMIT_NOFILE 7
/* words of the bitmap of used numbers that are looked at for a free one, and that are counted */
#define FREE_WORDS 256
#define COUNT_WORDS 64

static __always_inline __u64 soft_limit(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_cur);
}

static __always_inline __u64 bits_of(__u64 word)
{
	word -= word >> 1 & 0x5555555555555555ULL;
	word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return word * 0x0101010101010101ULL >> 56;
}

static __always_inline __u64 word_at(const unsigned long *words, __u64 n)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), words + n);
	return word;
}

static __always_inline __u64 ones_below(__u64 n)
{
	return n < 64 ? (1ULL << n) - 1 : ~0ULL;
}

/*
 * No number below the limit is free. next_fd is the lowest that may be, and not
 * moved by dup2(): from there on the bitmap is asked, as far as FREE_WORDS reach.
 */
static __always_inline bool no_number_free(struct files_struct *files, __u64 limit)
{
	struct fdtable *table = BPF_CORE_READ(files, fdt);
	unsigned long *words = BPF_CORE_READ(table, open_fds);
	__u64 next = BPF_CORE_READ(files, next_fd), max = BPF_CORE_READ(table, max_fds);

	if (next >= limit)
		return true;
	if (max < limit)
		return false;
	/* but for the first and the last word one way through, so that the verifier has little to follow */
	if (next & 63 && ~word_at(words, next / 64) >> (next & 63) << (next & 63) & ones_below(limit - (next & ~63ULL)))
		return false;
	next = (next + 63) / 64;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < FREE_WORDS; i++, next++) {
		if (next >= limit / 64)
			return !(~word_at(words, next) & ones_below(limit - next * 64));
		if (~word_at(words, next))
			return false;
	}
	return false;
}

/* how many are open; false where there are too many numbers to count */
static __always_inline bool count_open(struct files_struct *files, field_count *ret)
{
	struct fdtable *table = BPF_CORE_READ(files, fdt);
	unsigned long *words = BPF_CORE_READ(table, open_fds);
	__u64 max = BPF_CORE_READ(table, max_fds);

	if (max > COUNT_WORDS * 64)
		return false;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < COUNT_WORDS; i++) {
		if (i >= max / 64)
			break;
		*ret += bits_of(word_at(words, i));
	}
	return true;
}

#endif
