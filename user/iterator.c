// SPDX-License-Identifier: BSD-2-Clause
#include "iterator.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>
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

void iterators_register(struct iterators *ret, const struct kernel *kernel)
{
	static const struct {
		const char *section, *function;
	} rows[ITERATORS] = {
		{ "kwhy_iter_task", "bpf_iter_task" },
		{ "kwhy_iter_task_file", "bpf_iter_task_file" },
	};

	for (int i = 0; i < ITERATORS; i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = prepare,
			    .prog_attach_fn = attach,
			    .cookie = btf__find_by_name_kind(kernel->btf, rows[i].function, BTF_KIND_FUNC));

		ret->numbers[i] = handler.cookie < 0 ? -ENOENT :
				  libbpf_register_prog_handler(rows[i].section, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &handler);
	}
}

void iterators_unregister(const struct iterators *iterators)
{
	for (int i = ITERATORS - 1; i >= 0; i--)
		if (iterators->numbers[i] >= 0)
			libbpf_unregister_prog_handler(iterators->numbers[i]);
}

static bool too_late(uint64_t until_ns)
{
	struct timespec now;

	if (!until_ns)
		return false;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec >= until_ns;
}

int iterator_run(const struct bpf_link *link, size_t record_size, uint64_t until_ns,
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
		if (too_late(until_ns)) {
			close(fd);
			return -ETIME;
		}
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}
