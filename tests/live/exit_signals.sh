#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# Every signal that ends a process, every status, and what the process used: all
# as wait4() says it.
. "$(dirname "$0")/lib_exit.sh"

fatal='1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 24 25 26 27 29 30 31 34 64'
shown='126 127 129 130 137 143 159 192'
hidden='0 1 2 125 128 193 255'

# reaped ARGS...: of die, below a parent that says what wait4() said.
reaped() {
	run prlimit --core="$core_limit" sh -c 'cd "$0" && exec "$@"' "$tmp/core" \
		"$triggers/start" reap "$die" "$@"
	ends "$pid"
	# shellcheck disable=SC2046 # words
	set -- $(sed -n 's/^gone //p' "$run_out")
	gone_pid=$1 gone_core=$4
	gone_rss=$5 gone_user=$6 gone_system=$7 gone_wall=$8
}

# What was there before the tool is known as well.
run "$die" -n elder wait 'with an argument' --password=hunter2
elder=$pid
elder_ticks=$(start_ticks "$elder")
wait_ready
sleep 1
watch_start exitwatch
slay kill 15 "$elder"
elder_killer=$killer
ends "$killer" "$elder"
victims=
for signal in $fatal; do
	victim
	slay kill "$signal" "$victim"
	victims="$victims $victim:$killer"
	ends "$killer" "$victim"
done
coded=
for code in $shown $hidden; do
	run "$die" exit "$code"
	ends "$pid"
	coded="$coded $pid"
done
mkdir "$tmp/core"
core_limit=0
reaped work 300 64 137
work="$gone_pid $gone_rss $gone_user $gone_system $gone_wall"
reaped abort
aborted=$gone_pid aborted_core=$gone_core
run "$die" io "$tmp/io" 8
io=$pid
ends "$io"
io_read=$(sed -n 's/.* read=\([0-9]*\) .*/\1/p' "$run_out")
io_write=$(sed -n 's/.* write=//p' "$run_out")
core_limit=unlimited
reaped abort
dumped=$gone_pid dumped_core=$gone_core
# shellcheck disable=SC2046,SC2086 # words
wait_deaths $(echo "$victims" | tr ' ' '\n' | cut -d : -f 1) $aborted $dumped
watch_stop

# shellcheck disable=SC2086 # words
set -- $victims
for signal in $fatal; do
	death "${1%:*}" "signal $signal"
	died_of "$signal"
	killed_by "${1#*:}" slay
	shift
done
# shellcheck disable=SC2086 # words
set -- $coded
for code in $shown; do
	death "$1" "status $code"
	exited "$code"
	shift
done
for code in $hidden; do
	untold "$1" "status $code is nothing unusual"
	shift
done

# shellcheck disable=SC2086 # words
set -- $work
death "$1" 'what it used'
exited 137
says "largest resident set as wait4() has it ($2)" \
	'.exit.max_rss_bytes - $rss | fabs <= $rss / 10' --argjson rss "$2"
says "processor time in user mode as wait4() has it ($3 us)" \
	'.exit.cpu_user_ns / 1000 - $user | fabs <= 20000' --argjson user "$3"
says "processor time in the kernel as wait4() has it ($4 us)" \
	'.exit.cpu_system_ns / 1000 - $system | fabs <= 20000' \
	--argjson system "$4"
says 'it lived as long as its parent saw it' \
	'.exit.uptime_ns <= $wall and .exit.uptime_ns > $wall / 4
		and .exit.uptime_ns > 280000000
		and .exit.program_ns <= .exit.uptime_ns' --argjson wall "$5"
says 'nothing of a killer, a fault, a copy, a failed exec' \
	'.exit | has("killer") or has("fault") or has("copied_from")
		or has("failed_exec") or has("prior_signals") | not'
death "$io" 'what it read and wrote'
exited 137
says "read from storage as /proc/PID/io has it ($io_read)" \
	'.exit.read_bytes - $bytes | fabs <= 65536' --argjson bytes "$io_read"
says "written to storage as /proc/PID/io has it ($io_write)" \
	'.exit.write_bytes - $bytes | fabs <= 65536' --argjson bytes "$io_write"
death "$elder" 'older than the tool'
died_of 15
killed_by "$elder_killer" slay
check_start "$elder_ticks" .process
says 'what it is' '.process.comm == "elder" and .process.exe == $exe
	and .process.args == [$exe, "-n", "elder", "wait", "with an argument",
		"--password=<redacted:password>"]
	and .process.ppid == $parent and .process.uid == $uid' \
	--arg exe "$die" --argjson parent "$$" --argjson uid "$(id -u)"
says 'how old it is' '.exit.uptime_ns > 1000000000
	and (.exit.program_ns // .exit.uptime_ns) > 1000000000
	and .exit.threads == 1'
death "$aborted" 'no core'
died_of 6
says 'no core was written' '(.exit.core_dumped // false) == ($core == 1)' \
	--argjson core "$aborted_core"
if [ "$dumped_core" = 1 ]; then
	death "$dumped" 'a core'
	died_of 6
	says 'a core was written' '.exit.core_dumped == true'
else
	skip 'a core was written' 'the kernel wrote none'
fi
finish
