#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends
# Flat for a while, then far too much at once; and too much with no past at all.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-burst'
expected_rules_young='oom-no-history oom-burst'
limit=$((64 * MIB))

memory_controller
cgroup_new burst "$limit"
watch_oom
cgroup_run burst "$triggers/oom" burst 20 6 100
burst=$pid
wait_ready
wait_line oom_kill 1 60
cgroup_new young "$limit"
cgroup_run young "$triggers/oom" burst 1 0 100
young=$pid
wait_line oom_kill 2 60
await_exit "$burst" 30
await_exit "$young" 30
watch_stop

check_sh 'the kernel counted one kill in each' \
	test "$(oom_kills burst) $(oom_kills young)" = '1 1'
check_sh 'two kills, two lines' test "$(lines_of oom_kill)" -eq 2
select_line oom_kill '.process.pid == $pid' --argjson pid "$burst"
check_kill "$burst" oom burst burst "$limit" "$burst"
check 'the history was flat before' \
	'.oom_kill.history | length >= 3
		and (.[1:4] | map(.anon_bytes) | max - min < 2 * 1048576)'
check_shape "$expected_rules"

select_line oom_kill '.process.pid == $pid' --argjson pid "$young"
check_kill "$young" oom young young "$limit" "$young"
if [ "${KWHY_GUEST:-0}" = 1 ]; then
	skip 'nothing is claimed about growth that was not seen' \
		'in an emulated guest a young process lives long enough to be seen'
else
	check 'nothing is claimed about growth that was not seen' \
		'.oom_kill.history // [] | map(select(.usage_bytes > 2 * 1048576))
			| length < 3'
fi
check_shape "$expected_rules_young"
finish
