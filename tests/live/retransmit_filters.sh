#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: host (what it asks of the tool is the same on every kernel)
# Filters and ends: -p, --children, -c, --uid, -n, -d. What is filtered is
# counted.
. "$(dirname "$0")/lib_retransmit.sh"

# look NAME ARGS...: a tool of its own beside the others.
look() {
	look_name=$1
	shift
	"$build/retranswatch" -o json "$@" >"$tmp/$look_name.ndjson" 2>"$tmp/$look_name.err" &
	look_pid=$!
	note_pid "$look_pid"
	echo "$look_name $look_pid" >>"$tmp/looks"
	wait_until "$patience" grep -q '"kind": *"start"' "$tmp/$look_name.ndjson" ||
		tail -n 3 "$tmp/$look_name.err" | not_ok "$look_name: the tool starts"
}

look_pid_of() {
	awk -v name="$1" '$1 == name { print $2 }' "$tmp/looks"
}

# look_ends NAME: by a signal where it still runs.
look_ends() {
	kill -TERM "$(look_pid_of "$1")" 2>/dev/null || true
	await_exit "$(look_pid_of "$1")" "$patience"
	out=$tmp/$1.ndjson
	check_sh "$1: it ends with 0" test "$status" -eq 0
	check_sh "$1: the stream is whole" is_whole
	check_sh "$1: the account balances" kinds_balance
}

# only NAME SCENE...: all of these scenes, and nothing else.
only() {
	only_name=$1
	shift
	only_sum=0
	for only_scene in "$@"; do
		only_sum=$((only_sum + $(scene_fact "$only_scene" RetransSegs)))
		check_sh "$only_name: all of $only_scene" test \
			"$(told "$(scene_fact "$only_scene" netns)")" -eq "$(scene_fact "$only_scene" RetransSegs)"
	done
	check_sh "$only_name: nothing else" test "$only_sum" -eq \
		"$(jq -s '[.[] | select(.kind == "tcp_retransmit").tcp_retransmit.count] | add // 0' "$out")"
}

scene late retransmit late 2500
late=$pid
wait_until "$patience" scene_ready late
look pid -p "$late"
look comm -c retransmit_owne
look user --uid 23456
look nobody -c nobody-is-called-so
look first -n 1
look short -d 2
look all
scene other retransmit rto 6 2500
scene user retransmit_owner user 2500
scene thread retransmit_owner thread 2500
kill -USR2 "$late"
await_exit "$(look_pid_of short)" 10
check_sh '-d: it ends by itself' test "$status" -eq 0
await_exit "$(look_pid_of first)" 10
check_sh '-n: it ends by itself' test "$status" -eq 0
scenes_end 20

look_ends pid
only pid late
check_sh 'pid: the others are counted as filtered' test "$(tally filtered)" -gt 0
look_ends comm
only comm thread
look_ends user
only user user
look_ends nobody
only nobody
check_sh 'nobody: all are counted as filtered' test "$(tally filtered)" -gt 0
look_ends all
for name in late other user thread; do
	check_sh "all: all of $name" test "$(told "$(scene_fact $name netns)")" -eq "$(scene_fact $name RetransSegs)"
done
out=$tmp/first.ndjson
check_sh '-n: one line' test "$(jq -s '[.[] | select(.kind == "tcp_retransmit")] | length' "$out")" -eq 1
check_sh '-n: the stream is whole' is_whole
check_sh '-n: the account balances' kinds_balance
out=$tmp/short.ndjson
check_sh '-d: the stream is whole' is_whole
check_sh '-d: the account balances' kinds_balance
finish
