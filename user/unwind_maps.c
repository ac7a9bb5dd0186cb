// SPDX-License-Identifier: BSD-2-Clause
#include "unwind_maps.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

static const char deleted[] = " (deleted)";

/* a number and the character behind it; false when there is none */
static bool take_hex(const char **at, const char *end, char stop, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = *at;

	for (; p < end && *p != stop; p++) {
		unsigned int digit = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : 16;

		if (digit > 15 || value >> 60)
			return false;
		value = value << 4 | digit;
	}
	if (p == *at || p == end)
		return false;
	*ret = value;
	*at = p + 1;
	return true;
}

static bool take_inode(const char **at, const char *end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	}
	if (p == *at)
		return false;
	while (p < end && *p == ' ')
		p++;
	*ret = value;
	*at = p;
	return true;
}

int mapping_parse(const char *line, size_t length, struct mapping *ret)
{
	const size_t suffix = sizeof(deleted) - 1;
	const char *at = line, *end = line + length;
	struct mapping m = { 0 };
	uint64_t major, minor;

	if (!take_hex(&at, end, '-', &m.start) || !take_hex(&at, end, ' ', &m.end) || m.start >= m.end)
		return -EINVAL;
	if (end - at < 5 || at[4] != ' ')
		return -EINVAL;
	m.executable = at[2] == 'x';
	at += 5;
	if (!take_hex(&at, end, ' ', &m.offset) || !take_hex(&at, end, ':', &major) ||
	    !take_hex(&at, end, ' ', &minor) || !take_inode(&at, end, &m.inode))
		return -EINVAL;
	if (major > UINT32_MAX || minor > UINT32_MAX)
		return -EINVAL;
	m.major = major;
	m.minor = minor;
	m.path = at;
	m.path_length = end - at;
	if (m.path_length > suffix && !memcmp(end - suffix, deleted, suffix)) {
		m.deleted = true;
		m.path_length -= suffix;
	}
	*ret = m;
	return 0;
}

static bool header_ok(const Elf64_Ehdr *header, size_t length)
{
	const unsigned char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	size_t room;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != order || (header->e_type != ET_EXEC && header->e_type != ET_DYN) ||
	    header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff > length)
		return false;
	room = (length - header->e_phoff) / sizeof(Elf64_Phdr);
	return header->e_phnum && header->e_phnum <= room;
}

/* the segment of code that holds the mapping's first byte; pages have 64 KiB at most */
static bool mapped_segment(const Elf64_Phdr *segment, const struct mapping *mapping)
{
	uint64_t page_start = segment->p_offset & ~0xffffULL;

	return segment->p_flags & PF_X && mapping->offset >= page_start &&
	       mapping->offset - page_start < segment->p_filesz + (segment->p_offset - page_start);
}

int elf_extent_parse(const void *head, size_t length, const struct mapping *mapping, struct elf_extent *ret)
{
	uint64_t first = 0, last = 0, bias = 0;
	bool any = false, found = false;
	Elf64_Ehdr header;

	if (length < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, head, sizeof(header));
	if (!header_ok(&header, length))
		return -ENOEXEC;
	for (size_t i = 0; i < header.e_phnum; i++) {
		uint64_t end;
		Elf64_Phdr segment;

		memcpy(&segment, (const char *)head + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD)
			continue;
		if (__builtin_add_overflow(segment.p_vaddr, segment.p_memsz, &end))
			return -EINVAL;
		/* libdwfl takes the first for the lowest, and aligns it so */
		if (!any)
			first = segment.p_vaddr & -segment.p_align;
		any = true;
		last = end > last ? end : last;
		if (!found && mapped_segment(&segment, mapping)) {
			bias = mapping->start - (mapping->offset - segment.p_offset + segment.p_vaddr);
			found = true;
		}
	}
	/* of what wraps around nothing holds */
	if (!found || first + bias > mapping->start || last + bias <= mapping->start || first >= last ||
	    first + bias >= last + bias)
		return -EINVAL;
	*ret = (struct elf_extent){ .low = first + bias, .high = last + bias, .bias = bias };
	return 0;
}
