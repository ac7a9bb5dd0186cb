// SPDX-License-Identifier: BSD-2-Clause
/*
 * What other processes make a call stack of: lines of maps, heads of ELF
 * files, registers and stacks, here in the address space of the fuzzer itself.
 */
#include "user/unwind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/procfs.h"
#include "user/unwind_maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE(CONDITION) ((void)((CONDITION) ? 0 : (fprintf(stderr, "not so: " #CONDITION "\n"), abort(), 0)))

static void fuzz_maps(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data;
	struct elf_extent extent;
	struct mapping m;

	if (mapping_parse(line, size, &m) == 0) {
		REQUIRE(m.start < m.end);
		REQUIRE(m.path >= line && m.path + m.path_length <= line + size);
	}
	if (size < sizeof(m.start) + sizeof(m.offset))
		return;
	m = (struct mapping){ .executable = true };
	memcpy(&m.start, data, sizeof(m.start));
	memcpy(&m.offset, data + sizeof(m.start), sizeof(m.offset));
	data += sizeof(m.start) + sizeof(m.offset);
	size -= sizeof(m.start) + sizeof(m.offset);
	if (elf_extent_parse(data, size, &m, &extent) == 0)
		REQUIRE(extent.low <= m.start && m.start < extent.high);
}

/* small numbers are of the stack or of code, so that more than one frame comes of them */
static uint64_t place(uint64_t value)
{
	const uint64_t stack = 0x100000000, code = (uintptr_t)LLVMFuzzerTestOneInput & ~0xfffffULL;

	switch (value & 0xff) {
	case 0:
		return value >> 8;
	case 1:
		return stack + (value >> 8) % 4096 * 8;
	default:
		return code + (value >> 8) % (4 << 20);
	}
}

static void fuzz_stack(const uint8_t *data, size_t size)
{
	static struct unwinder *unwinder;
	static struct user_stack stack;
	static uint64_t start_ns;
	struct call_stack calls;
	uint64_t *words = (uint64_t *)stack.data;
	char text[64];

	if (!unwinder) {
		struct process_stat stat;
		struct procfs procfs;

		REQUIRE(procfs_open(&procfs, NULL) == 0 && procfs_stat(&procfs, getpid(), &stat) == 0);
		procfs_close(&procfs);
		start_ns = stat.start_ticks * (1000000000 / sysconf(_SC_CLK_TCK));
		REQUIRE(unwinder_open(&unwinder) == 0);
	}
	size = size < sizeof(stack.data) ? size & ~7ULL : sizeof(stack.data);
	memset(stack.registers, 0, sizeof(stack.registers));
	memcpy(stack.data, data, size);
	for (size_t i = 0; i < size / 8; i++) {
		words[i] = place(words[i]);
		if (i < USER_STACK_REGISTERS)
			stack.registers[i] = words[i];
	}
	stack.bytes = size;
	REQUIRE(unwinder_unwind(unwinder, getpid(), start_ns, &stack, &calls) == 0);
	REQUIRE(calls.count <= CALL_STACK_FRAMES && memchr(calls.note, '\0', sizeof(calls.note)));
	if (calls.count) {
		REQUIRE(unwinder_frame(unwinder, getpid(), start_ns, &calls, calls.count - 1, text, sizeof(text)) == 0);
		REQUIRE(text[0] && memchr(text, '\0', sizeof(text)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		fuzz_stack(data + 1, size - 1);
	else
		fuzz_maps(data + 1, size - 1);
	return 0;
}
