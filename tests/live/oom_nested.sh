#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends v1
# The parent is full, its children have no limit of their own. A task of one
# child asks for the page, a task of the other dies.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-neighbour oom-burst'
limit=$((64 * MIB))

memory_controller
cgroup_new pod "$limit"
cgroup_new pod/quiet
cgroup_new pod/loud
watch_oom
cgroup_run pod/quiet "$triggers/oom" -n quiet hold 36
victim=$pid
wait_ready
cgroup_run pod/loud "$triggers/oom" -n loud burst 5 5 27
loud=$pid
wait_ready
wait_line oom_kill 1 60
await_exit "$victim" 30
watch_stop

check_spared 'the other child lives' "$loud"
check_sh 'the kernel counted the kill in the child of the victim' \
	test "$(oom_kills pod/quiet) $(oom_kills pod/loud)" = "1 $also_killed"
check_sh 'one kill, one line' \
	test "$(lines_of oom_kill)" -eq $((1 + also_killed))
select_line oom_kill '.process.pid == $pid' --argjson pid "$victim"
check_kill "$victim" quiet pod/quiet pod "$limit" "$loud"
check 'the child had no limit of its own' \
	'.oom_kill.limits[0] | .path == $path and .max_bytes == "max"
		and (.binding | not) and .usage_bytes > 30 * 1048576' \
	--arg path "$(cgroup_path pod/quiet)"
check 'every level is there, from the victim up' \
	'.oom_kill.limits | map(.path) | .[:3] == [$quiet, $pod, $base]' \
	--arg quiet "$(cgroup_path pod/quiet)" --arg pod "$(cgroup_path pod)" \
	--arg base "$memory_base"
check 'who asked is named' '.oom_kill.trigger_comm == "loud"'
check_shape "$expected_rules"
finish
