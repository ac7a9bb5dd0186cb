#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends
# The victim is small; a larger neighbour in the same cgroup filled it and was
# spared: because the victim offered itself, then because it is protected.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-neighbour'
limit=$((64 * MIB))

# neighbours CGROUP VICTIM-ADJ NEIGHBOUR-ADJ LINES: sets $victim and $neighbour.
neighbours() {
	cgroup_new "$1" "$limit"
	cgroup_run "$1" "$triggers/oom" -a "$2" -n small hold 8
	victim=$pid
	wait_ready
	cgroup_run "$1" "$triggers/oom" -a "$3" -n large leak 10 6 60
	neighbour=$pid
	wait_ready
	wait_line oom_kill "$4" 60
	await_exit "$victim" 30
}

check_neighbours() {
	check_spared "$1: the neighbour was spared" "$neighbour"
	check_sh "$1: the kernel counted one kill" \
		test "$(oom_kills "$1")" -eq $((1 + also_killed))
	select_line oom_kill '.process.pid == $pid' --argjson pid "$victim"
	check_kill "$victim" small "$1" "$1" "$limit" "$neighbour"
	check "$1: the neighbour is a candidate and larger" \
		'.oom_kill as $kill | [$kill.candidates[] | select(.pid == $pid)]
			| length == 1 and (.[0] | .comm == "large"
			and (.victim | not)
			and .anon_bytes > 4 * $kill.victim_anon_bytes
			and .oom_score_adj == $adj)' \
		--argjson pid "$neighbour" --argjson adj "$2"
	check "$1: the cause names the neighbour" \
		'.diagnosis.cause | contains("large")'
	check_rule "$expected_rules"
	kill_wait "$neighbour"
}

memory_controller
watch_oom
neighbours offered 1000 0 1
check_neighbours offered 0
if (echo -997 >/proc/self/oom_score_adj) 2>/dev/null; then
	neighbours protected 0 -997 2
	check_neighbours protected -997
else
	skip 'a protected neighbour' 'lowering oom_score_adj is not permitted here'
fi
watch_stop
finish
