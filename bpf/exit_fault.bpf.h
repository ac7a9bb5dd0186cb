/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Machine exceptions: where, at what, and in which file the instruction is. */
#ifndef KWHY_EXIT_FAULT_BPF_H
#define KWHY_EXIT_FAULT_BPF_H

#include "exit.h"
#include "task.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);	/* tgid */
	__type(value, struct fault_note);
} faults SEC(".maps");

/* zeroes, for a new entry too large for the stack */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fault_note);
} no_fault SEC(".maps");

/*
 * The mapping of an address, found by hand. bpf_find_vma() is of 5.17, and
 * gives up when another program on this CPU has just used it (two watchers of
 * one fault). No lock is taken: what is found is checked.
 *
 * Until 6.1 mappings are nodes of a red-black tree.
 */
static __always_inline struct vm_area_struct *find_in_nodes(struct rb_node *node, __u64 address)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < 32 && node; i++) {
		struct vm_area_struct *vma = (struct vm_area_struct *)((char *)node -
			__builtin_preserve_field_info(((struct vm_area_struct___before_6_1 *)0)->vm_rb, 0));

		if (address < BPF_CORE_READ(vma, vm_start))
			node = BPF_CORE_READ(node, rb_left);
		else if (address >= BPF_CORE_READ(vma, vm_end))
			node = BPF_CORE_READ(node, rb_right);
		else
			return vma;
	}
	return NULL;
}

/* 1 when a < b, without a branch: the verifier would follow both ways of each */
static __always_inline __u64 less(__u64 a, __u64 b)
{
	__u64 difference = a - b;

	barrier_var(difference);
	return ((~a & b) | ((~a | b) & difference)) >> 63;
}

#define MAPLE_PIVOTS 15		/* of a node of ranges; one with gaps has 9 */
#define MAPLE_GAPS_PIVOTS 9

/*
 * 6.1 "mm: start tracking VMAs with maple tree". A node's address carries its
 * type: 1 is a leaf, 3 has gaps. Slot n ends at pivot n, which is included; the
 * last slot in use has none.
 */
static __always_inline struct vm_area_struct *find_in_maple(struct maple_tree *tree, __u64 address)
{
	__u64 entry = (__u64)BPF_CORE_READ(tree, ma_root);

	/* one mapping only needs no node, and no process has only one */
	if ((entry & 3) != 2)
		return NULL;
	/* enough for vm.max_map_count; unrolled, because clang lays this loop out as 5.10 refuses loops */
#pragma unroll
	for (int depth = 0; depth < 6; depth++) {
		struct maple_node *node = (struct maple_node *)(entry & ~255ULL);
		__u64 slot = 0, last = MAPLE_PIVOTS;
		__u32 type = entry >> 3 & 15;
		unsigned long pivots[MAPLE_PIVOTS] = {};
		void *slots;

		if (type == 3) {
			bpf_core_read(pivots, MAPLE_GAPS_PIVOTS * sizeof(pivots[0]), &node->ma64.pivot);
			slots = &node->ma64.slot;
		} else {
			bpf_core_read(pivots, sizeof(pivots), &node->mr64.pivot);
			slots = &node->mr64.slot;
		}
		if (type == 3)
			last = BPF_CORE_READ(node, ma64.meta.end);
		else if (!pivots[MAPLE_PIVOTS - 1])
			last = BPF_CORE_READ(node, mr64.meta.end);
#pragma unroll
		for (int i = 0; i < MAPLE_PIVOTS; i++)
			slot += less(i, last) & less(pivots[i], address);
		if (bpf_probe_read_kernel(&entry, sizeof(entry), slots + slot * sizeof(void *)))
			return NULL;
		if (type < 2)
			return (struct vm_area_struct *)entry;
	}
	return NULL;
}

static __always_inline struct vm_area_struct *find_vma(struct mm_struct *mm, __u64 address)
{
	struct mm_struct___before_6_1 *before = (void *)mm;
	struct vm_area_struct *vma;

	if (bpf_core_field_exists(before->mm_rb))
		return find_in_nodes((struct rb_node *)BPF_CORE_READ(before, mm_rb.rb_node), address);
	vma = find_in_maple(&mm->mm_mt, address);
	return address >= BPF_CORE_READ(vma, vm_start) && address < BPF_CORE_READ(vma, vm_end) ? vma : NULL;
}

static __always_inline void map_fault(struct fault_note *note, struct task_struct *task)
{
	struct vm_area_struct *vma = find_vma(BPF_CORE_READ(task, mm), note->ip);
	struct file *file = BPF_CORE_READ(vma, vm_file);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	if (!file)
		return;
	note->mapped = 1;
	note->file_offset = note->ip - BPF_CORE_READ(vma, vm_start) + BPF_CORE_READ(vma, vm_pgoff) * page_size;
	note->inode = BPF_CORE_READ(file, f_inode, i_ino);
	note->names_cut = path_names(note->names, &note->names_bytes, 512, &file->f_path, &fs->root);
}

static __always_inline void note_fault(struct task_struct *task, __u32 signal, int code, __u64 address)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), zero = 0;
	struct fault_note *fresh = bpf_map_lookup_elem(&no_fault, &zero), *note;

	if (!fresh)
		return;
	bpf_map_update_elem(&faults, &tgid, fresh, BPF_ANY);
	note = bpf_map_lookup_elem(&faults, &tgid);
	if (!note)
		return;
	note->boot_ns = bpf_ktime_get_boot_ns();
	note->address = address;
	note->ip = REGS_IP(current_regs());
	note->sp = REGS_SP(current_regs());
	note->signal = signal;
	note->code = code;
	note->tid = BPF_CORE_READ(task, pid);
	bpf_core_read(note->comm, sizeof(note->comm), &task->comm);
	map_fault(note, task);
}

#endif
