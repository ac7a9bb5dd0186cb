#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: default
# memory.oom.group: one is chosen, all die, one line says so.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-leak'
limit=$((64 * MIB))
members=5

memory_controller
[ "$version" = 2 ] || skip_test 'memory.oom.group needs cgroup v2'
cgroup_new group "$limit"
group_file=$memory_root$memory_base/group/memory.oom.group
[ -e "$group_file" ] || skip_test 'no memory.oom.group'
echo 1 >"$group_file"
watch_oom
cgroup_run group "$triggers/oom" group "$members" 4 6
wait_ready
pids=${words#ready }
wait_line oom_kill 1 60
await_exit "$pid" 30
watch_stop

check_sh 'one incident, one line' test "$(lines_of oom_kill)" -eq 1
# The kernel counts the chosen one twice in oom_kill.
check_sh 'the kernel counted them all' \
	test "$(oom_kills group)" -ge "$members"
select_line oom_kill
check_kill "$pid" oom group group "$limit" "$pid"
check "$members died together, each named once" \
	'.oom_kill.group_killed.n == $n and (.oom_kill.group_killed.pids | sort)
		== ($pids / " " | map(tonumber) | sort)' \
	--argjson n "$members" --arg pids "$pids"
check 'what came back is what all of them held' \
	'.oom_kill.freed_bytes > 0.8 * $limit' --argjson limit "$limit"
check_rule "$expected_rules"
finish
