#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends v1
# The victim does not go: held in a tracer's exit stop, then asleep in D on a
# frozen file system. The card must not wait for it.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-no-history oom-burst'
limit=$((64 * MIB))
freezer_pid=

thaw() {
	[ -z "$freezer_pid" ] || kill -TERM "$freezer_pid"
}

is_in_disk_sleep() {
	process_state "$1"
	[ "$state" = D ]
}

# provoke CGROUP LINES: a sibling makes the kernel kill $victim; sets $sibling.
provoke() {
	cgroup_run "$1" "$triggers/oom" -n sibling burst 5 1 25
	sibling=$pid
	wait_ready
	wait_line oom_kill "$2" 60
	check_sh "$1: the line came while the victim was there" is_alive "$victim"
}

# check_stuck CGROUP COMM STATE
check_stuck() {
	check_spared "$1: the sibling got the memory" "$sibling"
	check_sh "$1: the kernel counted one kill" \
		test "$(oom_kills "$1")" -eq $((1 + also_killed))
	select_line oom_kill '.process.pid == $pid' --argjson pid "$victim"
	check_kill "$victim" "$2" "$1" "$1" "$limit" "$sibling"
	check "$1: the victim has not died, and the line says so" \
		'.oom_kill.stuck_pid == $pid and .oom_kill.stuck_state == $state
			and .oom_kill.time_to_die_ns == null' \
		--argjson pid "$victim" --arg state "$3"
	check_shape "$expected_rules"
	kill_wait "$sibling"
}

traced() {
	cgroup_new traced "$limit"
	cgroup_run traced "$triggers/oom" -n victim hold 40
	victim=$pid
	wait_ready
	run "$triggers/linger" trace "$victim" 30
	tracer=$pid
	traced_out=$run_out
	wait_ready
	provoke traced 1
	check_sh 'traced: it is in its exit stop' \
		grep -q "^exiting $victim" "$traced_out"
	kill_wait "$tracer"
	check_stuck traced victim t
}

asleep() {
	if ! disk_new "$tmp/disk" 8; then
		skip 'asleep in D' "$disk_error"
		return
	fi
	cleanup_extra=thaw
	cgroup_new asleep "$limit"
	cgroup_run asleep "$triggers/linger" -n victim write "$tmp/disk/file" 40
	victim=$pid
	wait_ready
	run "$triggers/linger" -t 90 freeze "$tmp/disk"
	freezer_pid=$pid
	wait_ready
	check_sh 'asleep: the victim is in D' \
		wait_until 30 is_in_disk_sleep "$victim"
	provoke asleep 2
	check_sh 'asleep: still in D' is_in_disk_sleep "$victim"
	kill -TERM "$freezer_pid"
	await_exit "$freezer_pid" 30
	freezer_pid=
	await_exit "$victim" 30
	check_sh 'asleep: thawed, it died of SIGKILL' test "$status" -eq 137
	check_stuck asleep victim D
}

memory_controller
watch_oom
traced
asleep
watch_stop
finish
