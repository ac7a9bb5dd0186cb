#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends
# File pages that reclaim cannot take back (mlocked) fill the cgroup. Ordinary
# page cache, clean or dirty, is reclaimed: writing far above the limit is no OOM.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-cache'
limit=$((64 * MIB))

memory_controller
disk_new "$tmp/disk" 160 || skip_test "$disk_error"
cgroup_new cache "$limit"
watch_oom
cgroup_run cache "$triggers/oom" cache "$tmp/disk/write" 80 write
writer=$pid
wait_word 'done' 60
check_sh 'page cache alone is not killed for' is_alive "$writer"
check_sh 'no line for it' test "$(lines_of oom_kill)" -eq 0
kill_wait "$writer"
rm "$tmp/disk/write"

cgroup_run cache "$triggers/oom" cache "$tmp/disk/mlock" 70 mlock 8
wait_line oom_kill 1 60
await_exit "$pid" 30
watch_stop

check_sh 'the kernel counted one kill' test "$(oom_kills cache)" -eq 1
select_line oom_kill
check_kill "$pid" oom cache cache "$limit" "$pid"
check 'it is file memory' \
	'.oom_kill.victim_file_bytes > 40 * 1048576
		and .oom_kill.victim_anon_bytes < 4 * 1048576
		and any(.oom_kill.history[]; .file_bytes > 40 * 1048576)'
check_rule "$expected_rules"
finish
