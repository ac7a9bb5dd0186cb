// SPDX-License-Identifier: BSD-2-Clause
#include "unwind_space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "debuginfo.h"
#include "procfs.h"
#include "unwind_file.h"

enum {
	MAPS_LINE = 4 * 4096 + 128,	/* a path with each byte escaped, and what stands before it */
	MAPS_BYTES = 16 * 1024 * 1024,	/* 65530 mappings, the kernel's limit, with usual paths */
	RANGES_MAX = 32768,		/* JIT compilers have thousands */
	FILES_MAX = 2048,
	VDSO_MAX = 64 * 1024,
	REFRESH_MIN_NS = 100 * 1000 * 1000,
	REFRESH_SHARE = 50,		/* of the time goes into reading maps, at most */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void code_map_free(struct code_map *map)
{
	for (uint32_t i = 0; i < map->file_count; i++)
		free(map->files[i].path);
	free(map->files);
	free(map->ranges);
	*map = (struct code_map){};
}

/* room for one more; false when there is none */
static bool grow(void **array, uint32_t count, uint32_t *room, uint32_t max, size_t size)
{
	uint32_t more = *room ? 2 * *room : 32;
	void *larger;

	if (count < *room)
		return true;
	if (count >= max)
		return false;
	larger = realloc(*array, more * size);
	if (!larger)
		return false;
	*array = larger;
	*room = more;
	return true;
}

static void add_range(struct code_map *map, const struct mapping *m, int32_t file)
{
	struct code_range *last = map->range_count ? &map->ranges[map->range_count - 1] : NULL;

	if (last && last->end == m->start && last->file == file) {
		last->end = m->end;
		return;
	}
	if ((last && last->end > m->start) ||
	    !grow((void **)&map->ranges, map->range_count, &map->range_room, RANGES_MAX, sizeof(*map->ranges)))
		return;
	map->ranges[map->range_count++] = (struct code_range){ .start = m->start, .end = m->end, .file = file };
}

static bool same_file(const struct code_file *file, const struct mapping *m)
{
	return file->inode == m->inode && file->major == m->major && file->minor == m->minor &&
	       file->deleted == m->deleted && strlen(file->path) == m->path_length &&
	       !memcmp(file->path, m->path, m->path_length);
}

/* another part of a file that is there already: a hole was cut into its code, or a page made writable */
static int32_t find_part(const struct code_map *map, const struct mapping *m)
{
	for (uint32_t i = map->file_count; i-- > 0;) {
		const struct code_file *file = &map->files[i];

		if (same_file(file, m) && m->start - m->offset == file->start - file->offset)
			return i;
	}
	return CODE_JIT;
}

static bool overlaps(const struct code_map *map, const struct elf_extent *extent)
{
	for (uint32_t i = 0; i < map->file_count; i++) {
		const struct elf_extent *other = &map->files[i].extent;

		if (map->files[i].is_elf && extent->low < other->high && other->low < extent->high)
			return true;
	}
	return false;
}

/* the extent as it was when the maps were read before, or from the file */
static bool find_extent(const struct code_map *old, struct code_file *file, const struct mapping *m)
{
	for (uint32_t i = 0; i < old->file_count; i++) {
		const struct code_file *before = &old->files[i];

		if (!before->is_vdso && same_file(before, m) && before->start == m->start &&
		    before->end == m->end && before->offset == m->offset) {
			file->extent = before->extent;
			return before->is_elf;
		}
	}
	return code_file_extent(file, &file->extent) == 0;
}

static int32_t add_file(struct address_space *space, struct code_map *map, const struct mapping *m)
{
	bool is_vdso = m->path_length == 6 && !memcmp(m->path, "[vdso]", 6);
	int32_t part = is_vdso ? CODE_JIT : find_part(map, m);
	struct code_file *file;

	/* "[vsyscall]" executes nothing, the rest without a file is anonymous */
	if (part != CODE_JIT || (!is_vdso && !m->inode) ||
	    !grow((void **)&map->files, map->file_count, &map->file_room, FILES_MAX, sizeof(*map->files)))
		return part;
	file = &map->files[map->file_count];
	*file = (struct code_file){
		.start = m->start, .end = m->end, .offset = m->offset, .inode = m->inode, .major = m->major,
		.minor = m->minor, .deleted = m->deleted, .is_vdso = is_vdso, .pid = space->pid,
		.path = strndup(m->path, m->path_length),
	};
	if (!file->path)
		return CODE_JIT;
	if (is_vdso)
		file->extent = (struct elf_extent){ .low = m->start, .high = m->end, .bias = m->start };
	file->is_elf = (is_vdso || find_extent(&space->code, file, m)) && !overlaps(map, &file->extent);
	file->is_memory = strncmp(file->path, "/memfd:", 7) == 0;
	return map->file_count++;
}

static void add_line(struct address_space *space, struct code_map *map, const char *line, size_t length)
{
	struct mapping m;

	if (mapping_parse(line, length, &m) || !m.executable)
		return;
	add_range(map, &m, add_file(space, map, &m));
}

/* -ESRCH when there is not one mapping: it has ended */
static int read_maps(struct address_space *space, struct code_map *map)
{
	char path[64], data[MAPS_LINE + 4096];
	size_t held = 0, total = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%llu/maps", (unsigned long long)space->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	while (total < MAPS_BYTES && (n = read(fd, data + held, sizeof(data) - held)) > 0) {
		size_t at = 0;
		char *end;

		total += n;
		held += n;
		while ((end = memchr(data + at, '\n', held - at))) {
			add_line(space, map, data + at, end - (data + at));
			at = end - data + 1;
		}
		memmove(data, data + at, held - at);
		held -= at;
	}
	close(fd);
	return total ? 0 : -ESRCH;
}

