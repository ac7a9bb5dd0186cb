#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: default
# Signals that the kernel sends: limits, seccomp, terminals, timers, pipes,
# parents. Whoever was on the CPU then is not the killer.
. "$(dirname "$0")/lib_exit.sh"

# dies PROGRAM ARGS...: in the background; sets $victim.
dies() {
	dies_program=$1
	shift
	run "$triggers/$dies_program" "$@"
	victim=$pid
}

# second_word: the pid behind "ready PID".
other() {
	wait_ready
	other=${words##* }
}

watch_start exitwatch
dies die cpu 1 1
soft=$victim
dies die cpu 1 2
hard=$victim
dies die fsize "$tmp/file"
fsize=$victim
dies die strict
strict=$victim
dies die filter
filter=$victim filter_out=$run_out
dies die filter thread
filter_thread=$victim
dies die filter trap
filter_trap=$victim
dies die pipe
pipe=$victim
dies die itimer
itimer=$victim
dies die itimer prof
prof=$victim
dies die itimer virtual
virtual=$victim
dies die timer 10
timer=$victim
dies die sigio
sigio=$victim
dies die pdeath 15 5
parent=$victim
other
orphan=$other
dies die pdeath 9
killed_parent=$victim
other
killed_orphan=$other
slay kill 9 "$killed_parent"
parent_killer=$killer
ends "$killer" "$killed_parent" "$parent"
dies die wait
traced=$victim
wait_ready
dies slay trace "$traced"
tracer=$victim
ends "$tracer" "$traced"
for how in intr hangup leader; do
	dies perish pty $how
	pty=$victim
	other
	eval "tty_$how=$other"
	ends "$pty"
done
ends "$soft" "$hard" "$fsize" "$strict" "$filter" "$pipe" "$itimer" "$timer" \
	"$sigio" "$filter_thread" "$filter_trap" "$prof" "$virtual"
# shellcheck disable=SC2154 # eval
wait_deaths "$soft" "$hard" "$fsize" "$strict" "$filter" "$pipe" "$itimer" \
	"$timer" "$sigio" "$orphan" "$killed_orphan" "$tty_intr" "$tty_hangup" \
	"$tty_leader" "$filter_thread" "$filter_trap" "$prof" "$virtual" \
	"$traced"
watch_stop

# told PID TEXT SIGNAL SOURCE
told() {
	death "$1" "$2"
	died_of "$3"
	caused_by "$4"
}

# The limit counts ticks, and an emulated guest loses many.
slack=500000000
[ "${KWHY_GUEST:-0}" = 0 ] || slack=1900000000
told "$soft" 'too much processor time' 24 rlimit
says 'the limit' '.exit.killer.cpu_limit_ns == 1000000000'
says 'it ran for one second' \
	'.exit.cpu_user_ns + (.exit.cpu_system_ns // 0) - 1000000000
		| fabs < $slack' --argjson slack "$slack"
told "$hard" 'still too much' 9 rlimit
says 'the limit' '.exit.killer.cpu_limit_ns == 2000000000'
says 'it ran for two seconds' \
	'.exit.cpu_user_ns + (.exit.cpu_system_ns // 0) - 2000000000
		| fabs < $slack' --argjson slack "$slack"
told "$fsize" 'too long a file' 25 rlimit
told "$strict" 'seccomp, strict' 9 seccomp
told "$filter" 'seccomp, a filter' 31 seccomp
says 'the system call that was refused' '.exit.killer.syscall == $number' \
	--argjson number "$(sed -n 's/.*syscall=//p' "$filter_out")"
told "$filter_thread" 'seccomp, the only thread' 31 seccomp
told "$filter_trap" 'seccomp, a trap' 31 seccomp
told "$prof" 'ITIMER_PROF' 27 timer
told "$virtual" 'ITIMER_VIRTUAL' 26 timer
told "$traced" 'its tracer ended' 9 kernel
told "$pipe" 'nobody reads' 13 kernel
told "$itimer" 'setitimer()' 14 timer
told "$timer" 'timer_create()' 10 timer
told "$sigio" 'a descriptor is ready' 29 kernel
death "$orphan" 'its parent exited'
died_of 15
killed_by "$parent" die pdeathsig
says 'with what' '.exit.killer.sender_code == 5
	and (.exit.killer | has("sender_signal") | not)'
says 'an orphan' '.exit.orphan'
death "$killed_orphan" 'its parent was killed'
died_of 9
killed_by "$killed_parent" die pdeathsig
says 'by what' '.exit.killer.sender_signal == 9
	and (.exit.killer | has("sender_code") | not)'
death "$killed_parent" 'the parent'
died_of 9
killed_by "$parent_killer" slay
told "$tty_intr" '^C' 2 tty
told "$tty_hangup" 'the terminal is gone' 1 tty
told "$tty_leader" 'the session is over' 1 tty
finish
