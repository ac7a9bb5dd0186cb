#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_oom.sh
# vm: host (an emulated guest takes many minutes for it)
# Readers that do not read and a disk that is full: what one sink does not take
# reaches the other, what is lost is told, no line is torn.
. "$(dirname "$0")/lib_oom.sh"

limit=$((8 * MIB))
made=0
# Long paths make long lines: about 7 KiB.
long=$(printf '%0150d' 0)
deep=$long/$long/$long

deep_cgroups() {
	memory_controller
	cgroup_new "$long"
	cgroup_new "$long/$long"
	cgroup_new "$deep"
}

# flood COUNT: kills one after the other, in one cgroup. The shell that provokes
# them may fall too, so whoever is missing is made up for.
flood() {
	made=$((made + 1))
	cgroup_new "$deep/flood$made" "$limit"
	for _ in 1 2 3 4 5; do
		flood_left=$(($1 - $(oom_kills "$deep/flood$made")))
		[ "$flood_left" -gt 0 ] || break
		cgroup_run "$deep/flood$made" sh -c '
			echo -500 >/proc/self/oom_score_adj
			for i in $(seq "$1"); do "$0" -a 0 burst 1 0 24; done' \
			"$triggers/oom" "$flood_left"
		await_exit "$pid" $((patience + 10 * flood_left))
	done
	check_sh "the kernel counted $1 kills" \
		test "$(oom_kills "$deep/flood$made")" -eq "$1"
}

# tool STDOUT [OPTION...]: its own file is $out.
tool() {
	tool_stdout=$1
	shift
	rm -f "$out"
	"$build/oomwatch" -o json -w "$out" --cgroup "$memory_base" "$@" \
		>"$tool_stdout" 2>"$tmp/watch.err" 3>&- &
	watch_pid=$!
	note_pid "$watch_pid"
	check_sh 'the tool is armed' wait_until "$patience" watch_armed
}

# send SIGNAL PID: to a process that we started and that has not ended: the pid
# of one that has may be somebody else's by now.
send() {
	! grep -qxF "$2 $(start_ticks "$2")" "$tmp/pids" ||
		kill "-$1" "$2" 2>/dev/null || true
}

stop_tool() {
	send TERM "$watch_pid"
	await_exit "$watch_pid" "$patience"
	watch_rc=$status
}

# Whole lines of kind $1 in the file $2; a torn one is none.
whole_lines() {
	jq -R 'fromjson? | .kind' "$2" | grep -c "^\"$1\"" || true
}

has_whole() {
	[ "$(grep -c '"kind":"oom_kill","severity".*}$' "$1")" -ge "$2" ]
}

# tally FIELD: of the stop line in $out.
tally() {
	jq -r 'select(.kind == "stop").stop.kinds[0].'"$1" "$out"
}

# gap_sum FILE: what its gap lines add up to.
gap_sum() {
	jq -s '[.[] | select(.kind == "gap").gap | select(.cause == "output").count]
		| add // 0' "$1"
}

check_whole() {
	check_sh "$1: every line is whole" jq -es 'all(has("kind"))' "$2"
}

check_balance() {
	check_sh "$1: generated = delivered + filtered + lost" \
		jq -es 'map(select(.kind == "stop"))[0].stop.kinds[0]
			| .generated == .delivered + .filtered + .lost' "$out"
}

# This output lost no line: it has each number once.
check_no_hole() {
	check_sh "$1: seq without a hole" \
		jq -es '[.[].seq] == [range(1; length + 1)]' "$2"
}

# Kills go on while the tool already waits for the reader that does not read.
stop_amid_kills() {
	cgroup_new "$deep/late" "$limit"
	send TERM "$watch_pid"
	cgroup_run "$deep/late" "$triggers/oom" burst 1 0 24
	await_exit "$pid" 60
	await_exit "$watch_pid" "$patience"
	watch_rc=$status
}

# Takes what the pipe holds, for some seconds, and appends it to $tmp/read.
drain() {
	timeout "$1" cat <&3 >>"$tmp/read" || true
}

is_fresh() {
	drain 1
	has_whole "$tmp/read" "$1"
}

