#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: default
# A working set just under the limit, steady for seconds, needs a little more:
# no leak and no burst, the limit is too small.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-limit-too-small'
limit=$((64 * MIB))

# too_small CGROUP LINES [RAMP_S]
too_small() {
	cgroup_new "$1" "$limit"
	cgroup_run "$1" "$triggers/oom" steady 58 7 6 10 ${3:+"$3"}
	wait_ready
	wait_line oom_kill "$2" 60
	await_exit "$pid" 30
}

check_too_small() {
	check_sh "$1: the kernel counted one kill" test "$(oom_kills "$1")" -eq 1
	select_line oom_kill '.process.pid == $pid' --argjson pid "$2"
	check_kill "$2" oom "$1" "$1" "$limit" "$2"
	check "$1: the history stays near the limit" \
		'.oom_kill.history[-5:] | length == 5
			and (map(.usage_bytes) | min > 0.75 * $limit)' \
		--argjson limit "$limit"
	check_shape "$expected_rules"
}

memory_controller
watch_oom
too_small sudden 1
sudden=$pid
# The set is built up before it is steady, as by a program that starts.
too_small ramped 2 3
ramped=$pid
watch_stop

check_too_small sudden "$sudden"
check_too_small ramped "$ramped"
check_sh 'two kills, two lines' test "$(lines_of oom_kill)" -eq 2
finish
