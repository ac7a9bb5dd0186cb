// SPDX-License-Identifier: BSD-2-Clause
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Where the file can be mapped (6.16 "btf: Allow mmap of vmlinux btf") it is
 * read once and not twice as libbpf does it.
 */
static struct btf *load_vmlinux(void)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	struct btf *btf = NULL;
	struct stat status;
	void *data;

	if (fd < 0)
		return btf__load_vmlinux_btf();
	data = fstat(fd, &status) || !status.st_size ? MAP_FAILED :
	       mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return btf__load_vmlinux_btf();
	btf = btf__new(data, status.st_size);
	munmap(data, status.st_size);
	return btf;
}

int kernel_open(struct kernel *ret, const char *btf_path)
{
	struct stat status;
	struct btf *btf;

	/* a FIFO would be waited for */
	if (btf_path && stat(btf_path, &status))
		return -errno;
	if (btf_path && !S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -ENXIO;
	btf = btf_path ? btf__parse(btf_path, NULL) : load_vmlinux();
	if (!btf)
		return -errno;
	if (btf_path && btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT) < 0) {
		btf__free(btf);
		return -EINVAL;
	}
	*ret = (struct kernel){ .btf = btf, .btf_path = btf_path };
	return 0;
}

void kernel_close(struct kernel *kernel)
{
	btf__free(kernel->btf);
	kernel->btf = NULL;
}

/* typedef void (*btf_trace_NAME)(void *, ...): NULL when there is none */
static const struct btf_type *tracepoint_proto(const struct kernel *kernel, const char *tracepoint)
{
	const struct btf_type *type;
	char name[128];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(kernel->btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return NULL;
	type = btf__type_by_id(kernel->btf, id);
	type = btf__type_by_id(kernel->btf, type->type);
	return type ? btf__type_by_id(kernel->btf, type->type) : NULL;
}

int kernel_tracepoint_args(const struct kernel *kernel, const char *tracepoint)
{
	const struct btf_type *proto = tracepoint_proto(kernel, tracepoint);

	return proto ? btf_vlen(proto) - 1 : -ENOENT;
}

bool kernel_tracepoint_pointer(const struct kernel *kernel, const char *tracepoint, int n)
{
	const struct btf_type *proto = tracepoint_proto(kernel, tracepoint);

	if (!proto || btf_vlen(proto) - 1 <= n)
		return false;
	return btf_is_ptr(btf__type_by_id(kernel->btf, btf_params(proto)[n + 1].type));
}

bool kernel_tracepoints_preempt(const struct kernel *kernel)
{
	return tracepoint_proto(kernel, "coredump") != NULL;
}

bool kernel_knows_types(void)
{
	return access("/sys/kernel/btf/vmlinux", F_OK) == 0;
}

bool kernel_has_function(const struct kernel *kernel, const char *name)
{
	return btf__find_by_name_kind(kernel->btf, name, BTF_KIND_FUNC) >= 0;
}

/* where the enumerator stands in its enumeration, -1 when it is none of it */
static int enumerator_at(const struct btf *btf, const struct btf_type *type, const char *name)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		uint32_t at = btf_is_enum64(type) ? btf_enum64(type)[i].name_off : btf_enum(type)[i].name_off;
		const char *its = btf__name_by_offset(btf, at);

		if (its && strcmp(its, name) == 0)
			return i;
	}
	return -1;
}

long kernel_enum_value(const struct kernel *kernel, const char *enumerator)
{
	for (unsigned int id = 1; id < btf__type_cnt(kernel->btf); id++) {
		const struct btf_type *type = btf__type_by_id(kernel->btf, id);
		int at = btf_is_any_enum(type) ? enumerator_at(kernel->btf, type, enumerator) : -1;

		if (at >= 0)
			return btf_is_enum64(type) ? (long)btf_enum64_value(&btf_enum64(type)[at]) : btf_enum(type)[at].val;
	}
	return -ENOENT;
}

int kernel_fentry(const struct kernel *kernel, const char *function)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY);
	int id = btf__find_by_name_kind(kernel->btf, function, BTF_KIND_FUNC);
	int program, link;

	if (id < 0)
		return -ENOENT;
	options.attach_btf_id = id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "kwhy_try", "GPL", nothing, 2, &options);
	if (program < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, program);
	if (link < 0)
		link = -errno;
	else
		close(link);
	close(program);
	/* 524 is the kernel's internal ENOTSUPP: no direct calls on this architecture */
	return link == -524 ? -ENOTSUP : link < 0 ? link : 0;
}

int kernel_kprobe(const char *function)
{
	struct perf_event_attr attributes = { .size = sizeof(attributes) };
	FILE *file = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	unsigned int type;
	int fd, n;

	if (!file)
		return -ENOENT;
	n = fscanf(file, "%u", &type);
	fclose(file);
	if (n != 1)
		return -ENOENT;
	attributes.type = type;
	attributes.config1 = (__u64)(unsigned long)function;
	fd = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}
