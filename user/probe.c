// SPDX-License-Identifier: BSD-2-Clause
#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core_btf.h"

static bool named(const char *const *names, size_t max, const char *name)
{
	for (size_t i = 0; i < max && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* programs of other alternatives stay out; those of none belong to all */
static void choose_programs(struct probe *probe, const struct hook_choice *chosen)
{
	const struct probe_type *type = probe->type;
	struct bpf_program *program;

	bpf_object__for_each_program(program, *probe->skeleton->obj) {
		const char *name = bpf_program__name(program);

		if (named(chosen->programs, HOOK_PROGRAMS, name))
			continue;
		for (unsigned int i = 0; i < type->hook_count; i++)
			if (named(type->hooks[i].programs, HOOK_PROGRAMS, name))
				bpf_program__set_autoload(program, false);
	}
}

static int set_ring(struct probe *probe, const struct probe_options *options)
{
	struct bpf_map *map = bpf_object__find_map_by_name(*probe->skeleton->obj, "events");
	unsigned int kib = options->ring_kib;

	if (!kib && options->filter.all)
		kib = probe->type->ring_all_kib;
	return kib && map ? bpf_map__set_max_entries(map, kib * 1024) : 0;
}

/* the only global data of an object with a ring is its account */
static struct event_account *find_account(const struct bpf_object_skeleton *skeleton)
{
	for (int i = 0; i < skeleton->map_cnt; i++) {
		/* bpftool and libbpf.h may be of different versions: only the skeleton knows how large its rows are */
		const struct bpf_map_skeleton *map =
			(const void *)((const char *)skeleton->maps + (size_t)i * skeleton->map_skel_sz);
		const char *dot = strrchr(map->name, '.');

		if (dot && strcmp(dot, ".bss") == 0)
			return *map->mmaped;
	}
	return NULL;
}

/* opened, and told what of the kernel's types its relocations need */
static int open_object(struct probe *probe, const struct kernel *kernel, struct core_btf *core)
{
	int err = probe->type->open(probe, kernel, core->path);

	return err ? err : core_btf_fill(core, kernel->btf, bpf_object__btf(*probe->skeleton->obj));
}

static int try_hook(struct probe *probe, const struct hook_choice *hook, const struct kernel *kernel,
		    const struct probe_options *options)
{
	struct core_btf core;
	struct bpf_map *map;
	int err;

	err = hook->available ? hook->available(kernel) : 0;
	if (!err)
		err = core_btf_open(&core);
	if (err)
		return err;
	err = open_object(probe, kernel, &core);
	if (!err) {
		choose_programs(probe, hook);
		err = set_ring(probe, options);
	}
	if (!err)
		err = bpf_object__load_skeleton(probe->skeleton);
	core_btf_close(&core);
	if (!err)
		err = bpf_object__attach_skeleton(probe->skeleton);
	if (err) {
		probe_close(probe);
		return err == -524 ? -ENOTSUP : err;
	}
	map = bpf_object__find_map_by_name(*probe->skeleton->obj, "events");
	probe->ring_fd = map ? bpf_map__fd(map) : -1;
	probe->account = map ? find_account(probe->skeleton) : NULL;
	return 0;
}

int probe_open(struct probe *ret, const struct probe_type *type, const struct kernel *kernel,
	       const struct probe_options *options)
{
	int err = -EINVAL;

	*ret = (struct probe){ .type = type, .options = options, .ring_fd = -1 };
	for (unsigned int i = 0; i < type->hook_count; i++) {
		const struct hook_choice *hook = &type->hooks[i];

		if (options->hook && strcmp(options->hook, hook->name) != 0)
			continue;
		err = try_hook(ret, hook, kernel, options);
		if (!err) {
			ret->hook = hook;
			return 0;
		}
		if (ret->refused_count < 4)
			ret->refused[ret->refused_count++] = (struct probe_refusal){
				.hook = hook->name, .remedy = hook->remedy, .error = err,
			};
	}
	return err;
}

void probe_close(struct probe *probe)
{
	if (probe->skeleton)
		bpf_object__destroy_skeleton(probe->skeleton);
	free(probe->wrapper);
	probe->skeleton = NULL;
	probe->wrapper = NULL;
	probe->account = NULL;
	probe->ring_fd = -1;
}

void probe_detach(struct probe *probe)
{
	bpf_object__detach_skeleton(probe->skeleton);
}

void probe_missed(const struct probe *probe, uint64_t *ret_events, uint64_t *ret_helpers, const char **ret_program)
{
	struct bpf_program *program;
	uint64_t most = 0;

	*ret_events = *ret_helpers = 0;
	*ret_program = "";
	bpf_object__for_each_program(program, *probe->skeleton->obj) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);
		const char *name = bpf_program__name(program);

		/* a copy that was skipped costs nothing while the first was not */
		if (bpf_program__fd(program) < 0 || strstr(name, "_again") ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			continue;
		if (named(probe->type->event_programs, HOOK_PROGRAMS, name))
			*ret_events += info.recursion_misses;
		else
			*ret_helpers += info.recursion_misses;
		if (info.recursion_misses > most) {
			most = info.recursion_misses;
			*ret_program = name;
		}
	}
	/* read after the misses: what was made up for may be more by now, never less */
	for (int i = 0; probe->account && i < 4; i++) {
		uint64_t *from = i == RESCUED_HELPER ? ret_helpers : ret_events;

		*from -= probe->account[i].rescued < *from ? probe->account[i].rescued : *from;
	}
}

const char *probe_dead_hook(const struct probe *probe)
{
	const struct bpf_object_skeleton *s = probe->skeleton;

	for (int i = 0; i < s->prog_cnt; i++) {
		const struct bpf_prog_skeleton *row =
			(const void *)((const char *)s->progs + (size_t)i * s->prog_skel_sz);
		struct bpf_link *link = *row->link;
		struct bpf_link_info info = {};
		__u32 size = sizeof(info);

		/* a perf event behind a kprobe has no link object before 5.15: no answer is no news */
		if (link && bpf_link__fd(link) >= 0 &&
		    bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &size) == 0 && info.id && !info.prog_id)
			return row->name;
	}
	return NULL;
}
