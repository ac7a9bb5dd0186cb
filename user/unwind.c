// SPDX-License-Identifier: BSD-2-Clause
#include "unwind.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "debuginfo.h"
#include "text.h"
#include "unwind_frame.h"
#include "unwind_space.h"

enum {
	SPACES = 8,
	READS_MAX = 256,	/* of a process's memory per stack */
	THREAD = 1,		/* libdwfl asks for a number */
};

/* Nothing of a stack is read from the process itself: it lies within this distance from the stack pointer. */
#define STACK_MAX (8ULL << 20)

#if defined(__x86_64__)
enum { REGISTER_BLOCK = 17, REGISTER_FRAME = 6, REGISTER_STACK = 7 };
#elif defined(__aarch64__)
enum { REGISTER_BLOCK = 32, REGISTER_PC = 32, REGISTER_FRAME = 29, REGISTER_STACK = 31 };
#else
#error "which registers does a stack begin with here?"
#endif

struct unwinder {
	Elf *elf;	/* our own executable: the architecture */
	int elf_fd;
	uint64_t clock;
	struct address_space spaces[SPACES];	/* free: pid 0 */
};

/* one stack on its way through libdwfl */
struct walk {
	const struct user_stack *stack;
	struct call_stack *ret;
	uint64_t last_pointer;
	uint32_t reads;
	bool missed;		/* the last step asked for what was not copied */
	bool unknown;		/* code that is nowhere in the maps */
	bool frame_zero;	/* the last frame pointer is 0, which marks the outermost frame */
};

static pid_t next_thread(Dwfl *dwfl, void *argument, void **at)
{
	(void)dwfl;
	if (*at)
		return 0;
	*at = argument;
	return THREAD;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *argument, void **ret)
{
	(void)dwfl, (void)tid;
	*ret = argument;
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *argument)
{
	const struct address_space *space = argument;
	const __u64 *registers = space->walk->stack->registers;
	Dwarf_Word values[REGISTER_BLOCK];

	for (int i = 0; i < REGISTER_BLOCK; i++)
		values[i] = registers[i];
#ifdef __aarch64__
	dwfl_thread_state_register_pc(thread, registers[REGISTER_PC]);
#endif
	return dwfl_thread_state_registers(thread, 0, REGISTER_BLOCK, values);
}

/* the copied stack; what lies elsewhere (a signal's own stack, the vDSO) from the process */
static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret, void *argument)
{
	struct address_space *space = argument;
	struct walk *walk = space->walk;
	const struct user_stack *stack = walk->stack;
	uint64_t bytes = stack->bytes < USER_STACK_BYTES ? stack->bytes : USER_STACK_BYTES;
	uint64_t at = address - stack->registers[REGISTER_STACK];
	uint64_t word;

	(void)dwfl;
	if (at < bytes && bytes - at >= sizeof(word)) {
		memcpy(&word, stack->data + at, sizeof(word));
	} else if (at + STACK_MAX < 2 * STACK_MAX || walk->reads++ >= READS_MAX ||
		   pread(space->memory_fd, &word, sizeof(word), address) != sizeof(word)) {
		walk->missed = true;
		return false;
	}
	*ret = word;
	return true;
}

static int take_frame(Dwfl_Frame *frame, void *argument)
{
	struct address_space *space = argument;
	struct walk *walk = space->walk;
	struct call_stack *ret = walk->ret;
	Dwarf_Word pointer = 0, frame_pointer = 1;
	Dwarf_Addr pc;
	bool exact;

	/* this takes the step to the next frame already */
	walk->missed = false;
	if (!dwfl_frame_pc(frame, &pc, &exact))
		return DWARF_CB_ABORT;
	/* a frame that is no code was made of garbage */
	if (!address_space_find(space, exact ? pc : pc - 1)) {
		walk->unknown = true;
		return DWARF_CB_ABORT;
	}
	dwfl_frame_reg(frame, REGISTER_STACK, &pointer);
	if (ret->count == CALL_STACK_FRAMES ||
	    (ret->count && ret->pcs[ret->count - 1] == pc && walk->last_pointer == pointer))
		return DWARF_CB_ABORT;
	walk->last_pointer = pointer;
	walk->frame_zero = dwfl_frame_reg(frame, REGISTER_FRAME, &frame_pointer) == 0 && frame_pointer == 0;
	ret->exact |= (uint64_t)exact << ret->count;
	ret->pcs[ret->count++] = pc;
	return DWARF_CB_OK;
}

