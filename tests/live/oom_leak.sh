#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: default v1
# A process grows steadily until its cgroup's limit: a leak, with its slope.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-leak'
limit=$((64 * MIB))
rate=6

memory_controller
cgroup_new leak "$limit"
watch_oom
cgroup_run leak "$triggers/oom" leak 10 "$rate"
wait_ready
ticks=$(start_ticks "$pid")
wait_line oom_kill 1 60
await_exit "$pid" 30
watch_stop

check_sh 'the kernel killed it' test "$status" -eq 137
check_sh 'the kernel counted one kill' test "$(oom_kills leak)" -eq 1
check_sh 'one kill, one line' test "$(lines_of oom_kill)" -eq 1
select_line oom_kill
check_kill "$pid" oom leak leak "$limit" "$pid"
check 'the start time is the one of /proc/PID/stat' \
	'(.process.start_ns / 10000000 | floor) == $ticks' --argjson ticks "$ticks"
check 'executable, arguments and parent are known' \
	'(.process.exe | endswith("/triggers/oom"))
		and (.process.args | tostring | contains("leak"))
		and .process.ppid == $ppid' --argjson ppid $$
check 'the victim is among the candidates, first' \
	'.oom_kill.candidates[0] | .pid == $pid and .victim' --argjson pid "$pid"
check 'the history shows the growth, oldest first' \
	'.oom_kill.history | length >= 3 and . == sort_by(.boot_ns)
		and .[0].anon_bytes < 0.7 * .[-1].anon_bytes'
check "the slope is about $rate MiB/s" \
	'.oom_kill.growth_bytes_per_s / 1048576
		| . > 0.6 * $rate and . < 1.4 * $rate' --argjson rate "$rate"
check 'its memory came back: how much and how fast' \
	'.oom_kill.freed_bytes > 0.8 * .oom_kill.victim_anon_bytes
		and .oom_kill.freed_bytes <= 1.1 * $limit
		and .oom_kill.time_to_die_ns > 0' --argjson limit "$limit"
check_rule "$expected_rules"
check 'usage and limit of the diagnosis are bytes of the cgroup' \
	'.diagnosis.resource == "memory" and .diagnosis.limit == $limit
		and .diagnosis.usage <= $limit
		and .diagnosis.usage > 0.98 * $limit' \
	--argjson limit "$limit"
finish
