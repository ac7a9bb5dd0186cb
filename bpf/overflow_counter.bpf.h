/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ListenOverflows of a network namespace: what of it was counted on a CPU since that CPU was asked last. */
#ifndef KWHY_OVERFLOW_COUNTER_BPF_H
#define KWHY_OVERFLOW_COUNTER_BPF_H

#include "compat.bpf.h"

#define MAX_CPUS 1024

/* set by user space: its index among the counters, which changes with releases */
const volatile __u32 overflow_index = 0;

struct cpu_key {
	__u64 counters;		/* per-CPU address of a namespace's counters */
	__u32 cpu;
	__u32 pad;
};

/* what the counter was at the last segment */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct cpu_key);
	__type(value, __u64);
} last_overflows SEC(".maps");

/* how far the copies of a per-CPU variable are from its address, by CPU; user space has each CPU enter its own */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, __u32);
	__type(value, __u64);
} cpu_offsets SEC(".maps");

/* see add_cpu_parts() in compat.bpf.h */
static __always_inline __u64 own_cpu_offset(void)
{
	const __u32 zero = 0;
	struct bpf_array *map = (void *)&cpu_ruler;
	void *here = bpf_map_lookup_elem(&cpu_ruler, &zero);
	__u64 map_address = 0, address = 0, base = 0;

	bpf_probe_read_kernel(&map_address, sizeof(map_address), &map);
	map = (void *)map_address;
	bpf_core_read(&base, sizeof(base), &map->pptrs[0]);
	bpf_probe_read_kernel(&address, sizeof(address), &here);
	return address - base;
}

static __always_inline __u64 read_overflows(__u64 counters, __u64 offset)
{
	unsigned long value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)(counters + offset + overflow_index * sizeof(value)));
	return value;
}

/*
 * What every CPU's copy is now, before the first connection can come; for those of which nothing is known, or what is
 * known is of another namespace, whose counters were at this address: they never go back.
 */
__attribute__((noinline)) int begin_counting(__u64 net)
{
	struct net *n = (struct net *)net;
	struct cpu_key key = { .counters = (__u64)BPF_CORE_READ(n, mib.net_statistics) };

#pragma clang loop unroll(disable)
	for (__u32 cpu = 0; cpu < MAX_CPUS && cpu < possible_cpus; cpu++) {
		__u64 *offset, *last, value;

		/* the loop's own variable stays out of memory, where the verifier loses sight of it */
		key.cpu = cpu;
		offset = bpf_map_lookup_elem(&cpu_offsets, &key.cpu);
		if (!offset || !*offset)
			continue;
		value = read_overflows(key.counters, *offset);
		last = bpf_map_lookup_elem(&last_overflows, &key);
		if (!last || *last > value)
			bpf_map_update_elem(&last_overflows, &key, &value, BPF_ANY);
	}
	return 0;
}

/* this CPU's counter in a namespace */
static __always_inline __u64 find_overflows(struct cpu_key *ret, __u64 net)
{
	struct net *n = (struct net *)net;
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 *offset = bpf_map_lookup_elem(&cpu_offsets, &cpu);

	ret->counters = (__u64)BPF_CORE_READ(n, mib.net_statistics);
	ret->cpu = cpu;
	ret->pad = 0;
	return read_overflows(ret->counters, offset && *offset ? *offset : own_cpu_offset());
}

/* False for nearly every segment: nothing has overflowed here since the segment before, whatever this one is. */
static __always_inline bool have_overflowed(__u64 net)
{
	struct cpu_key key;
	__u64 now = find_overflows(&key, net), *last = bpf_map_lookup_elem(&last_overflows, &key);

	return !last || *last != now;
}

/* Overflows on this CPU since the segment before; negative: it is the first of its namespace and CPU. */
static __always_inline __s64 new_overflows(__u64 net)
{
	struct cpu_key key;
	__u64 now = find_overflows(&key, net), *last = bpf_map_lookup_elem(&last_overflows, &key), before;

	if (!last) {
		bpf_map_update_elem(&last_overflows, &key, &now, BPF_ANY);
		return now ? -1 : 0;
	}
	before = *last;
	*last = now;
	/* counters of another namespace, which has the address now, begin with none */
	return now >= before ? now - before : now;
}

#endif
