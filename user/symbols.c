// SPDX-License-Identifier: BSD-2-Clause
#include "symbols.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debuginfo.h"
#include "text.h"

/* larger files take longer than a person waits */
#define FILE_MAX (512ULL << 20)

static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size <= FILE_MAX)
		return fd;
	close(fd);
	return -ENOENT;
}

/* the file with that inode number: below the neighbour's root, else below ours */
static int open_mapped(uint64_t neighbour, const char *path, uint64_t inode)
{
	char inside[512];
	int err = -ENOENT;

	snprintf(inside, sizeof(inside), "/proc/%llu/root%s", (unsigned long long)neighbour, path);
	for (int i = 0; i < 2; i++) {
		int fd = open_regular(i ? path : inside);
		struct stat status;

		if (fd < 0)
			continue;
		if (fstat(fd, &status) == 0 && status.st_ino == inode)
			return fd;
		close(fd);
		err = -ESTALE;
	}
	return err;
}

/* where a byte of the file is in the module's address space */
static bool address_of(Dwfl_Module *module, uint64_t file_offset, GElf_Addr *ret)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(module, &bias);
	GElf_Phdr segment;
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, i, &segment) || segment.p_type != PT_LOAD ||
		    file_offset < segment.p_offset || file_offset - segment.p_offset >= segment.p_filesz)
			continue;
		*ret = segment.p_vaddr + (file_offset - segment.p_offset) + bias;
		return true;
	}
	return false;
}

static int look_up(struct symbol *ret, Dwfl_Module *module, uint64_t file_offset)
{
	struct text name = TEXT_ON(ret->name), line = TEXT_ON(ret->line);
	GElf_Off offset = 0;
	GElf_Addr address;
	GElf_Sym symbol;
	Dwfl_Line *source;
	const char *found, *file;
	int number;

	if (!address_of(module, file_offset, &address))
		return -ENOENT;
	found = dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);
	if (!found)
		return -ENOENT;
	text_format(&name, "%s+0x%llx", found, (unsigned long long)offset);
	source = dwfl_module_getsrc(module, address);
	file = source ? dwfl_lineinfo(source, NULL, &number, NULL, NULL, NULL) : NULL;
	if (file)
		text_format(&line, "%s:%d", file, number);
	return 0;
}

int symbol_find(struct symbol *ret, uint64_t neighbour, const char *path, uint64_t inode, uint64_t file_offset)
{
	const Dwfl_Callbacks callbacks = {
		.find_debuginfo = debuginfo_find,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = debuginfo_path(),
	};
	int fd = open_mapped(neighbour, path, inode), err = -ENOENT;
	Dwfl_Module *module;
	Dwfl *dwfl;

	if (fd < 0)
		return fd;
	debuginfo_stay_local();
	dwfl = dwfl_begin(&callbacks);
	module = dwfl ? dwfl_report_offline(dwfl, path, path, fd) : NULL;
	if (!module)
		close(fd);
	if (module && dwfl_report_end(dwfl, NULL, NULL) == 0)
		err = look_up(ret, module, file_offset);
	if (dwfl)
		dwfl_end(dwfl);
	return err;
}
