/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One helper per kernel change. Each names the commit and the first release
 * with the new form, so that it can go once that release is the oldest we run on.
 */
#ifndef KWHY_COMPAT_BPF_H
#define KWHY_COMPAT_BPF_H

/* set by user space before load */
const volatile __u32 page_size = 4096;
const volatile __u32 possible_cpus = 1;

/*
 * 6.15 "kernfs: Use RCU to access kernfs_node::parent" renamed the member.
 */
struct kernfs_node___before_6_15 {
	struct kernfs_node___before_6_15 *parent;
} __attribute__((preserve_access_index));

struct kernfs_node___since_6_15 {
	struct kernfs_node *__parent;
} __attribute__((preserve_access_index));

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___since_6_15 *now = (void *)kn;
	struct kernfs_node___before_6_15 *before = (void *)kn;

	if (bpf_core_field_exists(now->__parent))
		return BPF_CORE_READ(now, __parent);
	return (struct kernfs_node *)BPF_CORE_READ(before, parent);
}

/* a per-CPU variable whose address is known on every CPU: shows how far apart the copies are */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} cpu_ruler SEC(".maps");

/* the kernel's own numbers, since 4.5 */
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };

struct mm_pages {
	__s64 class[4];
};

/*
 * Adds the CPUs' own parts of the four counters. Kernels without variables in
 * kallsyms resolve no __per_cpu_offset, hence the ruler: its map knows the
 * per-CPU address, a look-up gives the address on a CPU, and the difference
 * is the same for all objects. Both are turned into numbers by a probe read.
 * bpf_map_lookup_percpu_elem came with 5.19, before the counters did.
 * No branches: a CPU that is not there gives an address that reads as nothing.
 */
static __always_inline void add_cpu_parts(struct percpu_counter *const counters[4], struct mm_pages *pages)
{
	const __u32 zero = 0;
	struct bpf_array *map = (void *)&cpu_ruler;
	__u64 map_address = 0, base = 0;

	bpf_probe_read_kernel(&map_address, sizeof(map_address), &map);
	map = (void *)map_address;
	bpf_core_read(&base, sizeof(base), &map->pptrs[0]);
#pragma clang loop unroll(disable)
	for (__u32 cpu = 0; cpu < possible_cpus && cpu < 1024; cpu++) {
		void *here = bpf_map_lookup_percpu_elem(&cpu_ruler, &zero, cpu);
		__u64 address = 0;
		__s32 part;

		bpf_probe_read_kernel(&address, sizeof(address), &here);
#pragma unroll
		for (int class = 0; class < 4; class++) {
			__u64 copies = (__u64)BPF_CORE_READ(counters[class], counters);

			part = 0;
			bpf_probe_read_kernel(&part, sizeof(part), (void *)(copies + address - base));
			pages->class[class] += part;
		}
	}
}

/*
 * Pages of an address space by class, exact.
 * 6.2 "mm: convert mm's rss stats into percpu_counter": a plain count before,
 * since then a count that lags behind by up to a batch per CPU, and the rest
 * in the CPUs' own parts.
 */
static __always_inline void mm_pages_read(struct mm_struct *mm, struct mm_pages *ret)
{
	struct mm_struct___before_6_2 *before = (void *)mm;
	/* constant indexes: CO-RE knows the element's size only for those */
	struct percpu_counter *const counters[4] = {
		&mm->rss_stat[0], &mm->rss_stat[1], &mm->rss_stat[2], &mm->rss_stat[3],
	};

	if (bpf_core_field_exists(before->rss_stat.count)) {
		ret->class[0] = BPF_CORE_READ(before, rss_stat.count[0].counter);
		ret->class[1] = BPF_CORE_READ(before, rss_stat.count[1].counter);
		ret->class[2] = BPF_CORE_READ(before, rss_stat.count[2].counter);
		ret->class[3] = BPF_CORE_READ(before, rss_stat.count[3].counter);
		return;
	}
#pragma unroll
	for (int class = 0; class < 4; class++)
		ret->class[class] = BPF_CORE_READ(counters[class], count);
	add_cpu_parts(counters, ret);
}

/* a sum of racing per-CPU parts may fall below nothing */
static __always_inline __u64 mm_class_bytes(const struct mm_pages *pages, int class)
{
	__s64 n = pages->class[class];

	return (n & ~(n >> 63)) * page_size;
}

/* The memory controller's state of a task; NULL on a kernel without it. */
static __always_inline struct cgroup_subsys_state *task_memory_css(struct task_struct *task)
{
	struct css_set *set;
	struct cgroup_subsys_state *css = NULL;
	__u32 id;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	id = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	set = BPF_CORE_READ(task, cgroups);
	bpf_core_read(&css, sizeof(css), &set->subsys[id]);
	return css;
}

/* The same of the controller that counts tasks. */
static __always_inline struct cgroup_subsys_state *task_pids_css(struct task_struct *task)
{
	struct css_set *set;
	struct cgroup_subsys_state *css = NULL;
	__u32 id;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		return NULL;
	id = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	set = BPF_CORE_READ(task, cgroups);
	bpf_core_read(&css, sizeof(css), &set->subsys[id]);
	return css;
}

/* An argument of a function as a number: where it is typed, the verifier lets it be nothing but a pointer. */
static __always_inline __u64 argument_number(const __u64 *argument)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), argument);
	return number;
}

/*
 * The registers the current task entered the kernel with.
 * 5.15 "bpf: Add bpf_task_pt_regs() helper"; before, the top of its stack.
 */
static __always_inline struct pt_regs *current_regs(void)
{
	struct task_struct *task;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	task = (struct task_struct *)bpf_get_current_task();
	return (struct pt_regs *)((char *)BPF_CORE_READ(task, stack) + 16384 -
				  bpf_core_type_size(struct pt_regs));
}

