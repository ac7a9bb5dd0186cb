// SPDX-License-Identifier: BSD-2-Clause
/* The lines of /proc/PID/maps and the heads of ELF files, as processes may make them. */
#include "user/unwind_maps.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct mapping parse(const char *line)
{
	struct mapping m;

	assert_int_equal(mapping_parse(line, strlen(line), &m), 0);
	return m;
}

static void check_path(struct mapping m, const char *expected)
{
	assert_int_equal(m.path_length, strlen(expected));
	assert_memory_equal(m.path, expected, m.path_length);
}

static void test_lines(void **state)
{
	struct mapping m = parse("7f0c5c028000-7f0c5c1bd000 r-xp 00028000 fe:01 1835     /usr/lib/libc.so.6");

	(void)state;
	assert_int_equal(m.start, 0x7f0c5c028000);
	assert_int_equal(m.end, 0x7f0c5c1bd000);
	assert_int_equal(m.offset, 0x28000);
	assert_int_equal(m.major, 0xfe);
	assert_int_equal(m.minor, 1);
	assert_int_equal(m.inode, 1835);
	assert_true(m.executable && !m.deleted);
	check_path(m, "/usr/lib/libc.so.6");
	m = parse("00400000-00401000 r--p 00000000 00:2e 18446744073709551615 /a b (deleted)");
	assert_true(!m.executable && m.deleted);
	assert_int_equal(m.inode, UINT64_MAX);
	check_path(m, "/a b");
	m = parse("7ffc0000-7ffc2000 r-xp 00000000 00:00 0                          [vdso]");
	check_path(m, "[vdso]");
	m = parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 ");
	check_path(m, "");
	assert_int_equal(m.inode, 0);
	/* the suffix alone is a name */
	m = parse("1000-2000 r-xp 0 0:0 5  (deleted)");
	assert_false(m.deleted);
}

static void test_bad_lines(void **state)
{
	static const char *const lines[] = {
		"",
		"-",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 ",
		"2000-1000 r-xp 0 0:0 0 ",
		"1000-1000 r-xp 0 0:0 0 ",
		"10000000000000000-20000000000000000 r-xp 0 0:0 0 ",
		"1000-2000 r-x",
		"1000-2000 r-xp",
		"1000-2000 r-xp 0",
		"1000-2000 r-xp 0 0:0",
		"1000-2000 r-xp 0 0:0 ",
		"1000-2000 r-xp 0 0:0 x",
		"1000-2000 r-xp 0 100000000:0 1 /x",
		"1000-2000 r-xp 0 0:0 99999999999999999999 /x",
		"1000-2000 r-xpp 0 0:0 1 /x",
		"G000-2000 r-xp 0 0:0 1 /x",
	};
	struct mapping m = { .start = 42 };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(mapping_parse(lines[i], strlen(lines[i]), &m), -EINVAL);
		assert_int_equal(m.start, 42);
	}
}

static struct {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
} head;

/* a library as linkers make them: constants, code, constants, data */
static void make_head(void)
{
	static const Elf64_Phdr segments[] = {
		{ .p_type = PT_NOTE },
		{ .p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 0x2f00, .p_memsz = 0x2f00, .p_align = 0x1000 },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x2f40, .p_vaddr = 0x3f40,
		  .p_filesz = 0x5000, .p_memsz = 0x5000, .p_align = 0x1000 },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x8000, .p_vaddr = 0xa000,
		  .p_filesz = 0x10, .p_memsz = 0x9000, .p_align = 0x1000 },
	};

	head.header = (Elf64_Ehdr){
		.e_type = ET_DYN, .e_phoff = sizeof(head.header), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 4,
	};
	memcpy(head.header.e_ident, ELFMAG, SELFMAG);
	head.header.e_ident[EI_CLASS] = ELFCLASS64;
	head.header.e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	memcpy(head.segments, segments, sizeof(segments));
}

static const struct mapping code = { .start = 0x7f0000003000, .end = 0x7f0000008000, .offset = 0x2000 };

static void test_extent(void **state)
{
	const struct mapping part = { .start = 0x7f0000005000, .end = 0x7f0000006000, .offset = 0x4000 };
	struct elf_extent extent;

	(void)state;
	make_head();
	assert_int_equal(elf_extent_parse(&head, sizeof(head), &code, &extent), 0);
	assert_int_equal(extent.low, 0x7f0000000000);
	assert_int_equal(extent.bias, 0x7f0000000000);
	assert_int_equal(extent.high, 0x7f0000013000);
	assert_int_equal(elf_extent_parse(&head, sizeof(head), &part, &extent), 0);
	assert_int_equal(extent.bias, 0x7f0000000000);
	/* a program at a fixed address */
	head.header.e_type = ET_EXEC;
	for (int i = 1; i < 4; i++)
		head.segments[i].p_vaddr += 0x7f0000000000;
	assert_int_equal(elf_extent_parse(&head, sizeof(head), &code, &extent), 0);
	assert_int_equal(extent.low, 0x7f0000000000);
	assert_int_equal(extent.bias, 0);
}

static void check_refused(int expected)
{
	struct elf_extent extent = { .low = 42 };

	assert_int_equal(elf_extent_parse(&head, sizeof(head), &code, &extent), expected);
	assert_int_equal(extent.low, 42);
	make_head();
}

static void test_bad_extent(void **state)
{
	struct elf_extent extent;

	(void)state;
	make_head();
	for (size_t i = 0; i < sizeof(head); i++)
		assert_int_equal(elf_extent_parse(&head, i, &code, &extent), -ENOEXEC);
	head.header.e_ident[0]++;
	check_refused(-ENOEXEC);
	head.header.e_ident[EI_CLASS] = ELFCLASS32;
	check_refused(-ENOEXEC);
	head.header.e_type = ET_REL;
	check_refused(-ENOEXEC);
	head.header.e_phoff = UINT64_MAX - 8;
	check_refused(-ENOEXEC);
	head.header.e_phnum = UINT16_MAX;
	check_refused(-ENOEXEC);
	head.header.e_phentsize = 1;
	check_refused(-ENOEXEC);
	head.segments[2].p_flags = PF_R;
	check_refused(-EINVAL);
	head.segments[3].p_memsz = UINT64_MAX;
	check_refused(-EINVAL);
	head.segments[2].p_vaddr = 0x7fffffff0000;
	check_refused(-EINVAL);
	head.segments[1].p_vaddr = 0x100000;
	check_refused(-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_extent),
		cmocka_unit_test(test_bad_extent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
