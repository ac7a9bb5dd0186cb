// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why a process ended. Order matters: what looks like a death but is a copy of
 * one; then, for a SIGKILL, what became of the polite request before it; then
 * who sent the signal; then what the program did to itself; then statuses. A
 * rule for one cause comes before the one for the rest. The last claims nothing.
 */
#include "diagnosis.h"

#include "exit_describe.h"
#include "exit_rules.h"

static const struct rule rules[] = {
	{ "exit-oom", "the kernel's OOM killer", exit_oom_matches, exit_oom_explain },
	{ "exit-copied-status", "it was not killed: its status repeats that of a child",
	  exit_copied_status_matches, exit_copied_status_explain },
	{ "exit-term-ignored-by-init", "PID 1 without a handler: the request to end was dropped, SIGKILL followed",
	  exit_ignored_by_init_matches, exit_ignored_by_init_explain },
	{ "exit-term-before-handler", "the request to end came before PID 1 had its handler, SIGKILL followed",
	  exit_before_handler_matches, exit_before_handler_explain },
	{ "exit-term-ignored", "it was set to ignore the request to end, SIGKILL followed",
	  exit_ignored_matches, exit_ignored_explain },
	{ "exit-term-blocked", "it did not take the request to end, SIGKILL followed",
	  exit_blocked_matches, exit_blocked_explain },
	{ "exit-grace-period", "it handled the request to end but was not done when SIGKILL came",
	  exit_grace_matches, exit_grace_explain },
	{ "exit-cgroup-kill", "a write to cgroup.kill", exit_cgroup_kill_matches, exit_cgroup_kill_explain },
	{ "exit-killed", "SIGKILL from another process, without a request before it",
	  exit_killed_matches, exit_killed_explain },
	{ "exit-stopped", "another signal from another process", exit_stopped_matches, exit_stopped_explain },
	{ "exit-pidns", "PID 1 of its pid namespace ended", exit_pidns_matches, exit_pidns_explain },
	{ "exit-pdeathsig", "its parent ended, and it had asked to go with it",
	  exit_pdeathsig_matches, exit_pdeathsig_explain },
	{ "exit-rlimit-cpu", "its limit of processor time", exit_rlimit_cpu_matches, exit_rlimit_cpu_explain },
	{ "exit-rlimit-fsize", "its limit of file size", exit_rlimit_fsize_matches, exit_rlimit_fsize_explain },
	{ "exit-seccomp", "a system call its seccomp filter forbids", exit_seccomp_matches, exit_seccomp_explain },
	{ "exit-tty-interrupt", "a key at its terminal", exit_tty_matches, exit_tty_explain },
	{ "exit-hangup", "its terminal went away", exit_hangup_matches, exit_hangup_explain },
	{ "exit-sigpipe", "it wrote where nobody reads any more", exit_sigpipe_matches, exit_sigpipe_explain },
	{ "exit-timer", "a timer of its own without a handler", exit_timer_matches, exit_timer_explain },
	{ "exit-null-pointer", "an access near address 0", exit_null_pointer_matches, exit_null_pointer_explain },
	{ "exit-stack-overflow", "an access just outside of its stack",
	  exit_stack_overflow_matches, exit_stack_overflow_explain },
	{ "exit-bus-error", "a mapped file that has no such page, misalignment, or bad memory",
	  exit_bus_error_matches, exit_bus_error_explain },
	{ "exit-illegal-instruction", "an instruction this processor does not have",
	  exit_illegal_instruction_matches, exit_illegal_instruction_explain },
	{ "exit-math", "an arithmetic fault", exit_math_matches, exit_math_explain },
	{ "exit-trap", "a breakpoint without a debugger", exit_trap_matches, exit_trap_explain },
	{ "exit-crash", "any other fault", exit_crash_matches, exit_crash_explain },
	{ "exit-abort", "it gave up by itself", exit_abort_matches, exit_abort_explain },
	{ "exit-self", "another signal it sent to itself", exit_self_matches, exit_self_explain },
	{ "exit-kernel-signal", "another signal of the kernel's",
	  exit_kernel_signal_matches, exit_kernel_signal_explain },
	{ "exit-sender-unknown", "a signal whose sender was not seen",
	  exit_sender_unknown_matches, exit_sender_unknown_explain },
	{ "exit-command-not-found", "status 127", exit_command_not_found_matches, exit_command_not_found_explain },
	{ "exit-not-executable", "status 126", exit_not_executable_matches, exit_not_executable_explain },
	{ "exit-status-128", "a status that names a signal, but no child died of one",
	  exit_status_128_matches, exit_status_128_explain },
	{ "exit-failed", "another status than 0", exit_failed_matches, exit_failed_explain },
	{ "exit-normal", "status 0", exit_normal_matches, exit_normal_explain },
	{ "exit-unrecognised", "none of the above", exit_unrecognised_matches, exit_unrecognised_explain },
};

const struct rule_table exit_rules = {
	.rules = rules,
	.count = sizeof(rules) / sizeof(rules[0]),
	.describe = exit_describe,
};
