# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2016,SC2034,SC2154 source=lib.sh
# Sourced by the live tests of exitwatch: lib.sh, processes that die in a known
# way, and checks on the line that tells of it. Not a test: not executable.
#
#   watch_start exitwatch
#   run "$triggers/die" wait                       # sets $pid
#   wait_ready; slay kill 9 "$pid"                 # sets $killer
#   watch_stop
#   death "$victim" 'by kill(2)'
#   died_of 9
#   killed_by "$killer" slay
. "$(dirname "$0")/lib.sh"

die=$triggers/die

# A process that waits for its death; sets $victim.
victim() {
	run "$die" wait
	victim=$pid
	wait_ready
}

# slay HOW SIGNAL PID...: in the background; sets $killer.
slay() {
	run "$triggers/slay" "$@"
	killer=$pid
}

# The background trigger $1 has ended; a trigger that could not do it says 77.
# Sets $status.
ended() {
	await_exit "$1" "$patience"
}

# end_of PID...: waits for our own children and for what they say to be written.
ends() {
	for ends_pid in "$@"; do
		await_exit "$ends_pid" "$patience"
	done
}

has_death() {
	grep '"kind": *"exit"' "$out" | grep -q "\"process\": *{\"pid\": *$1[,}]"
}

has_exec() {
	grep '"kind": *"exec"' "$out" | grep -q "\"process\": *{\"pid\": *$1[,}]"
}

# wait_deaths PID...: a line tells of each, or of a run that the kernel skipped: then death() says so.
wait_deaths() {
	for wait_pid in "$@"; do
		wait_until "$patience" has_death "$wait_pid" && continue
		may_miss && [ "$(missed_runs)" -gt 0 ] && continue
		printf 'no exit line of pid %s\n' "$wait_pid" |
			not_ok 'each death is told'
	done
}

wait_execs() {
	for wait_pid in "$@"; do
		wait_until "$patience" has_exec "$wait_pid" ||
			printf 'no exec line of pid %s\n' "$wait_pid" |
			not_ok 'each exec is told'
	done
}

# --- what the line must say; TEXT goes before each check ---

# death PID TEXT: the checks that follow look at the line of its death.
death() {
	death_text=$2
	death_pid=$1
	select_line exit '.process.pid == $pid' --argjson pid "$1"
	if may_miss && [ "${watch_missed:-0}" -gt 0 ] && ! has_death "$1"; then
		skip "$2" 'no line of it: the kernel skipped a run'
		unchecked=1
	fi
}

# says TEXT FILTER [BINDING...]
says() {
	says_text="$death_text: $1"
	shift
	check "$says_text" "$@"
}

signal_name() {
	case $1 in
	1) echo SIGHUP ;; 2) echo SIGINT ;; 3) echo SIGQUIT ;;
	4) echo SIGILL ;; 5) echo SIGTRAP ;; 6) echo SIGABRT ;;
	7) echo SIGBUS ;; 8) echo SIGFPE ;; 9) echo SIGKILL ;;
	10) echo SIGUSR1 ;; 11) echo SIGSEGV ;; 12) echo SIGUSR2 ;;
	13) echo SIGPIPE ;; 14) echo SIGALRM ;; 15) echo SIGTERM ;;
	16) echo SIGSTKFLT ;; 24) echo SIGXCPU ;; 25) echo SIGXFSZ ;;
	26) echo SIGVTALRM ;; 27) echo SIGPROF ;; 29) echo SIGIO ;;
	30) echo SIGPWR ;; 31) echo SIGSYS ;;
	esac
}

# died_of SIGNAL
died_of() {
	says "signal $1 and no status" \
		'.exit.signal == $signal and (.exit | has("code") | not)
			and ($name == "" or .exit.signal_name == $name)' \
		--argjson signal "$1" --arg name "$(signal_name "$1")"
}

# exited CODE
exited() {
	says "status $1 and no signal, no killer" \
		'.exit.code == $code and (.exit | has("signal") or has("killer")
			or has("signal_name") | not)' --argjson code "$1"
}

# killed_by PID COMM [SOURCE]
killed_by() {
	says "the killer is $2" \
		'.exit.killer.source == $source and .exit.killer.pid == $pid
			and .exit.killer.comm == $comm' \
		--arg source "${3:-user}" --argjson pid "$1" --arg comm "$2"
}

# caused_by SOURCE: the kernel sent it, so nobody is named.
caused_by() {
	says "the kernel, by $1, and nobody" \
		'.exit.killer.source == $source
			and (.exit.killer | has("pid") or has("comm")
				or has("exe") or has("forged_pid") | not)' \
		--arg source "$1"
}

# caused_itself: nobody else is named.
caused_itself() {
	says 'nobody but the process itself' \
		'.exit.killer.source == "self"
			and (.exit.killer.pid // .process.pid) == .process.pid' \
		--argjson pid "$death_pid"
}

# check_start PID TICKS FIELD: start_ns there is the start that /proc/PID/stat
# has: the identity that survives a reused pid.
check_start() {
	says "$2 has the start of /proc/PID/stat" \
		"($2.start_ns / 10000000 | floor) == \$ticks" --argjson ticks "$1"
}

# untold PID TEXT: no line, neither exec nor exit.
untold() {
	check_sh "$2" test "$(grep -c "\"process\": *{\"pid\": *$1[,}]" "$out")" -eq 0
}
