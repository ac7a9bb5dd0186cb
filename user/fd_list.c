// SPDX-License-Identifier: BSD-2-Clause
#include "fd_list.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "core_btf.h"
#include "fd_list.skel.h"
#include "hz.h"
#include "iterator.h"

int fd_list_open(struct fd_list *ret, const struct kernel *kernel, int descriptors_fd)
{
	LIBBPF_OPTS(bpf_object_open_opts, options);
	struct core_btf core;
	int err;

	memset(ret, 0, sizeof(*ret));
	err = core_btf_open(&core);
	if (err)
		return err;
	options.btf_custom_path = core.path;
	ret->skeleton = fd_list_bpf__open_opts(&options);
	err = ret->skeleton ? core_btf_fill(&core, kernel->btf, bpf_object__btf(ret->skeleton->obj)) : -errno;
	if (!err && descriptors_fd >= 0)
		err = bpf_map__reuse_fd(ret->skeleton->maps.descriptors, descriptors_fd);
	if (!err)
		err = fd_list_bpf__load(ret->skeleton);
	core_btf_close(&core);
	if (!err)
		err = fd_list_bpf__attach(ret->skeleton);
	if (err)
		fd_list_close(ret);
	return err;
}

void fd_list_close(struct fd_list *list)
{
	if (list->one)
		bpf_link__destroy(list->one);
	if (list->skeleton)
		fd_list_bpf__destroy(list->skeleton);
	memset(list, 0, sizeof(*list));
}

/*
 * An iterator that only goes through this process: 6.1 "bpf: Parameterize task
 * iterators."; before, all are gone through and the others skipped.
 */
static const struct bpf_link *link_for(struct fd_list *list, uint64_t pid)
{
	union bpf_iter_link_info info = { .task.pid = pid };
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));

	if (!pid)
		return list->skeleton->links.list_descriptors;
	if (list->one_pid != pid) {
		if (list->one)
			bpf_link__destroy(list->one);
		list->one = bpf_program__attach_iter(list->skeleton->progs.list_descriptors, &options);
		list->one_pid = pid;
	}
	return list->one ? list->one : list->skeleton->links.list_descriptors;
}

uint64_t fd_list_jiffies_per_s(const struct fd_list *list)
{
	return jiffies_per_s(list->skeleton->bss->jiffies, list->skeleton->bss->monotonic_ns);
}

struct passing {
	void (*take)(void *context, const struct fd_entry *entry);
	void *context;
};

static void pass_on(void *context, const void *record)
{
	const struct passing *to = context;

	to->take(to->context, record);
}

int fd_list_run(struct fd_list *list, uint64_t pid, bool remember, uint64_t until_ns,
		void (*take)(void *context, const struct fd_entry *entry), void *context)
{
	struct passing to = { take, context };

	if (!list->skeleton)
		return -ENOTSUP;
	list->skeleton->bss->pass++;
	list->skeleton->bss->wanted = pid;
	list->skeleton->bss->remember = remember;
	return iterator_run(link_for(list, pid), sizeof(struct fd_entry), until_ns, pass_on, &to);
}
