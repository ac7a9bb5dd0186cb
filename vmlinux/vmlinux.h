/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types our programs read, and of each only the members they read.
 * CO-RE relocates every access by name against the running kernel's BTF, so
 * neither order nor size matters here and the header serves every architecture.
 * A member that some kernels lack lives in a flavour (___suffix) and is read
 * behind bpf_core_field_exists() in bpf/compat.bpf.h only.
 *
 * Written by hand and not generated: 500 lines build in a tenth of the time of
 * 134 000, every line can be reviewed, and tests/unit/test_vmlinux.c compares
 * each member with the running kernel's BTF.
 */
/* the guard bpftool's own header has: libbpf's headers look for it */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};

/* the values are relocated; whether a kernel has the helper is all that is asked */
enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_task_pt_regs = 175,
};

typedef struct {
	long long counter;
} atomic64_t;

typedef struct {
	long counter;
} atomic_long_t;

typedef struct {
	int counter;
} atomic_t;

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
	int level;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

enum cgroup_subsys_id {
	memory_cgrp_id = 4,	/* relocated; these values are never used */
	pids_cgrp_id = 11,
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct qstr {
	const unsigned char *name;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	unsigned int i_rdev;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *open_fds;
};

struct files_struct {
	struct fdtable *fdt;
	unsigned int next_fd;
};

struct in6_addr {
	struct {
		__u8 u6_addr8[16];
	} in6_u;
};

struct io_uring_cqe {
	__s32 res;
};

struct page_counter {
	atomic_long_t usage;
	unsigned long max;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	struct page_counter swap;
	bool oom_group;
};

struct pids_cgroup {
	struct cgroup_subsys_state css;
	atomic64_t counter;
	atomic64_t limit;
};

struct percpu_counter {
	__s64 count;
	__s32 *counters;
};

struct maple_metadata {
	unsigned char end;
};

struct maple_range_64 {
	unsigned long pivot[15];
	union {
		void *slot[16];
		struct {
			struct maple_metadata meta;
		};
	};
};

struct maple_arange_64 {
	unsigned long pivot[9];
	void *slot[10];
	struct maple_metadata meta;
};

struct maple_node {
	union {
		struct maple_range_64 mr64;
		struct maple_arange_64 ma64;
	};
};

struct maple_tree {
	void *ma_root;
};

/* 6.2 and newer: "mm: convert mm's rss stats into percpu_counter" */
struct mm_struct {
	unsigned long total_vm;
	unsigned long start_code;
	unsigned long end_code;
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
	struct maple_tree mm_mt;
	atomic_long_t pgtables_bytes;
	struct percpu_counter rss_stat[4];
};

struct mm_rss_stat___before_6_2 {
	atomic_long_t count[4];
};

struct mm_struct___before_6_2 {
	struct mm_rss_stat___before_6_2 rss_stat;
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct ns_common {
	unsigned int inum;
};

#include "net.h"

struct user_namespace {
	struct ns_common ns;
};

struct cred {
	kuid_t uid;
	kuid_t euid;
	kgid_t egid;
	struct user_namespace *user_ns;
};

struct upid {
	int nr;
	void *ns;	/* for the size: the array is indexed by a variable */
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct k_sigaction {
	struct {
		void *sa_handler;
	} sa;
};

struct sighand_struct {
	struct k_sigaction action[64];
};

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

struct task_io_accounting {
	__u64 read_bytes;
	__u64 write_bytes;
};

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};

struct signal_struct {
	atomic_t live;
	short oom_score_adj;
	int nr_threads;
	struct sigpending shared_pending;
	void *tty;
	int group_exit_code;
	unsigned int flags;
	unsigned int is_child_subreaper:1;
	__u64 utime;
	__u64 stime;
	unsigned long long sum_sched_runtime;
	unsigned long maxrss;
	struct task_io_accounting ioac;
	struct rlimit rlim[16];
};

struct sched_entity {
	__u64 sum_exec_runtime;
};

struct seccomp {
	int mode;
};

struct linux_binprm {
	const char *filename;
	const char *interp;
	const char *fdpath;
	int argc;
};

/* before 6.1, when the maple tree took their place */
struct rb_node {
	struct rb_node *rb_left;
	struct rb_node *rb_right;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct mm_struct___before_6_1 {
	struct rb_root mm_rb;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_pgoff;
	struct file *vm_file;
};

struct vm_area_struct___before_6_1 {
	unsigned long vm_start;
	unsigned long vm_end;
	struct rb_node vm_rb;
};

struct thread_info {
	unsigned long flags;
#if defined(__TARGET_ARCH_x86)
	unsigned int status;
#endif
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	unsigned int ptrace;
	struct mm_struct *mm;
	int exit_state;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *parent;
	struct task_struct *group_leader;
	__u64 start_boottime;
	const struct cred *real_cred;
	char comm[16];
	struct signal_struct *signal;
	struct css_set *cgroups;
	struct pid *thread_pid;
	struct sighand_struct *sighand;
	sigset_t blocked;
	struct fs_struct *fs;
	struct files_struct *files;
	__u64 self_exec_id;
	int exit_code;
	int pdeath_signal;
	__u64 utime;
	__u64 stime;
	struct sched_entity se;
	struct task_io_accounting ioac;
	struct seccomp seccomp;
};

struct oom_control {
	struct mem_cgroup *memcg;
	const unsigned int gfp_mask;
	const int order;
	unsigned long totalpages;
	struct task_struct *chosen;
	long chosen_points;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_array {
	void *pptrs[1];
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bp;
	unsigned long bx;
	unsigned long r11;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
};
struct pt_regs {
	struct user_pt_regs user_regs;
	__u64 orig_x0;
	__s32 syscallno;
};
#endif

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif
