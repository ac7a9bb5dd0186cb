// SPDX-License-Identifier: BSD-2-Clause
#include "iterator.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * For a section "iter/task" libbpf reads and copies the kernel's whole BTF once
 * more, to find one id that we know. So the section has a name of our own, and
 * this says at load what it is. cookie is the id of bpf_iter_task.
 */
static int prepare(struct bpf_program *program, struct bpf_prog_load_opts *options, long cookie)
{
	bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);
	options->expected_attach_type = BPF_TRACE_ITER;
	options->attach_btf_id = cookie;
	return 0;
}

static int attach(const struct bpf_program *program, long cookie, struct bpf_link **ret)
{
	(void)cookie;
	*ret = bpf_program__attach_iter(program, NULL);
	return *ret ? 0 : -errno;
}

int iterator_register(const struct kernel *kernel)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = prepare, .prog_attach_fn = attach,
		    .cookie = btf__find_by_name_kind(kernel->btf, "bpf_iter_task", BTF_KIND_FUNC));

	if (handler.cookie < 0)
		return -ENOENT;
	return libbpf_register_prog_handler("kwhy_iter_task", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &handler);
}

void iterator_unregister(int number)
{
	if (number >= 0)
		libbpf_unregister_prog_handler(number);
}

int iterator_run(const struct bpf_link *link, size_t record_size,
		 void (*take)(void *context, const void *record), void *context)
{
	static _Alignas(8) char records[32768];
	size_t held = 0;
	int fd = bpf_iter_create(bpf_link__fd(link));
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, records + held, sizeof(records) - held)) > 0 ||
	       (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		size_t at = 0;

		if (n < 0)
			continue;
		for (held += n; held - at >= record_size; at += record_size)
			take(context, records + at);
		held -= at;
		memmove(records, records + at, held);
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}
