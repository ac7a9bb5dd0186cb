// SPDX-License-Identifier: BSD-2-Clause
#include "unwind_frame.h"

#include <gelf.h>
#include <string.h>

#include "text.h"

/* a return address can be that of the next function's first instruction: the call is before it */
static uint64_t address_of(const struct call_stack *stack, uint32_t n)
{
	return stack->pcs[n] - !(stack->exact >> n & 1);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

const struct code_range *frame_code(const struct address_space *space, const struct call_stack *stack, uint32_t n)
{
	return address_space_find(space, address_of(stack, n));
}

const char *file_name(const struct code_file *file)
{
	return last_part(file->path);
}

/* does the file have all its symbols, and not just those others link to */
static bool has_symtab(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			return true;
	}
	return false;
}

/*
 * libdwfl gives the symbol that stands before the address. Of a stripped file
 * that is any exported neighbour, unless its size says that it goes so far.
 */
static const char *find_function(Dwfl_Module *module, uint64_t address, uint64_t *ret_offset)
{
	GElf_Off offset = 0;
	GElf_Sym symbol;
	Elf *elf = NULL;
	const char *name = dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, &elf, NULL);

	if (!name || !*name || (symbol.st_size ? offset >= symbol.st_size : !elf || !has_symtab(elf)))
		return NULL;
	*ret_offset = offset;
	return name;
}

static bool add_line(struct text *text, Dwfl_Module *module, uint64_t address)
{
	Dwfl_Line *line = dwfl_module_getsrc(module, address);
	int number = 0;
	const char *file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;

	if (file)
		text_format(text, " (%s:%d)", last_part(file), number);
	return file;
}

static void make_text(const struct address_space *space, const struct call_stack *stack, uint32_t n,
		      struct text *text)
{
	const struct code_range *range = frame_code(space, stack, n);
	const struct code_file *file = range && range->file >= 0 ? &space->code.files[range->file] : NULL;
	uint64_t address = address_of(stack, n), offset = 0;
	Dwfl_Module *module = file && file->is_elf ? dwfl_addrmodule(space->dwfl, address) : NULL;
	const char *function = module ? find_function(module, address, &offset) : NULL;
	const char *name = file ? file_name(file) : NULL;

	if (!file || (file->is_memory && !file->is_elf)) {
		text_add(text, range ? "[jit]" : "[unknown]");
	} else if (function) {
		/* without the version that the symbol table appends: __libc_start_main@@GLIBC_2.34 */
		text_append(text, function, strcspn(function, "@"));
		text_format(text, "+0x%llx", (unsigned long long)(offset + stack->pcs[n] - address));
		if (!add_line(text, module, address))
			text_format(text, name[0] == '[' ? " %s" : " [%s]", name);
	} else {
		text_format(text, "%s+0x%llx", name,
			    (unsigned long long)(stack->pcs[n] - (file->is_elf ? file->extent.bias
									       : file->start - file->offset)));
	}
}

/* a name to fill or to use; NULL: nowhere to keep one */
static struct code_name *find_name(struct address_space *space, uint64_t key)
{
	if (!space->names.capacity && table_init(&space->names, sizeof(struct code_name), CODE_NAMES))
		return NULL;
	if (space->names.count == CODE_NAMES && !table_find(&space->names, key))
		table_clear(&space->names);
	return table_add(&space->names, key);
}

void frame_text(struct address_space *space, const struct call_stack *stack, uint32_t n, char *ret, size_t size)
{
	/* code is below 2^63 */
	struct code_name *name = find_name(space, stack->pcs[n] << 1 | (stack->exact >> n & 1));
	struct text text = { .data = ret, .size = size };

	if (!size)
		return;
	ret[0] = '\0';
	if (name && !name->text[0]) {
		struct text kept = TEXT_ON(name->text);

		make_text(space, stack, n, &kept);
		if (kept.cut)
			name->text[0] = '\0';
	}
	if (name && name->text[0])
		text_add(&text, name->text);
	else
		make_text(space, stack, n, &text);
}
