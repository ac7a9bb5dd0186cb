/* SPDX-License-Identifier: BSD-2-Clause */
/* CONFIG_HZ, which nothing tells where the kernel's configuration is not at hand. Pure. */
#ifndef KWHY_HZ_H
#define KWHY_HZ_H

#include <stdint.h>

/*
 * Jiffies in a second, from the kernel's jiffies_64 and CLOCK_MONOTONIC of about
 * the same moment. 0: not known, as at a time when two rates fit.
 */
uint64_t jiffies_per_s(uint64_t jiffies_64, uint64_t monotonic_ns);

#endif
