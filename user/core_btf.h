/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the kernel's BTF that an object's relocations can ask for, as a
 * file in memory. libbpf given the whole of it reads five megabytes per object
 * and searches 135 000 types for every type of ours; this makes both small.
 */
#ifndef KWHY_CORE_BTF_H
#define KWHY_CORE_BTF_H

struct btf;

struct core_btf {
	int fd;
	char path[32];	/* what libbpf opens: bpf_object_open_opts.btf_custom_path */
};

/* An empty one: an object must be told the path when it is opened. */
int core_btf_open(struct core_btf *ret);
void core_btf_close(struct core_btf *core);

/*
 * Copies every named struct, union and enum of "kernel" that has the name
 * (without ___flavour) of one in "local", with what is embedded in it by value;
 * pointers become void pointers, which is all a relocation looks at.
 */
int core_btf_fill(struct core_btf *core, const struct btf *kernel, const struct btf *local);

#endif
