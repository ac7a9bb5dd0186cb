#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends v1
# The chosen task is dying already, of another's SIGKILL: the kernel marks it
# and kills nobody. It is kept from going first by a tracer, then by the freezer.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-already-exiting'
limit=$((64 * MIB))
freezer=/sys/fs/cgroup/freezer

thaw() {
	echo THAWED >"$freezer$memory_base/freezer.state"
}

is_frozen() {
	[ "$(cat "$freezer$memory_base/freezer.state")" = FROZEN ]
}

# sibling CGROUP LINES: needs what the victim still holds; sets $sibling.
sibling() {
	cgroup_run "$1" "$triggers/oom" -n sibling burst 5 1 25
	sibling=$pid
	wait_ready
	wait_line oom_kill "$2" 60
}

check_exiting() {
	exiting=$((exiting + 1))
	check_spared "$1: the sibling got its memory" "$sibling"
	also_killed_sum=$((also_killed_sum + also_killed))
	check_sh "$1: the kernel killed nobody then" \
		test "$(oom_kills "$1")" -eq "$also_killed"
	check_sh "$1: nor does its log say so" test -z "$(kernel_kill "$victim")"
	select_line oom_kill '.process.pid == $pid' --argjson pid "$victim"
	check "$1: the chosen one was exiting, nobody was killed" \
		'.oom_kill.killed == false and .oom_kill.scope == "memcg"'
	check "$1: in its own cgroup" '.cgroup.path == $path' \
		--arg path "$(cgroup_path "$1")"
	check_limit "$1" "$limit"
	check "$1: the sibling asked" '.oom_kill.trigger_pid == $pid' \
		--argjson pid "$sibling"
	check "$1: what it still held" \
		'.oom_kill.victim_anon_bytes > 38 * 1048576'
	check_rule "$expected_rules"
	kill_wait "$sibling"
}

traced() {
	cgroup_new traced "$limit"
	cgroup_run traced "$triggers/oom" -n victim hold 40
	victim=$pid
	wait_ready
	run "$triggers/linger" trace "$victim" 30
	tracer=$pid
	wait_ready
	kill -9 "$victim"
	wait_word exiting 30
	sibling traced 1
	kill_wait "$tracer"
	check_exiting traced
}

frozen() {
	if ! [ -e "$freezer/cgroup.procs" ]; then
		skip 'a frozen victim' 'no v1 freezer: v2 lets a frozen task die'
		return
	fi
	cgroup_make "$freezer$memory_base"
	cleanup_extra=thaw
	cgroup_new frozen "$limit"
	cgroup_run frozen "$triggers/oom" -n victim hold 40
	victim=$pid
	wait_ready
	echo "$victim" >"$freezer$memory_base/cgroup.procs"
	echo FROZEN >"$freezer$memory_base/freezer.state"
	check_sh 'the victim is frozen' wait_until 30 is_frozen
	kill -9 "$victim"
	sibling frozen 2
	# Being chosen has thawed it.
	await_exit "$victim" 30
	check_sh 'the victim died of the earlier SIGKILL' test "$status" -eq 137
	check_exiting frozen
}

exiting=0
also_killed_sum=0
memory_controller
watch_oom
traced
frozen
watch_stop
check_sh 'one line for each' \
	test "$(lines_of oom_kill)" -eq $((exiting + also_killed_sum))
finish
