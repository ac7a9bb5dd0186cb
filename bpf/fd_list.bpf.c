// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * All descriptors of one process or of all: one pass, run by user space. Of
 * each what it refers to, and where it was opened when fd_leak.bpf.c saw that.
 * Sockets tell their peer here, in whatever network namespace they are.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "fd.h"
#include "task.bpf.h"
#include "fd_table.bpf.h"
#include "fd_opened.bpf.h"

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6

__u64 pass;		/* incremented by user space before each */
__u32 wanted;		/* tgid; 0: all */
bool remember;		/* what is there now was there before */

/* both clocks at the last process: how fast the first goes is a matter of configuration */
__u64 jiffies;
__u64 monotonic_ns;

struct task_struct *last_task;
struct files_struct *last_files;
__u64 last_pass;

static __always_inline void fill_owner(struct fd_owner *o, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct *parent = BPF_CORE_READ(leader, real_parent);
	struct kernfs_node *cgroup = task_cgroup(task, &o->cgroup_version);

	o->pid = task->tgid;
	o->start_ns = BPF_CORE_READ(leader, start_boottime);
	o->execs = BPF_CORE_READ(leader, self_exec_id);
	o->soft = soft_limit(task);
	o->hard = BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_max);
	o->cgroup_id = BPF_CORE_READ(cgroup, id);
	o->ppid = BPF_CORE_READ(parent, tgid);
	o->uid = BPF_CORE_READ(leader, real_cred, uid.val);
	o->ns_pid = pid_in_namespace(leader);
	bpf_core_read(o->comm, sizeof(o->comm), &leader->comm);
	bpf_core_read(o->parent_comm, sizeof(o->parent_comm), &parent->comm);
}

/* to and from, and for TCP how long the other end is silent */
static __always_inline void fill_socket(struct fd_file *f, struct file *file)
{
	struct socket *socket = file->private_data;
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	f->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	f->type = BPF_CORE_READ(sk, sk_type);
	f->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (f->family == AF_INET) {
		bpf_core_read(f->peer, 4, &sk->__sk_common.skc_daddr);
		bpf_core_read(f->local, 4, &sk->__sk_common.skc_rcv_saddr);
	} else if (f->family == AF_INET6) {
		bpf_core_read(f->peer, 16, &sk->__sk_common.skc_v6_daddr);
		bpf_core_read(f->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	} else {
		return;
	}
	f->peer_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	f->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (f->protocol != IPPROTO_TCP)
		return;
	f->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	f->quiet = (__u32)bpf_jiffies64() - BPF_CORE_READ(tcp, rcv_tstamp);
}

static __always_inline void fill_file(struct fd_file *f, struct file *file)
{
	struct inode *inode = file->f_inode;
	struct dentry *dentry = file->f_path.dentry;

	f->mode = inode->i_mode;
	f->inode = inode->i_ino;
	f->magic = BPF_CORE_READ(inode, i_sb, s_magic);
	f->device = BPF_CORE_READ(inode, i_sb, s_dev);
	f->links = inode->i_nlink;
	f->rdev = inode->i_rdev;
	if ((f->mode & S_IFMT) == S_IFSOCK)
		fill_socket(f, file);
	else
		bpf_probe_read_kernel_str(f->name, sizeof(f->name), BPF_CORE_READ(dentry, d_name.name));
}

static __always_inline void fill_opened(struct fd_file *f, struct task_struct *task, __u32 fd, struct file *file)
{
	struct fd_slot slot = { .files = (__u64)task->files, .fd = fd };
	struct fd_opened *opened = bpf_map_lookup_elem(&descriptors, &slot);
	struct fd_opened before = { .file = (__u64)file };

	/* an older process may have had the table's address, and the file's */
	if (opened && opened->file == (__u64)file &&
	    (!opened->ns || opened->ns >= BPF_CORE_READ(task, group_leader, start_boottime))) {
		f->seen = 1;
		f->opened_ns = opened->ns;
		f->site = opened->site;
	} else if (remember) {
		bpf_map_update_elem(&descriptors, &slot, &before, BPF_ANY);
		f->seen = 1;
	}
}

/*
 * Threads share the leader's table; where the leader is gone, whoever comes
 * first stands for all.
 */
static __always_inline bool is_owner(struct task_struct *task)
{
	struct task_struct *leader;

	if (task->pid == task->tgid)
		return true;
	leader = task->group_leader;
	return !leader->files && (task == last_task || task->files != last_files || pass != last_pass);
}

/* an iterator over descriptors, see user/iterator.c */
SEC("kwhy_iter_task_file")
int list_descriptors(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct fd_entry entries[2] = {};
	bool known;

	if (!task || !file || (wanted && task->tgid != wanted) || !is_owner(task))
		return 0;
	known = task == last_task && pass == last_pass;
	if (!known) {
		entries[0].fd = FD_OWNER;
		fill_owner(&entries[0].owner, task);
		jiffies = bpf_jiffies64();
		monotonic_ns = bpf_ktime_get_ns();
	}
	entries[1].fd = ctx->fd;
	fill_file(&entries[1].file, file);
	fill_opened(&entries[1].file, task, ctx->fd, file);
	/* what did not fit is thrown away, and this descriptor comes again with the next read */
	if (known ? bpf_seq_write(ctx->meta->seq, &entries[1], sizeof(entries[1])) :
		    bpf_seq_write(ctx->meta->seq, entries, sizeof(entries)))
		return 0;
	last_task = task;
	last_files = task->files;
	last_pass = pass;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
