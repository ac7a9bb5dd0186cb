#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends v1
# Files in a tmpfs and shared anonymous memory: charged to the cgroup, the first
# in no process at all, so that the kill frees nothing.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-tmpfs'
expected_rules_shm='oom-tmpfs oom-leak'
limit=$((64 * MIB))

memory_controller
mount_new "$tmp/tmpfs" -t tmpfs -o size=200m kwhy ||
	skip_test 'no tmpfs can be mounted'
cgroup_new tmpfs "$limit"
cgroup_new shm "$limit"
watch_oom
cgroup_run tmpfs "$triggers/oom" tmpfs "$tmp/tmpfs" 8
writer=$pid
wait_ready
wait_line oom_kill 1 60
cgroup_run shm "$triggers/oom" shm 8
sharer=$pid
wait_ready
wait_line oom_kill 2 60
await_exit "$writer" 30
await_exit "$sharer" 30
watch_stop

check_sh 'the kernel counted one kill in each' \
	test "$(oom_kills tmpfs) $(oom_kills shm)" = '1 1'
select_line oom_kill '.process.pid == $pid' --argjson pid "$writer"
check_kill "$writer" oom tmpfs tmpfs "$limit" "$writer"
check 'the victim held next to nothing, the tmpfs nearly all' \
	'.oom_kill.victim_anon_bytes + .oom_kill.victim_shmem_bytes < 4 * 1048576
		and any(.oom_kill.history[]; .shmem_bytes > 40 * 1048576)'
check 'the kill freed next to nothing' \
	'.oom_kill.freed_bytes // 0 | . < 8 * 1048576'
check_sh 'so says the cgroup' test "$(cgroup_usage tmpfs)" -gt $((40 * MIB))
check_rule "$expected_rules"

select_line oom_kill '.process.pid == $pid' --argjson pid "$sharer"
check_kill "$sharer" oom shm shm "$limit" "$sharer"
check 'the victim held shared memory' \
	'.oom_kill.victim_shmem_bytes > 40 * 1048576
		and .oom_kill.victim_anon_bytes < 4 * 1048576'
check 'its last user gone, the shared memory came back' \
	'.oom_kill.freed_bytes > 0.8 * .oom_kill.victim_shmem_bytes'
check_rule "$expected_rules_shm"
finish
