// SPDX-License-Identifier: BSD-2-Clause
/* Faults, and signals that a program sent to itself. */
#include "exit_rules.h"

#include <signal.h>
#include <string.h>

#include "exit_advice.h"
#include "exit_view.h"
#include "exit_words.h"
#include "say.h"

/* what below that is accessed is a member of something at NULL; the kernel maps nothing there */
#define NULL_BYTES 65536
#define STACK_BYTES 65536

static const struct fault *fault_of(const struct observation *observation)
{
	return observation->exit.known.fault ? &observation->exit.fault : NULL;
}

static bool fault_code_is(const struct observation *observation, int64_t code)
{
	const struct fault *f = fault_of(observation);

	return f && f->known.code && f->code == code;
}

/*
 * The address of a page fault. x86 gives 0 for an address that no page could
 * have (general protection, SI_KERNEL): that is no null pointer.
 */
static bool page_fault_address(const struct observation *observation, uint64_t *ret)
{
	const struct fault *f = fault_of(observation);

	return exit_is(observation, SIGSEGV, KILLER_SOURCE_FAULT) && f && f->known.code &&
	       (f->code == SEGV_MAPERR || f->code == SEGV_ACCERR) &&
	       exit_address(f->known.address, f->address, ret);
}

static bool executed_there(const struct observation *observation, uint64_t address)
{
	const struct fault *f = fault_of(observation);
	uint64_t ip;

	return f && exit_address(f->known.ip, f->ip, &ip) && ip == address;
}

static void conclude_crash(const struct observation *observation, const char *what, struct verdict *ret)
{
	const struct fault *f = fault_of(observation);
	char why[192];
	struct text text = TEXT_ON(why);

	text_add(&text, what);
	if (f && f->known.symbol)
		text_format(&text, " in %s", f->symbol);
	exit_advise_crash(observation, ret);
	exit_conclude(observation, SEVERITY_ERROR, why, ret);
	if (ret->diagnosis.verify_count < 2)
		exit_verify_log(observation, ret);
}

static void say_where(const struct observation *observation, struct text *text)
{
	if (fault_of(observation))
		exit_say_place(text, fault_of(observation));
}

bool exit_null_pointer_matches(const struct observation *observation)
{
	uint64_t address;

	return page_fault_address(observation, &address) && address < NULL_BYTES;
}

void exit_null_pointer_explain(const struct observation *observation, struct verdict *ret)
{
	uint64_t address;
	struct text text = say_cause(ret);

	if (!page_fault_address(observation, &address))
		return;
	if (executed_there(observation, address))
		text_add(&text, "it called a function through a null pointer");
	else if (address)
		text_format(&text, "it used a null pointer: address 0x%llx is a member or an element of something at 0",
			    (unsigned long long)address);
	else
		text_add(&text, "it used a null pointer");
	say_where(observation, &text);
	KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "find what returned NULL there and was not tested (allocation, lookup, getenv, a callback not set)");
	conclude_crash(observation, "null pointer", ret);
}

bool exit_stack_overflow_matches(const struct observation *observation)
{
	const struct fault *f = fault_of(observation);
	uint64_t address, sp;

	return page_fault_address(observation, &address) && exit_address(f->known.sp, f->sp, &sp) &&
	       !executed_there(observation, address) &&
	       (address < sp ? sp - address : address - sp) <= STACK_BYTES;
}

void exit_stack_overflow_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "it ran out of stack: the address that failed is right at the stack pointer");
	say_where(observation, &text);
	KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "look for recursion without an end (the backtrace repeats), or for large arrays on the stack");
	text = say_advice(ret);
	text_add(&text, "if it needs that much: ulimit -s or LimitSTACK= for the main thread, pthread_attr_setstacksize "
			"for the others (musl gives them only 128 KiB)");
	conclude_crash(observation, "out of stack", ret);
}

bool exit_bus_error_matches(const struct observation *observation)
{
	return exit_is(observation, SIGBUS, KILLER_SOURCE_FAULT);
}

void exit_bus_error_explain(const struct observation *observation, struct verdict *ret)
{
	bool memory = fault_code_is(observation, BUS_MCEERR_AR) || fault_code_is(observation, BUS_MCEERR_AO);
	struct text text = say_cause(ret), advice = say_advice(ret);

	if (memory) {
		text_add(&text, "the machine reported a memory error at that address which it could not correct");
		text_add(&advice, "look for hardware errors (journalctl -k --grep 'mce|EDAC|Hardware Error') and test "
				  "or replace the memory: other processes are at risk");
	} else if (fault_code_is(observation, BUS_ADRALN)) {
		text_add(&text, "it accessed memory at an address that is not aligned as this access needs");
		text_add(&advice, "look for a cast to a wider type, or an atomic, on data that is packed");
	} else if (fault_code_is(observation, BUS_ADRERR)) {
		text_add(&text, "it accessed a mapping where no page could be had: a mapped file that was shortened, a full "
				"disk or tmpfs under it, a read error, or no huge page left");
		KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
		text_add(&advice, "look who shortens or rewrites the mapped file (truncate, cp over it: rename instead), and "
				  "at df -h (also /dev/shm, 64 MiB in a docker container without --shm-size)");
	} else {
		text_add(&text, "a bus error: memory that is mapped could not be accessed");
		text_add(&advice, "a shortened mapped file, a full tmpfs, misalignment and bad memory are the usual reasons: "
				  "df -h /dev/shm; journalctl -k");
	}
	say_where(observation, &text);
	conclude_crash(observation, memory ? "memory error of the machine" : "bus error", ret);
}

