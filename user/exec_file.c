// SPDX-License-Identifier: BSD-2-Clause
#include "exec_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	HEAD_BYTES = 4096,	/* program headers follow the ELF header in all that linkers make */
	SHEBANG_BYTES = 256,	/* what the kernel looks at (BINPRM_BUF_SIZE) */
};

struct head {
	_Alignas(16) char data[HEAD_BYTES];
	size_t length;
	int fd;
};

static ssize_t read_at(int fd, void *ret, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)ret + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
}

/* The very file the descriptor is of, whatever its name leads to by now. */
static int open_readable(int path_fd)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
	return open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

size_t shebang_parse(const char *data, size_t length, char *ret, size_t size)
{
	size_t start = 2, end;

	if (length > SHEBANG_BYTES)
		length = SHEBANG_BYTES;
	if (length < 2 || memcmp(data, "#!", 2) != 0)
		return 0;
	while (start < length && (data[start] == ' ' || data[start] == '\t'))
		start++;
	end = start;
	while (end < length && data[end] && !strchr(" \t\n", data[end]))
		end++;
	/* a name that does not end within these bytes may go on: the kernel refuses it */
	if (end == start || end - start >= size || end == SHEBANG_BYTES)
		return 0;
	memcpy(ret, data + start, end - start);
	ret[end - start] = '\0';
	return end - start;
}

/* what people call text: no control characters but those of text, in the first bytes */
static bool is_text(const char *data, size_t length)
{
	for (size_t i = 0; i < length && i < SHEBANG_BYTES; i++) {
		unsigned char c = data[i];

		if (c == 0x7f || (c < 0x20 && (!c || !strchr("\t\n\v\f\r\b\033", c))))
			return false;
	}
	return true;
}

/* ---- ELF ------------------------------------------------------------ */

/* a 32-bit machine whose programs the kernel of a 64-bit one runs, when it was built to */
static bool machine_is_lesser(unsigned int machine, unsigned int of)
{
	static const struct {
		unsigned int of, lesser;
	} pairs[] = {
		{ EM_X86_64, EM_386 }, { EM_AARCH64, EM_ARM }, { EM_PPC64, EM_PPC },
		{ EM_S390, EM_S390 },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (of == pairs[i].of && machine == pairs[i].lesser)
			return true;
	return false;
}

/* By comparison with ourselves: type and machine stand at the same place in both classes. */
static enum exec_file_kind machine_compare(const GElf_Ehdr *header)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Elf32_Ehdr own;
	bool read = fd >= 0 && read_at(fd, &own, sizeof(own), 0) == sizeof(own);

	if (fd >= 0)
		close(fd);
	if (!read)
		return EXEC_FILE_NATIVE;
	if (header->e_ident[EI_DATA] != own.e_ident[EI_DATA])
		return EXEC_FILE_FOREIGN;
	if (header->e_machine == own.e_machine && header->e_ident[EI_CLASS] == own.e_ident[EI_CLASS])
		return EXEC_FILE_NATIVE;
	if (header->e_ident[EI_CLASS] == ELFCLASS32 && machine_is_lesser(header->e_machine, own.e_machine))
		return EXEC_FILE_LESSER;
	return EXEC_FILE_FOREIGN;
}

/* libelf refuses an image without its end, where the section headers are; nobody asks for them */
static bool hide_sections(struct head *head)
{
	Elf64_Ehdr *wide = (Elf64_Ehdr *)head->data;
	Elf32_Ehdr *narrow = (Elf32_Ehdr *)head->data;

	if (head->data[EI_CLASS] == ELFCLASS64 && head->length >= sizeof(*wide)) {
		wide->e_shoff = 0;
		wide->e_shnum = wide->e_shstrndx = 0;
		return true;
	}
	if (head->data[EI_CLASS] == ELFCLASS32 && head->length >= sizeof(*narrow)) {
		narrow->e_shoff = 0;
		narrow->e_shnum = narrow->e_shstrndx = 0;
		return true;
	}
	return false;
}

static void loader_read(struct exec_file *ret, const struct head *head, const GElf_Phdr *segment)
{
	char name[sizeof(ret->asks_for)];
	size_t size = segment->p_filesz < sizeof(name) ? segment->p_filesz : sizeof(name);

	if (segment->p_offset > INT64_MAX - sizeof(name))
		return;
	if (read_at(head->fd, name, size, segment->p_offset) != (ssize_t)size || !memchr(name, '\0', size))
		return;
	memcpy(ret->asks_for, name, strlen(name) + 1);
}

static void elf_read(struct exec_file *ret, const struct head *head, Elf *elf)
{
	GElf_Ehdr header;
	GElf_Phdr segment;

	ret->kind = EXEC_FILE_BROKEN;
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return;
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return;
	ret->kind = machine_compare(&header);
	if (ret->kind == EXEC_FILE_FOREIGN)
		return;
	if (!header.e_phnum || header.e_phentsize != gelf_fsize(elf, ELF_T_PHDR, 1, EV_CURRENT)) {
		ret->kind = EXEC_FILE_BROKEN;
		return;
	}
	for (int i = 0; i < header.e_phnum && gelf_getphdr(elf, i, &segment); i++) {
		if (segment.p_type != PT_INTERP)
			continue;
		loader_read(ret, head, &segment);
		return;
	}
}

/* ---- any file ------------------------------------------------------- */

static void head_judge(struct exec_file *ret, struct head *head)
{
	Elf *elf;

	if (!head->length) {
		ret->kind = EXEC_FILE_EMPTY;
	} else if (head->length >= SELFMAG && memcmp(head->data, ELFMAG, SELFMAG) == 0) {
		ret->kind = EXEC_FILE_BROKEN;
		if (elf_version(EV_CURRENT) == EV_NONE || !hide_sections(head))
			return;
		elf = elf_memory(head->data, head->length);
		if (elf)
			elf_read(ret, head, elf);
		elf_end(elf);
	} else if (shebang_parse(head->data, head->length, ret->asks_for, sizeof(ret->asks_for))) {
		ret->kind = EXEC_FILE_SCRIPT;
	} else {
		bool shebang = head->length >= 2 && memcmp(head->data, "#!", 2) == 0;

		ret->kind = !shebang && is_text(head->data, head->length) ? EXEC_FILE_TEXT : EXEC_FILE_BROKEN;
	}
}

void exec_file_read(struct exec_file *ret, int path_fd)
{
	struct head head = { .fd = open_readable(path_fd) };
	ssize_t length;

	memset(ret, 0, sizeof(*ret));
	if (head.fd < 0)
		return;
	length = read_at(head.fd, head.data, sizeof(head.data), 0);
	if (length >= 0) {
		head.length = length;
		head_judge(ret, &head);
	}
	close(head.fd);
}
