#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# The account of both kinds balances, also when there is no room: what is lost
# is told, and what is filtered is counted.
. "$(dirname "$0")/lib_fd.sh"

processes=30
[ "$slow" = 1 ] || processes=10

balanced() {
	jq -c 'select(.kind == "stop").stop.kinds' "$out"
	jq -es '[.[-1].stop.kinds[] | select(.kind == "fd_exhausted" or .kind == "fd_leak")
		| .generated == .delivered + .filtered + .lost] | length == 2 and all' "$out"
}

# tally KIND FIELD
tally() {
	jq -s --arg kind "$1" --arg field "$2" '[.[-1].stop.kinds[] | select(.kind == $kind)[$field]] | add // 0' "$out"
}

# refuse_many: $processes of them fail five times each; their pids in $pids.
refuse_many() {
	pids=
	count=0
	while [ "$count" -lt "$processes" ]; do
		run "$exhaust" openat 5 --comm crowded
		pids="$pids $pid"
		count=$((count + 1))
	done
	for pid in $pids; do
		await_exit "$pid" 100
	done
}

sums() {
	jq -s --argjson pids "[$(echo "$pids" | sed 's/^ //; s/ /,/g')]" '[.[] | select(.kind == "fd_exhausted")
		| select(.process.pid as $pid | $pids | index($pid)).fd_exhausted.count] | add // 0' "$out"
}

watch_start fdleak
refuse_many
watch_stop
check_sh 'enough room: the account balances' balanced
# 0 but where the kernel skips programs
missed=$(missed_runs)
check_sh 'enough room: every call of every process' test $(($(sums) + missed)) -ge $((processes * 5)) \
	-a "$(sums)" -le $((processes * 5))
check_sh 'enough room: nothing else lost' test "$(tally fd_exhausted lost)" -le "$missed"
check_sh 'enough room: one line for each process' jq -es --argjson count "$processes" \
	'[.[] | select(.kind == "fd_exhausted" and .process.comm == "crowded").process.pid] | length == $count and length == (unique | length)' \
	"$out"
check_sh 'enough room: what was delivered are lines' test \
	"$(jq -s '[.[] | select(.kind == "fd_exhausted")] | length' "$out")" -le "$(tally fd_exhausted delivered)"

watch_start fdleak -c nobody-is-called-so
refuse_many
watch_stop
check_sh 'another name: nothing is told' test "$(sums)" -eq 0
check_sh 'another name: the account balances' balanced
watch_start fdleak -c crowded
refuse_many
watch_stop
check_sh 'this name: all of it' test $(($(sums) + $(missed_runs))) -ge $((processes * 5))
check_sh 'this name: the account balances' balanced

# A reader that stands still, and little room.
watch_start fdleak --ring 64
kill -STOP "$watch_pid"
refuse_many
kill -CONT "$watch_pid"
sleep "$slow"
exhaust openat 5 --comm crowded
kill -TERM "$watch_pid"
await_exit "$watch_pid" "$patience"
check_sh 'no room: it ends with 0' test "$status" -eq 0
check_sh 'no room: the account balances' balanced
check_sh 'no room: no hole in seq, and a stop line' jq -es '([.[].seq] | . == [range(.[0]; .[0] + length)])
	and .[-1].kind == "stop"' "$out"
check_sh 'no room: what was lost is in gap lines' jq -es '([.[] | select(.kind == "gap"
	and .gap.kind == "fd_exhausted").gap.count] | add // 0) == (.[-1].stop.kinds[] | select(.kind == "fd_exhausted").lost)' \
	"$out"
lost=$(tally fd_exhausted lost)
echo "# $lost lost, $(sums) told of $((processes * 5))"
check_sh 'no room: told and lost together are at least all that failed' test $(($(sums) + lost)) -ge $((processes * 5))
check_sh 'no room: what comes after is told as ever' test "$(pids=" $pid" sums)" -eq 5
status=0
"$build/fdleak" -j --strict -d 1 >"$tmp/strict" 2>&1 || status=$?
check_sh 'strict: it runs, or says that it would be degraded' test "$status" -eq 0 -o "$status" -eq 1
finish
