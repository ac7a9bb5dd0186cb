// SPDX-License-Identifier: BSD-2-Clause
/* The ring buffer's record of a death as an observation: only what the kernel sent. */
#include "exit_kind.h"

#include <errno.h>
#include <string.h>

#include "ancestors.h"
#include "names.h"
#include "process_args.h"
#include "symbols.h"

int exit_parts(struct exit_parts *ret, const struct exit_event *event, size_t size)
{
	const size_t head = offsetof(struct exit_event, data);
	uint64_t strings, notes, fault;

	if (size < head || event->note_count > SIGNAL_NOTES)
		return -EBADMSG;
	strings = (uint64_t)event->exe_bytes + event->args_bytes;
	notes = event->note_count * sizeof(struct signal_note);
	fault = event->fault_count ? sizeof(struct fault_note) : 0;
	if (head + strings + notes + fault > size)
		return -EBADMSG;
	ret->exe = event->data;
	ret->args = ret->exe + event->exe_bytes;
	memcpy(ret->notes, event->data + strings, notes);
	memcpy(&ret->fault, event->data + strings + notes, fault);
	ret->has_fault = fault > 0;
	return 0;
}

static void hex(char *to, size_t size, uint64_t value)
{
	struct text text = { .data = to, .size = size };

	text_format(&text, "0x%llx", (unsigned long long)value);
}

/* names of siginfo's codes, include/uapi/asm-generic/siginfo.h */
static const struct {
	int signal, code;
	const char *name;
} codes[] = {
	{ 4, 1, "ILL_ILLOPC" }, { 4, 2, "ILL_ILLOPN" }, { 4, 5, "ILL_PRVOPC" },
	{ 5, 1, "TRAP_BRKPT" }, { 5, 2, "TRAP_TRACE" },
	{ 7, 1, "BUS_ADRALN" }, { 7, 2, "BUS_ADRERR" }, { 7, 3, "BUS_OBJERR" }, { 7, 4, "BUS_MCEERR_AR" },
	{ 8, 1, "FPE_INTDIV" }, { 8, 2, "FPE_INTOVF" }, { 8, 3, "FPE_FLTDIV" }, { 8, 4, "FPE_FLTOVF" },
	{ 8, 7, "FPE_FLTINV" },
	{ 11, 1, "SEGV_MAPERR" }, { 11, 2, "SEGV_ACCERR" }, { 11, 3, "SEGV_BNDERR" }, { 11, 4, "SEGV_PKUERR" },
};

static const char *code_name(uint32_t signal, int code)
{
	if (code == 0x80)
		return "SI_KERNEL";
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].signal == (int)signal && codes[i].code == code)
			return codes[i].name;
	return NULL;
}

static void add_mapping(struct observation *o, struct fault *f, const struct fault_note *note)
{
	size_t size = note->names_bytes <= sizeof(note->names) ? note->names_bytes : 0;
	struct text path = { .data = f->mapping, .size = sizeof(f->mapping) };
	struct symbol symbol;

	names_path(&path, note->names, size, 0, note->names_cut);
	f->known.mapping = 1;
	hex(f->offset, sizeof(f->offset), note->file_offset);
	f->known.offset = 1;
	if (path.cut || note->names_cut) {
		observation_truncated(o, "exit.fault.mapping");
		return;
	}
	switch (symbol_find(&symbol, o->process.ppid, f->mapping, note->inode, note->file_offset)) {
	case 0:
		KNOW_TEXT(f, symbol, symbol.name);
		if (*symbol.line)
			KNOW_TEXT(f, line, symbol.line);
		break;
	case -ESTALE:
		KNOW(f, mapping_changed, 1);
		break;
	}
}

static void add_fault(struct observation *o, const struct fault_note *note)
{
	struct fault *f = &o->exit.fault;
	const char *name = code_name(note->signal, note->code);

	/* one that the program survived is not what ended it */
	if (!o->exit.known.signal || o->exit.signal != note->signal)
		return;
	o->exit.known.fault = 1;
	/* a general protection fault has no address */
	if (note->code != 0x80) {
		hex(f->address, sizeof(f->address), note->address);
		f->known.address = 1;
	}
	hex(f->ip, sizeof(f->ip), note->ip);
	hex(f->sp, sizeof(f->sp), note->sp);
	f->known.ip = f->known.sp = 1;
	KNOW(f, code, note->code);
	if (name)
		KNOW_TEXT(f, code_name, name);
	KNOW(f, tid, note->tid);
	text_copy(f->thread, sizeof(f->thread), note->comm, strnlen(note->comm, sizeof(note->comm)));
	f->known.thread = 1;
	if (note->mapped)
		add_mapping(o, f, note);
}

/*
 * As getrusage() and /proc have it (cputime_adjust(), kernel/sched/cputime.c):
 * the exact time a process ran, divided as the ticks that found it running.
 */
static void add_times(struct exit *x, const struct exit_event *event)
{
	uint64_t user = event->user_ns, system = event->system_ns, all = event->runtime_ns;

	/* counted at ticks and switches: a process that lived between two has no time yet */
	if (!all)
		return;
	if (!system)
		system = 0;
	else if (!user)
		system = all;
	else
		system = (double)all * system / (system + user);
	KNOW(x, cpu_user_ns, all - system);
	KNOW(x, cpu_system_ns, system);
}

static void add_exe(struct observation *o, const struct exit_event *event, const struct exit_parts *parts)
{
	struct process *p = &o->process;
	struct text exe = { .data = p->exe, .size = sizeof(p->exe) };

	if (!event->exe_bytes)
		return;
	if (event->exe_plain)
		text_append(&exe, parts->exe, strnlen(parts->exe, event->exe_bytes));
	else
		names_path(&exe, parts->exe, event->exe_bytes, 0, false);
	p->known.exe = 1;
	if (exe.cut)
		observation_truncated(o, "process.exe");
}

/* signals whose default action is to write one: QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS */
static bool makes_core(uint64_t signal)
{
	return signal < 32 && (1U << signal & (1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8 | 1U << 11 |
					       1U << 24 | 1U << 25 | 1U << 31));
}

void exit_decode(struct session *s, struct observation *o, const struct exit_event *event,
		 const struct exit_parts *parts)
{
	struct exit *x = &o->exit;

	o->boot_ns = event->header.boot_ns;
	memcpy(&o->process, &event->process, sizeof(event->process));
	memcpy(x, &event->exit, sizeof(event->exit));
	cgroup_paths_fill(&s->cgroup_paths, o, event->cgroup_id, event->cgroup_version);
	if (x->known.signal) {
		signal_name(x->signal_name, sizeof(x->signal_name), x->signal);
		x->known.signal_name = 1;
		if (makes_core(x->signal))
			KNOW(x, core_limit_bytes, event->core_limit);
	}
	/* of one that is older than the watch it is not known whose child it was at first */
	if (event->first_ppid && o->process.known.ppid &&
	    (!event->exe_plain || event->first_ppid != o->process.ppid))
		KNOW(x, orphan, event->first_ppid != o->process.ppid);
	add_times(x, event);
	x->parents_count = ancestors_fill(x->parents, event->ancestors,
					  event->ancestor_count < 6 ? event->ancestor_count : 6);
	x->known.parents = 1;
	add_exe(o, event, parts);
	if (event->args_bytes && !s->options.no_args &&
	    process_args_fill(&o->process, parts->args, event->args_bytes, event->args_cut,
			      s->options.no_redact))
		observation_truncated(o, "process.args");
	if (parts->has_fault)
		add_fault(o, &parts->fault);
}
