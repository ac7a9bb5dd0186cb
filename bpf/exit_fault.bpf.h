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

struct found_vma {
	struct file *file;
	__u64 file_offset;	/* in: the address; out: its offset in the file */
};

/* 5.17 "bpf: Introduce helper bpf_find_vma" */
static long vma_found(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	struct found_vma *found = context;

	found->file = (struct file *)BPF_CORE_READ(vma, vm_file);
	found->file_offset += BPF_CORE_READ(vma, vm_pgoff) * page_size - BPF_CORE_READ(vma, vm_start);
	return 0;
}

/* Before that the mappings of a process are a tree of nodes inside them (until 6.1). */
static __always_inline void walk_vmas(struct found_vma *found, struct task_struct *task)
{
	struct mm_struct___before_6_1 *mm = (void *)BPF_CORE_READ(task, mm);
	__u64 address = found->file_offset;
	struct rb_node *node;
	struct vm_area_struct *vma;

	if (!bpf_core_field_exists(mm->mm_rb))
		return;
	node = (struct rb_node *)BPF_CORE_READ(mm, mm_rb.rb_node);
#pragma clang loop unroll(disable)
	for (int i = 0; i < 32 && node; i++) {
		vma = (struct vm_area_struct *)((char *)node -
			__builtin_preserve_field_info(((struct vm_area_struct___before_6_1 *)0)->vm_rb, 0));
		if (address < BPF_CORE_READ(vma, vm_start)) {
			node = BPF_CORE_READ(node, rb_left);
		} else if (address >= BPF_CORE_READ(vma, vm_end)) {
			node = BPF_CORE_READ(node, rb_right);
		} else {
			vma_found(task, vma, found);
			return;
		}
	}
}

/*
 * The file of the instruction. bpf_find_vma() gives up when another program on
 * this CPU has just used it (two watchers, one fault): then it is asked again
 * when the signal is delivered, and where the address space is still there, at
 * the exit.
 */
static __always_inline void map_fault(struct fault_note *note, struct task_struct *task, bool has_find_vma)
{
	struct found_vma found = { .file_offset = note->ip };
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *file;

	if (has_find_vma)
		bpf_find_vma(bpf_get_current_task_btf(), note->ip, vma_found, &found, 0);
	else
		walk_vmas(&found, task);
	file = found.file;
	if (!file)
		return;
	note->mapped = 1;
	note->file_offset = found.file_offset;
	note->inode = BPF_CORE_READ(file, f_inode, i_ino);
	note->names_bytes = 0;
	note->names_cut = path_names(note->names, &note->names_bytes, 512, &file->f_path, &fs->root);
}

static __always_inline void note_fault(struct task_struct *task, __u32 signal, int code, __u64 address,
				       bool has_find_vma)
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
	map_fault(note, task, has_find_vma);
}

/* the fault of current is delivered: the second chance of map_fault() */
SEC("raw_tp/signal_deliver")
int exit_deliver(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 signal = ctx[0], tgid = bpf_get_current_pid_tgid() >> 32;
	struct fault_note *note;

	/* ILL TRAP BUS FPE SEGV */
	if (signal > 11 || !(1U << signal & 0x9b0))
		return 0;
	note = bpf_map_lookup_elem(&faults, &tgid);
	if (note && !note->mapped && note->signal == signal)
		map_fault(note, task, true);
	return 0;
}

#endif