static void copy_vdso(struct address_space *space, const struct code_file *file)
{
	size_t size = file->end - file->start;

	if (space->vdso || size > VDSO_MAX || !(space->vdso = malloc(size)))
		return;
	if (pread(space->memory_fd, space->vdso, size, file->start) == (ssize_t)size)
		space->vdso_size = size;
}

/* what libdwfl knows of a module already stays when it is reported again as it was */
static int report_modules(struct address_space *space)
{
	char name[96];

	dwfl_report_begin(space->dwfl);
	for (uint32_t i = 0; i < space->code.file_count; i++) {
		struct code_file *file = &space->code.files[i];
		Dwfl_Module *module;
		void **user_data;

		if (!file->is_elf)
			continue;
		if (file->is_vdso)
			copy_vdso(space, file);
		snprintf(name, sizeof(name), "%x:%x:%llu", file->major, file->minor,
			 (unsigned long long)file->inode);
		module = dwfl_report_module(space->dwfl, name, file->extent.low, file->extent.high);
		if (!module) {
			file->is_elf = false;
			continue;
		}
		dwfl_module_info(module, &user_data, NULL, NULL, NULL, NULL, NULL, NULL);
		*user_data = file->is_vdso ? (void *)space : file;
	}
	return dwfl_report_end(space->dwfl, NULL, NULL) ? -ENOMEM : 0;
}

static int refresh(struct address_space *space)
{
	struct code_map map = { 0 };
	uint64_t begin = now_ns(), took;
	int err = read_maps(space, &map);

	if (err) {
		code_map_free(&map);
		return err;
	}
	code_map_free(&space->code);
	space->code = map;
	table_fini(&space->names);
	err = report_modules(space);
	took = now_ns() - begin;
	space->next_refresh_ns = begin + took + (took * REFRESH_SHARE > REFRESH_MIN_NS ? took * REFRESH_SHARE
											: REFRESH_MIN_NS);
	return err;
}

bool address_space_refresh(struct address_space *space)
{
	return now_ns() >= space->next_refresh_ns && refresh(space) == 0;
}

const struct code_range *address_space_find(const struct address_space *space, uint64_t address)
{
	uint32_t low = 0, high = space->code.range_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct code_range *range = &space->code.ranges[middle];

		if (address < range->start)
			high = middle;
		else if (address >= range->end)
			low = middle + 1;
		else
			return range;
	}
	return NULL;
}

bool address_space_lives(const struct address_space *space, uint64_t address)
{
	char byte;

	/* 0 once the memory is gone; an error when it is there and cannot be read at that place */
	return pread(space->memory_fd, &byte, 1, address) != 0;
}

/* find_elf of libdwfl: only for what is on a stack, and only once */
static int find_elf(Dwfl_Module *module, void **user_data, const char *name, Dwarf_Addr base, char **ret_name,
		    Elf **ret_elf)
{
	const struct address_space *space = *user_data;
	int fd = -1;

	(void)module, (void)base;
	if (strcmp(name, "0:0:0") == 0) {
		if (space->vdso_size)
			*ret_elf = elf_memory(space->vdso, space->vdso_size);
		return -1;
	}
	fd = code_file_open_elf(*user_data, ret_elf);
	/* where its debug information is looked for */
	if (fd >= 0)
		*ret_name = strdup(((const struct code_file *)*user_data)->path);
	return fd;
}

int process_memory_open(uint64_t pid, uint64_t start_ns, int *ret)
{
	struct procfs procfs;
	char path[64];
	int err, fd;

	snprintf(path, sizeof(path), "/proc/%llu/mem", (unsigned long long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = procfs_open(&procfs, NULL);
	if (!err) {
		/* asked after opening: then it is that process's memory for good */
		if (!procfs_same_process(&procfs, pid, start_ns))
			err = -ESRCH;
		procfs_close(&procfs);
	}
	if (err) {
		close(fd);
		return err;
	}
	*ret = fd;
	return 0;
}

int address_space_open(struct address_space *ret, uint64_t pid, uint64_t start_ns, int memory_fd, Elf *elf,
		       const Dwfl_Thread_Callbacks *callbacks)
{
	struct stat status;
	char path[64];
	int err;

	*ret = (struct address_space){
		.pid = pid, .start_ns = start_ns, .memory_fd = memory_fd,
		.find = {
			.find_elf = find_elf, .find_debuginfo = debuginfo_find, .debuginfo_path = debuginfo_path(),
		},
	};
	snprintf(path, sizeof(path), "/proc/%llu/exe", (unsigned long long)pid);
	if (stat(path, &status) == 0)
		ret->exe_inode = status.st_ino;
	ret->dwfl = dwfl_begin(&ret->find);
	if (!ret->dwfl || !dwfl_attach_state(ret->dwfl, elf, 1, callbacks, ret))
		err = -ENOMEM;
	else
		err = refresh(ret);
	if (err)
		address_space_close(ret);
	return err;
}

void address_space_close(struct address_space *space)
{
	if (space->dwfl)
		dwfl_end(space->dwfl);
	code_map_free(&space->code);
	table_fini(&space->names);
	free(space->vdso);
	if (space->memory_fd >= 0)
		close(space->memory_fd);
	*space = (struct address_space){ .memory_fd = -1 };
}
