#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: default v1
# Pipe buffers, then socket buffers fill the cgroup: memory of the kernel that
# no process's counters show.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-kernel-memory'
limit=$((64 * MIB))

kernel_kind() {
	cgroup_new "$1" "$limit"
	cgroup_run "$1" "$triggers/oom" kernel "$1" 8
	wait_ready
	wait_line oom_kill "$2" 60
	await_exit "$pid" 30
}

check_kind() {
	select_line oom_kill '.process.pid == $pid' --argjson pid "$2"
	check_sh "$1: the kernel counted one kill" test "$(oom_kills "$1")" -eq 1
	check_kill "$2" oom "$1" "$1" "$limit" "$2"
	check "$1: the victim held next to nothing" \
		'.oom_kill.victim_anon_bytes + .oom_kill.victim_shmem_bytes
			+ .oom_kill.victim_file_bytes < 4 * 1048576'
	check "$1: neither anonymous memory nor files explain the usage" \
		'.oom_kill.history[-1] | .usage_bytes > 40 * 1048576
			and .anon_bytes + .file_bytes < 8 * 1048576'
	check_rule "$expected_rules"
}

memory_controller
watch_oom
kernel_kind pipe 1
pipe=$pid
kernel_kind socket 2
socket=$pid
watch_stop

check_kind pipe "$pipe"
check_kind socket "$socket"
finish