bool exit_illegal_instruction_matches(const struct observation *observation)
{
	return exit_is(observation, SIGILL, KILLER_SOURCE_FAULT);
}

void exit_illegal_instruction_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "the processor refused an instruction");
	say_where(observation, &text);
	text = say_advice(ret);
	text_add(&text, "either it was built for a newer processor (-march=native, AVX) than this one or this virtual "
			"machine's, or the compiler put a trap there on purpose (__builtin_trap, unreachable code, a "
			"check of a sanitizer)");
	conclude_crash(observation, "illegal instruction", ret);
	if (ret->diagnosis.verify_count < 3) {
		text = say_verify(ret);
		text_add(&text, "lscpu | grep -i flags   (what this processor has)");
	}
}

bool exit_math_matches(const struct observation *observation)
{
	return exit_is(observation, SIGFPE, KILLER_SOURCE_FAULT);
}

void exit_math_explain(const struct observation *observation, struct verdict *ret)
{
	bool integer = fault_code_is(observation, FPE_INTDIV);
	struct text text = say_cause(ret);

	text_add(&text, integer ? "it divided an integer by zero, or the smallest integer by -1" :
				  "an arithmetic operation that the processor refuses");
	say_where(observation, &text);
	text = say_advice(ret);
	text_add(&text, integer ? "find where the divisor comes from (an empty list, a count or an interval of 0) and test "
				  "it before" :
				  "look whether the program turns floating-point exceptions on (feenableexcept), and at what "
				  "it computed there");
	conclude_crash(observation, integer ? "integer division by zero" : "arithmetic fault", ret);
}

bool exit_trap_matches(const struct observation *observation)
{
	return exit_is(observation, SIGTRAP, KILLER_SOURCE_FAULT);
}

void exit_trap_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "it hit a breakpoint and no debugger was there");
	say_where(observation, &text);
	text = say_advice(ret);
	text_add(&text, "programs trap on purpose when a check fails (a browser's CHECK, Swift, g_error): read the last "
			"lines it wrote; else a debugger or a probe left a breakpoint behind");
	conclude_crash(observation, "breakpoint without a debugger", ret);
}

bool exit_crash_matches(const struct observation *observation)
{
	return exit_signal(observation) && exit_source(observation) == KILLER_SOURCE_FAULT;
}

void exit_crash_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fault *f = fault_of(observation);
	bool segv = exit_signal(observation) == SIGSEGV;
	uint64_t address;
	struct text text = say_cause(ret);

	if (page_fault_address(observation, &address) && executed_there(observation, address))
		text_add(&text, "it jumped to an address that holds no code");
	else if (segv && fault_code_is(observation, SEGV_ACCERR))
		text_add(&text, "it accessed memory in a way that is not allowed there (it wrote to what is read-only, or "
				"touched a guard page)");
	else if (segv && fault_code_is(observation, SEGV_MAPERR))
		text_add(&text, "it accessed an address where nothing is mapped");
	else if (segv && fault_code_is(observation, SI_KERNEL))
		text_add(&text, "it used an address that no memory can have (which one, the processor does not say): a "
				"pointer that was overwritten");
	else if (segv)
		text_add(&text, "it accessed memory in a way that is not allowed; how and at what address is not known");
	else
		text_add(&text, "the processor refused what it did");
	if (segv && fault_code_is(observation, SI_KERNEL))
		KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	say_where(observation, &text);
	text = say_advice(ret);
	if (f && f->known.symbol)
		text_add(&text, "look at that function, and at who gave it the pointer");
	else if (f && f->known.mapping)
		text_add(&text, "find the function (a backtrace from the core, or addr2line)");
	else
		text_add(&text, "where in the program it happened was not recorded: only a core has it");
	text_add(&text, "; memory used after free or written past its end fails far from where it went wrong: build with "
			"-fsanitize=address, or run under valgrind");
	conclude_crash(observation, "crash", ret);
}

/* ---- by itself ------------------------------------------------------ */

bool exit_abort_matches(const struct observation *observation)
{
	return exit_is(observation, SIGABRT, KILLER_SOURCE_SELF);
}

void exit_abort_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "the program gave up by itself (abort): a failed assertion, an exception nobody caught, a damaged "
			"heap that the C library found, or a fatal error of a runtime");
	KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "read the last lines of its standard error: it says there which");
	exit_conclude(observation, SEVERITY_ERROR, "it gave up by itself: read its standard error", ret);
	exit_verify_log(observation, ret);
	exit_advise_crash(observation, ret);
}

bool exit_self_matches(const struct observation *observation)
{
	return exit_signal(observation) && exit_source(observation) == KILLER_SOURCE_SELF;
}

void exit_self_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	bool dumps = exit_signal_dumps(e->signal);
	struct text text = say_cause(ret);

	text_add(&text, "it sent ");
	exit_say_own_signal(&text, observation);
	text_add(&text, " to itself; no other process did");
	if (e->killer.known.via)
		text_format(&text, " (%s)", e->killer.via);
	text = say_advice(ret);
	if (dumps)
		text_add(&text, "programs with a crash handler report a fault and then send themselves the same signal: read "
				"the last lines of its standard error");
	else if (e->signal == SIGKILL)
		text_add(&text, "look for kill -9 $$ or raise(SIGKILL) in it, or for an init system or a watchdog that does so");
	else
		text_add(&text, "programs that clean up on a signal send it to themselves in the end: look what asked it to, "
				"in its log");
	exit_conclude(observation, dumps || e->signal == SIGKILL ? SEVERITY_ERROR : SEVERITY_WARNING,
		      "it sent it to itself", ret);
	exit_verify_log(observation, ret);
	if (dumps)
		exit_advise_crash(observation, ret);
}