static bool walk_stack(struct address_space *space, const struct user_stack *stack, struct call_stack *ret)
{
	struct walk walk = { .stack = stack, .ret = ret };
	int result;

	*ret = (struct call_stack){ 0 };
	space->walk = &walk;
	result = dwfl_getthread_frames(space->dwfl, THREAD, take_frame, space);
	space->walk = NULL;
	/* without a rule for the step, and with frame pointers, 0 is the end */
	ret->truncated = walk.missed || (result && !(result < 0 && walk.frame_zero));
	return !walk.unknown;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

int unwinder_open(struct unwinder **ret)
{
	struct unwinder *unwinder = calloc(1, sizeof(*unwinder));
	int err = -ENOEXEC;

	if (!unwinder)
		return -ENOMEM;
	debuginfo_stay_local();
	elf_version(EV_CURRENT);
	unwinder->elf_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (unwinder->elf_fd < 0)
		err = -errno;
	else
		unwinder->elf = elf_begin(unwinder->elf_fd, ELF_C_READ, NULL);
	if (!unwinder->elf) {
		unwinder_close(unwinder);
		return err;
	}
	*ret = unwinder;
	return 0;
}

void unwinder_close(struct unwinder *unwinder)
{
	if (!unwinder)
		return;
	for (int i = 0; i < SPACES; i++) {
		if (unwinder->spaces[i].pid)
			address_space_close(&unwinder->spaces[i]);
	}
	elf_end(unwinder->elf);
	if (unwinder->elf_fd >= 0)
		close(unwinder->elf_fd);
	free(unwinder);
}

/* its place, or the one to use for it: free, else the one that was not used for longest */
static struct address_space *find_space(struct unwinder *unwinder, uint64_t pid, uint64_t start_ns)
{
	struct address_space *place = &unwinder->spaces[0];

	for (int i = 0; i < SPACES; i++) {
		struct address_space *space = &unwinder->spaces[i];

		if (space->pid == pid && space->start_ns == start_ns)
			return space;
		if (space->last_used < place->last_used)
			place = space;
	}
	return place;
}

static int open_space(struct unwinder *unwinder, uint64_t pid, uint64_t start_ns, struct address_space **ret)
{
	struct address_space *space = find_space(unwinder, pid, start_ns);
	int err, memory_fd;

	if (!pid)
		return -ESRCH;
	if (space->pid != pid || space->start_ns != start_ns) {
		/* first, so that no other process is forgotten for one that is gone */
		err = process_memory_open(pid, start_ns, &memory_fd);
		if (err)
			return err;
		if (space->pid)
			address_space_close(space);
		err = address_space_open(space, pid, start_ns, memory_fd, unwinder->elf, &thread_callbacks);
		if (err) {
			*space = (struct address_space){};
			return err;
		}
	}
	space->last_used = ++unwinder->clock;
	*ret = space;
	return 0;
}

/* "/usr/sbin/nginx was replaced or deleted since it was started" */
static void note_deleted(const struct address_space *space, struct call_stack *ret)
{
	struct text note = TEXT_ON(ret->note);

	for (uint32_t n = ret->count; n-- > 0;) {
		const struct code_range *range = frame_code(space, ret, n);
		const struct code_file *file = range && range->file >= 0 ? &space->code.files[range->file] : NULL;
		const char *since;

		if (!file || !file->deleted || file->is_memory)
			continue;
		since = file->inode == space->exe_inode ? " was replaced or deleted since it was started"
							: " was replaced or deleted since it was loaded";
		text_add(&note, strlen(file->path) + strlen(since) < sizeof(ret->note) ? file->path
										    : file_name(file));
		/* a name may have 255 bytes */
		if (note.length + strlen(since) >= sizeof(ret->note))
			note.length = 0;
		text_add(&note, note.length ? since : "a file was replaced or deleted since it was started");
		return;
	}
}

int unwinder_unwind(struct unwinder *unwinder, uint64_t pid, uint64_t start_ns, const struct user_stack *stack,
		    struct call_stack *ret)
{
	struct address_space *space;
	struct call_stack result = { 0 };
	int err;

	if (stack->flags & USER_STACK_COMPAT) {
		*ret = (struct call_stack){ .note = "a 32-bit program: its stack cannot be read" };
		return -ENOTSUP;
	}
	if (stack->flags & USER_STACK_NONE) {
		*ret = (struct call_stack){ .note = "io_uring worker: no user stack" };
		return 0;
	}
	err = open_space(unwinder, pid, start_ns, &space);
	if (!err && !address_space_lives(space, stack->registers[REGISTER_STACK])) {
		/* it ended, or it is another program now */
		address_space_close(space);
		*space = (struct address_space){};
		err = open_space(unwinder, pid, start_ns, &space);
	}
	if (err)
		return err;
	if (!walk_stack(space, stack, &result) && address_space_refresh(space))
		walk_stack(space, stack, &result);
	note_deleted(space, &result);
	*ret = result;
	return 0;
}

int unwinder_frame(struct unwinder *unwinder, uint64_t pid, uint64_t start_ns, const struct call_stack *stack,
		   uint32_t n, char *ret, size_t size)
{
	struct address_space *space;
	int err;

	if (n >= stack->count || stack->count > CALL_STACK_FRAMES)
		return -ERANGE;
	err = open_space(unwinder, pid, start_ns, &space);
	if (err)
		return err;
	frame_text(space, stack, n, ret, size);
	return 0;
}
