#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# Two of the tool at once: each tells the same of every death.
. "$(dirname "$0")/lib_exit.sh"

other=$tmp/other.ndjson

other_armed() {
	grep -q '"kind": *"start"' "$other"
}

# What both must agree about: not the nanosecond at which each looked.
facts() {
	jq -c --argjson pids "[$pids]" 'select(.kind == "exit")
		| select(.process.pid as $pid | $pids | index($pid))
		| {process, exit} | walk(if type == "object" then
			with_entries(select(.key == "start_ns"
				or (.key | endswith("_ns") | not)))
			else . end)' "$1"
}

watch_start exitwatch
run "$build/exitwatch" -o json -w "$other"
other_pid=$pid
wait_until "$patience" other_armed || true
pids=
for _ in 1 2 3; do
	run "$die" segv 0
	ends "$pid"
	pids="$pids$pid,"
done
victim
slay stop "$victim" 200
ends "$killer" "$victim"
pids=$pids$victim
wait_deaths "$victim"
kill -TERM "$other_pid"
ends "$other_pid"
check_sh 'the other ends with 0' test "$status" -eq 0
watch_stop
facts "$out" >"$tmp/ours"
facts "$other" >"$tmp/others"
check_sh 'four deaths' test "$(grep -c . "$tmp/ours")" -eq 4
check_sh 'both tell the same' diff "$tmp/ours" "$tmp/others"
for file in ours others; do
	check_sh "$file: where the faults were" jq -es \
		'map(select(.exit.signal == 11)) | length == 3
			and all(.exit.fault.mapping != null
				and .exit.fault.symbol != null)' "$tmp/$file"
done
finish
