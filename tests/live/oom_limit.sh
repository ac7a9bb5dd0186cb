#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: default v1
# A working set just under the limit, steady for seconds, needs a little more:
# no leak and no burst, the limit is too small.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-limit-too-small'
limit=$((64 * MIB))

memory_controller
cgroup_new limit "$limit"
watch_oom
cgroup_run limit "$triggers/oom" steady 58 7 6 10
wait_ready
wait_line oom_kill 1 60
await_exit "$pid" 30
watch_stop

check_sh 'the kernel counted one kill' test "$(oom_kills limit)" -eq 1
check_sh 'one kill, one line' test "$(lines_of oom_kill)" -eq 1
select_line oom_kill
check_kill "$pid" oom limit limit "$limit" "$pid"
check 'the history stays near the limit' \
	'.oom_kill.history | length >= 3
		and (.[1:] | map(.usage_bytes) | min > 0.75 * $limit)' \
	--argjson limit "$limit"
check_rule "$expected_rules"
finish
