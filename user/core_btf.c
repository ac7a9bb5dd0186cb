// SPDX-License-Identifier: BSD-2-Clause
#include "core_btf.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NAMES_MAX = 128, MEMBERS_MAX = 1024 };

struct copy {
	const struct btf *from;
	struct btf *to;
	uint32_t *ids;		/* by id in "from"; 0 not copied yet */
	int pointer_id;		/* the one pointer type */
	struct {
		const char *name;
		size_t length;
	} names[NAMES_MAX];
	unsigned int name_count;
	uint64_t first_letters[4];	/* which bytes a wanted name begins with: most types are none */
};

/* the name without its flavour: task_struct___since_6_2 is task_struct */
static size_t essential_length(const char *name)
{
	const char *flavour = strstr(name, "___");

	return flavour && flavour != name ? (size_t)(flavour - name) : strlen(name);
}

static bool is_named_composite(const struct btf *btf, const struct btf_type *type)
{
	return (btf_is_composite(type) || btf_is_any_enum(type)) && *btf__name_by_offset(btf, type->name_off);
}

static void want_names(struct copy *copy, const struct btf *local)
{
	for (uint32_t id = 1; id < btf__type_cnt(local) && copy->name_count < NAMES_MAX; id++) {
		const struct btf_type *type = btf__type_by_id(local, id);
		const char *name = btf__name_by_offset(local, type->name_off);
		unsigned char first = *name;

		if (!is_named_composite(local, type))
			continue;
		copy->names[copy->name_count].name = name;
		copy->names[copy->name_count++].length = essential_length(name);
		copy->first_letters[first / 64] |= 1ULL << first % 64;
	}
}

static bool wanted(const struct copy *copy, const char *name)
{
	unsigned char first = *name;
	size_t length;

	if (!(copy->first_letters[first / 64] >> first % 64 & 1))
		return false;
	length = essential_length(name);
	for (unsigned int i = 0; i < copy->name_count; i++)
		if (copy->names[i].length == length && memcmp(copy->names[i].name, name, length) == 0)
			return true;
	return false;
}

static int copy_type(struct copy *copy, uint32_t id);

static int copy_composite(struct copy *copy, const struct btf_type *type, const char *name)
{
	const struct btf_member *members = btf_members(type);
	uint32_t count = btf_vlen(type), *ids;
	int id, err = 0;

	if (count > MEMBERS_MAX)
		return -E2BIG;
	ids = malloc((count + 1) * sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	/* members' types first: fields can only be added to the newest type */
	for (uint32_t i = 0; !err && i < count; i++) {
		int member = copy_type(copy, members[i].type);

		ids[i] = member;
		err = member < 0 ? member : 0;
	}
	id = err ? err :
	     btf_is_struct(type) ? btf__add_struct(copy->to, name, type->size) :
				   btf__add_union(copy->to, name, type->size);
	for (uint32_t i = 0; id >= 0 && !err && i < count; i++)
		err = btf__add_field(copy->to, btf__name_by_offset(copy->from, members[i].name_off), ids[i],
				     btf_member_bit_offset(type, i), btf_member_bitfield_size(type, i));
	free(ids);
	return err ? err : id;
}

static int copy_array(struct copy *copy, const struct btf_type *type)
{
	const struct btf_array *array = btf_array(type);
	int index = copy_type(copy, array->index_type), element = copy_type(copy, array->type);

	return index < 0 ? index : element < 0 ? element :
	       btf__add_array(copy->to, index, element, array->nelems);
}

/* the type's id in the copy, 0 (void) for what is never read; -errno */
static int copy_type(struct copy *copy, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(copy->from, id);
	int made = 0;

	if (!id || copy->ids[id])
		return copy->ids[id];
	switch (btf_kind(type)) {
	case BTF_KIND_PTR:
		made = copy->pointer_id;
		break;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		made = btf__add_type(copy->to, copy->from, type);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		made = copy_composite(copy, type, btf__name_by_offset(copy->from, type->name_off));
		break;
	case BTF_KIND_ARRAY:
		made = copy_array(copy, type);
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		made = copy_type(copy, type->type);
		break;
	}
	if (made > 0)
		copy->ids[id] = made;
	return made;
}

static int write_whole(int fd, const struct btf *btf)
{
	uint32_t size, done = 0;
	const char *data = btf__raw_data(btf, &size);

	if (!data)
		return -ENOMEM;
	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}

int core_btf_open(struct core_btf *ret)
{
	int fd = memfd_create("kwhy-btf", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	ret->fd = fd;
	snprintf(ret->path, sizeof(ret->path), "/proc/self/fd/%d", fd);
	return 0;
}

void core_btf_close(struct core_btf *core)
{
	close(core->fd);
	core->fd = -1;
}

int core_btf_fill(struct core_btf *core, const struct btf *kernel, const struct btf *local)
{
	uint32_t count = btf__type_cnt(kernel);
	struct copy copy = { .from = kernel };
	int err = 0;

	copy.to = btf__new_empty();
	copy.ids = calloc(count, sizeof(*copy.ids));
	if (!copy.to || !copy.ids) {
		err = -ENOMEM;
		goto out;
	}
	want_names(&copy, local);
	copy.pointer_id = btf__add_ptr(copy.to, 0);
	err = copy.pointer_id < 0 ? copy.pointer_id : 0;
	for (uint32_t id = 1; !err && id < count; id++) {
		const struct btf_type *type = btf__type_by_id(kernel, id);

		if (!is_named_composite(kernel, type) ||
		    !wanted(&copy, btf__name_by_offset(kernel, type->name_off)))
			continue;
		err = copy_type(&copy, id);
		err = err < 0 ? err : 0;
	}
	if (!err)
		err = write_whole(core->fd, copy.to);
out:
	free(copy.ids);
	btf__free(copy.to);
	return err;
}