/*
 * What runs at every system call reads without calls: LOAD(task, mm), where task is current_task(), current_regs()
 * or what another LOAD gave. The verifier knows their types and lets a plain load do.
 * 5.15 as above (the task since 5.11 "bpf: Add bpf_get_current_task_btf() helper"); before, probe reads.
 */
#define PLAIN_LOADS bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)
#define LOAD(pointer, member) (PLAIN_LOADS ? (pointer)->member : BPF_CORE_READ(pointer, member))

static __always_inline struct task_struct *current_task(void)
{
	return PLAIN_LOADS ? bpf_get_current_task_btf() : (struct task_struct *)bpf_get_current_task();
}

/*
 * Arguments of a system call, of the 32-bit table where compat. On arm64 the
 * first is overwritten by the result and kept beside.
 */
#if defined(__TARGET_ARCH_x86)
#define REGS_ARG1(regs, compat) ((compat) ? (__u32)BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di))
#define REGS_ARG2(regs, compat) ((compat) ? (__u32)BPF_CORE_READ(regs, cx) : BPF_CORE_READ(regs, si))
#define REGS_ARG3(regs, compat) ((compat) ? (__u32)BPF_CORE_READ(regs, dx) : BPF_CORE_READ(regs, dx))
#define REGS_ARG4(regs, compat) ((compat) ? (__u32)BPF_CORE_READ(regs, si) : BPF_CORE_READ(regs, r10))
#define CALL_EXECVE(compat) ((compat) ? 11 : 59)
#define CALL_EXECVEAT(compat) ((compat) ? 358 : 322)
#define SYSCALL_FUNCTION(NAME) "__x64_sys_" NAME
#define SYSCALL_FUNCTION_COMPAT(NAME) "__ia32_compat_sys_" NAME
#define REGS_SYSCALL(regs) ((long)BPF_CORE_READ(regs, orig_ax))
#define REGS_IP(regs) BPF_CORE_READ(regs, ip)
#define REGS_SP(regs) BPF_CORE_READ(regs, sp)
#define TYPED_SYSCALL(regs) ((long)(regs)->orig_ax)
#define LOAD_IP(regs) LOAD(regs, ip)
#define LOAD_SP(regs) LOAD(regs, sp)
/* where DWARF numbers the registers, see user_stack.bpf.h */
#define STACK_REGISTERS(regs, to) do { \
	(to)[0] = BPF_CORE_READ(regs, ax); (to)[1] = BPF_CORE_READ(regs, dx); (to)[2] = BPF_CORE_READ(regs, cx); \
	(to)[3] = BPF_CORE_READ(regs, bx); (to)[4] = BPF_CORE_READ(regs, si); (to)[5] = BPF_CORE_READ(regs, di); \
	(to)[6] = BPF_CORE_READ(regs, bp); (to)[7] = BPF_CORE_READ(regs, sp); (to)[8] = BPF_CORE_READ(regs, r8); \
	(to)[9] = BPF_CORE_READ(regs, r9); (to)[10] = BPF_CORE_READ(regs, r10); (to)[11] = BPF_CORE_READ(regs, r11); \
	(to)[12] = BPF_CORE_READ(regs, r12); (to)[13] = BPF_CORE_READ(regs, r13); \
	(to)[14] = BPF_CORE_READ(regs, r14); (to)[15] = BPF_CORE_READ(regs, r15); \
	(to)[16] = BPF_CORE_READ(regs, ip); \
} while (0)
#define TASK_COMPAT 0x2		/* TS_COMPAT: in a system call of the 32-bit table */
#define TASK_FLAGS(task) LOAD(task, thread_info.status)
#elif defined(__TARGET_ARCH_arm64)
#define REGS_ARG1(regs, compat) BPF_CORE_READ(regs, orig_x0)
#define REGS_ARG2(regs, compat) BPF_CORE_READ(regs, user_regs.regs[1])
#define REGS_ARG3(regs, compat) BPF_CORE_READ(regs, user_regs.regs[2])
#define REGS_ARG4(regs, compat) BPF_CORE_READ(regs, user_regs.regs[3])
#define CALL_EXECVE(compat) ((compat) ? 11 : 221)
#define CALL_EXECVEAT(compat) ((compat) ? 387 : 281)
#define SYSCALL_FUNCTION(NAME) "__arm64_sys_" NAME
#define SYSCALL_FUNCTION_COMPAT(NAME) "__arm64_compat_sys_" NAME
#define REGS_SYSCALL(regs) ((long)BPF_CORE_READ(regs, syscallno))
#define REGS_IP(regs) BPF_CORE_READ(regs, user_regs.pc)
#define REGS_SP(regs) BPF_CORE_READ(regs, user_regs.sp)
#define TYPED_SYSCALL(regs) ((long)(regs)->syscallno)
#define LOAD_IP(regs) LOAD(regs, user_regs.pc)
#define LOAD_SP(regs) LOAD(regs, user_regs.sp)
#define STACK_REGISTERS(regs, to) bpf_core_read(to, 33 * sizeof((to)[0]), &(regs)->user_regs)
#define TASK_COMPAT 0x400000	/* TIF_32BIT */
#define TASK_FLAGS(task) LOAD(task, thread_info.flags)
#endif

/* of current_task(): its system call's number is one of the 32-bit table */
static __always_inline bool task_is_compat(struct task_struct *task)
{
	return TASK_FLAGS(task) & TASK_COMPAT;
}

static __always_inline bool current_is_compat(void)
{
	return task_is_compat(current_task());
}

#endif