# A pipe that nobody reads, then somebody does, then nobody again.
slow_reader() {
	out=$tmp/slow.ndjson
	mkfifo "$tmp/pipe"
	exec 3<>"$tmp/pipe"
	tool "$tmp/pipe"
	flood 12
	check_sh 'slow reader: the file has everything at once' \
		wait_until "$patience" has_whole "$out" 12
	: >"$tmp/read"
	check_sh 'slow reader: who comes late gets everything' \
		wait_until "$patience" is_fresh 12
	check_whole 'slow reader: pipe' "$tmp/read"
	flood 14
	wait_until "$patience" has_whole "$out" 26 || true
	stop_amid_kills
	drain 2
	check_whole 'slow reader: file' "$out"
	check_no_hole 'slow reader: file' "$out"
	check_sh 'slow reader: the file has every kill' \
		test "$(whole_lines oom_kill "$out")" -ge 26
	check_sh 'slow reader: a gap only for what was not read' \
		jq -es '.[-1].kind == "stop" and (map(select(.kind == "gap").gap)
			| all(.cause == "output" and .program == "stdout"))' "$out"
	check_sh 'slow reader: each loss is told once' \
		test "$(gap_sum "$out")" -eq "$(tally lost)"
	check_balance 'slow reader'
	check_sh 'slow reader: the pipe was too small for the rest' \
		test "$(whole_lines oom_kill "$tmp/read")" -lt 26
	check_sh 'slow reader: what was never written is not counted as delivered' \
		test "$(tally delivered)" -eq "$(whole_lines oom_kill "$tmp/read")"
	exec 3>&-
}

# More than the tool holds for a reader that does not read: a megabyte.
stuck_reader() {
	out=$tmp/stuck.ndjson
	exec 3<>"$tmp/pipe"
	tool "$tmp/pipe"
	flood 190
	wait_until "$patience" has_whole "$out" 190 || true
	sleep 2
	stop_tool
	exec 3>&-
	check_whole 'stuck reader' "$out"
	check_no_hole 'stuck reader: file' "$out"
	check_sh 'stuck reader: the file has every kill' \
		test "$(whole_lines oom_kill "$out")" -eq 190
	check_balance 'stuck reader'
	check_sh 'stuck reader: some were lost on stdout' \
		test "$(tally lost)" -gt 0
	check_sh 'stuck reader: each loss is told once' \
		test "$(gap_sum "$out")" -eq "$(tally lost)"
}

full_disk() {
	out=$tmp/disk/events.ndjson
	mount_new "$tmp/disk" -t tmpfs -o size=16k none
	tool "$tmp/full.ndjson"
	# The first gap lines still fit into the last page.
	flood 18
	check_sh 'full disk: stdout has everything' \
		wait_until "$patience" has_whole "$tmp/full.ndjson" 18
	sleep 2
	check_sh 'full disk: the file has not' \
		test "$(whole_lines oom_kill "$out")" -lt 18
	mount -o remount,size=4m "$tmp/disk"
	check_sh 'full disk: a gap line comes once there is room' \
		wait_until "$patience" grep -q '"cause":"output"' "$out"
	flood 1
	wait_until "$patience" has_whole "$tmp/full.ndjson" 19 || true
	stop_tool
	check_whole 'full disk: file' "$out"
	check_whole 'full disk: stdout' "$tmp/full.ndjson"
	check_no_hole 'full disk: stdout' "$tmp/full.ndjson"
	check_sh 'full disk: stdout has every kill' \
		test "$(whole_lines oom_kill "$tmp/full.ndjson")" -eq 19
	check_balance 'full disk'
	check_sh 'full disk: delivered is what the file has' \
		test "$(tally delivered)" -eq "$(whole_lines oom_kill "$out")"
	check_sh 'full disk: the kill afterwards is there, behind the gap line' \
		jq -es '[.[].kind] | .[-2:] == ["oom_kill", "stop"]
			and index("gap") != null' "$out"
	check_sh 'full disk: the file tells each loss once' \
		test "$(gap_sum "$out")" -eq "$(tally lost)"
	check_sh 'full disk: stdout tells each loss once' \
		test "$(gap_sum "$tmp/full.ndjson")" -eq "$(tally lost)"
	check_sh 'full disk: exit status 1, also when there was room again' \
		test "$watch_rc" -eq 1
}

still_full() {
	out=$tmp/small/events.ndjson
	mount_new "$tmp/small" -t tmpfs -o size=8k none
	tool "$tmp/still.ndjson"
	flood 2
	wait_until "$patience" has_whole "$tmp/still.ndjson" 2 || true
	stop_tool
	check_whole 'still full: file' "$out"
	check_sh 'still full: stdout says what the file lacks' \
		test "$(gap_sum "$tmp/still.ndjson")" -gt 0
	check_sh 'still full: exit status 1' test "$watch_rc" -eq 1
}

deep_cgroups
slow_reader
if [ -z "${KWHY_GUEST:-}" ]; then
	stuck_reader
else
	skip 'stuck reader' '190 kills take minutes in an emulated guest'
fi
full_disk
still_full
finish
