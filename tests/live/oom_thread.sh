#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends v1
# The leader has exited, another thread grows: the kernel marks the thread, the
# victim is the process.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-leak'
limit=$((64 * MIB))

memory_controller
cgroup_new thread "$limit"
watch_oom
cgroup_run thread "$triggers/oom" thread 8
wait_ready
tid=${words##*tid=}
wait_line oom_kill 1 60
await_exit "$pid" 30
watch_stop

check_sh 'the kernel counted one kill' test "$(oom_kills thread)" -eq 1
check_sh 'one kill, one line' test "$(lines_of oom_kill)" -eq 1
select_line oom_kill
# The kernel log names the thread; the name of the process is its leader's.
check_kill "$tid" oom thread thread "$limit" "$pid"
check 'the process is the subject, the thread is named' \
	'.process.pid == $pid and .process.tid == $tid
		and .oom_kill.victim_is_thread' \
	--argjson pid "$pid" --argjson tid "$tid"
check_rule "$expected_rules"
finish
