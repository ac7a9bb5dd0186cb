// SPDX-License-Identifier: BSD-2-Clause
#include "tcp_owner.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "subject.h"

#define PASS_NS 500000000ULL	/* of a host with a million open files a part is seen */

static void take(void *context, const void *record)
{
	const struct tcp_holder_entry *entry = record;
	struct tcp_holders *holders = context;

	for (unsigned int i = 0; i < holders->count; i++)
		if (holders->entries[i].sk == entry->sk && holders->entries[i].owner.tgid == entry->owner.tgid)
			return;
	if (holders->count < TCP_HOLDERS)
		holders->entries[holders->count++] = *entry;
}

int tcp_holders_find(const struct bpf_link *link, const struct bpf_map *wanted, const uint64_t *sockets,
		     unsigned int count, struct tcp_holders *ret)
{
	uint32_t one = 1;
	int err = 0;

	ret->count = 0;
	if (!link)
		return 0;
	for (unsigned int i = 0; i < count && !err; i++)
		err = bpf_map_update_elem(bpf_map__fd(wanted), &sockets[i], &one, BPF_ANY);
	if (!err)
		err = iterator_run(link, sizeof(struct tcp_holder_entry), session_now() + PASS_NS, take, ret);
	for (unsigned int i = 0; i < count; i++)
		bpf_map_delete_elem(bpf_map__fd(wanted), &sockets[i]);
	return err;
}

static bool same_process(const struct tcp_owner *a, const struct tcp_owner *b)
{
	return a->tgid == b->tgid && a->start_ns == b->start_ns;
}

const struct tcp_owner *tcp_holders_owner(const struct tcp_holders *holders, uint64_t sk, unsigned int port,
					  const struct tcp_owner *preferred, unsigned int *ret_sharing)
{
	enum { TCP_LISTEN = 10 };
	const struct tcp_owner *found = NULL;

	*ret_sharing = 0;
	for (unsigned int i = 0; i < holders->count; i++) {
		const struct tcp_holder_entry *entry = &holders->entries[i];
		const struct tcp_owner *owner = &entry->owner;

		if (entry->sk != sk || (port && (entry->state != TCP_LISTEN || entry->port != port)))
			continue;
		++*ret_sharing;
		if (!found || (preferred && same_process(owner, preferred)) ||
		    (owner->start_ns < found->start_ns && !(preferred && same_process(found, preferred))))
			found = owner;
	}
	return found;
}

void tcp_owner_fill(struct session *s, struct observation *o, const struct tcp_owner *owner)
{
	struct process *p = &o->process;

	KNOW(p, pid, owner->tgid);
	KNOW(p, start_ns, owner->start_ns);
	KNOW(p, ppid, owner->ppid);
	KNOW(p, uid, owner->uid);
	text_copy(p->comm, sizeof(p->comm), owner->comm, strnlen(owner->comm, sizeof(owner->comm)));
	p->known.comm = 1;
	text_copy(p->parent_comm, sizeof(p->parent_comm), owner->parent_comm,
		  strnlen(owner->parent_comm, sizeof(owner->parent_comm)));
	p->known.parent_comm = 1;
	if (owner->ns_pid)
		KNOW(p, ns_pid, owner->ns_pid);
	if (procfs_same_process(&s->procfs, owner->tgid, owner->start_ns))
		subject_identity(s, p);
	subject_cgroup(s, o, owner->cgroup_id, owner->cgroup_version);
}

int tcp_ask(const struct bpf_program *program, uint64_t first, uint64_t second, uint64_t third)
{
	uint64_t arguments[3] = { first, second, third };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));

	return bpf_prog_test_run_opts(bpf_program__fd(program), &options) ? -errno : 0;
}

int tcp_ask_cpu(const struct bpf_program *program, unsigned int cpu)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = cpu);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &options) ? -errno : 0;
}

int tcp_other_netns(const struct session *s, uint32_t netns)
{
	struct stat own;

	if (!netns || fstatat(s->procfs.fd, "self/ns/net", &own, 0))
		return -ENOENT;
	return own.st_ino != netns;
}

void tcp_interface(char ret[16], const struct session *s, uint32_t netns, uint32_t index, const char *told)
{
	char name[IF_NAMESIZE];

	if (*told)
		snprintf(ret, 16, "%.15s", told);
	else if (index == 1)
		snprintf(ret, 16, "lo");
	else if (tcp_other_netns(s, netns) == 0 && if_indextoname(index, name))
		snprintf(ret, 16, "%.15s", name);
	else
		snprintf(ret, 16, "#%u", index);
}
