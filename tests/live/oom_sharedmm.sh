#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends
# Two processes share one mm. The kernel marks and logs one of them and kills
# both.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-leak'
limit=$((64 * MIB))

memory_controller
cgroup_new shared "$limit"
watch_oom
cgroup_run shared "$triggers/oom" sharedmm 8
wait_ready
sharer=${words##* }
wait_line oom_kill 1 60
await_exit "$pid" 30
check_sh 'the kernel killed the one' test "$status" -eq 137
check_sh 'and the other' wait_until 10 is_dead "$sharer"
watch_stop

check_sh 'the kernel counted one kill' test "$(oom_kills shared)" -eq 1
check_sh 'one incident, one line' test "$(lines_of oom_kill)" -eq 1
victim=$pid
other=$sharer
if [ -z "$(kernel_kill "$pid")" ]; then
	victim=$sharer
	other=$pid
fi
select_line oom_kill
check_kill "$victim" oom shared shared "$limit" "$pid"
check 'the one that died with it is named' \
	'.oom_kill.group_killed.pids | index($pid)' --argjson pid "$other"
check_rule "$expected_rules"
finish
