#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: small
# The host itself runs out of memory. Only in a small guest of ours.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-host'

mebibytes() {
	awk -v name="$1:" '$1 == name { print int($2 / 1024) }' /proc/meminfo
}

[ "${KWHY_GUEST:-0}" = 1 ] || skip_test 'only in a guest (KWHY_GUEST=1)'
[ "$(mebibytes MemTotal)" -lt 600 ] || skip_test 'MemTotal is not below 600 MiB'

memory_controller
cgroup_new host
watch_oom
rate=$((($(mebibytes MemAvailable) + $(mebibytes SwapFree)) / 8 + 1))
# Raised score: the kernel is to choose this one and not the tests.
cgroup_run host "$triggers/oom" -t 120 -n hog -a 1000 leak 10 "$rate"
wait_ready
wait_line oom_kill 1 120
await_exit "$pid" 30
watch_stop

check_sh 'the kernel killed it' test "$status" -eq 137
check_sh 'one kill, one line' test "$(lines_of oom_kill)" -eq 1
select_line oom_kill
check_victim "$pid" hog host
check 'the host is in trouble' \
	'.oom_kill.scope == "global" and .oom_kill.killed
		and .severity == "critical"'
check 'no cgroup bound, only the host' \
	'[.oom_kill.limits[]? | select(.binding) | .path] | . - ["/"] == []'
check 'the history shows the growth' '.oom_kill.history | length >= 3'
check_rule "$expected_rules"
finish
