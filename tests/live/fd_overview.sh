#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# Without a pid: who is nearest the limit comes first, with the numbers that
# /proc has.
. "$(dirname "$0")/lib_fd.sh"

# holder COUNT SOFT: sets $pid.
holder() {
	run "$leakfd" pool --count "$1" --soft "$2" --hard 2000 --every 10000 --comm "pool-$1-$2"
	wait_ready
}

holder 985 1000
first=$pid
holder 240 256
second=$pid
holder 500 600
third=$pid
holder 300 2000
fourth=$pid
sleep 0.5

watch_start fdleak -d $((3 * slow))
await_exit "$watch_pid" 60
check_sh 'it ends when told to' test "$status" -eq 0
watch_stop

check_sh 'who is near the limit, the nearest first' jq -es '[.[] | select(.kind == "fd_leak" and .fd_leak.overview)
	| .fd_leak | .open / .soft] | length >= 3 and . == (sort | reverse)' "$out"
check_sh 'ours in their order' jq -es --argjson first "$first" --argjson second "$second" --argjson third "$third" \
	'[.[] | select(.kind == "fd_leak" and .fd_leak.overview).process.pid
		| select(. == $first or . == $second or . == $third)] == [$first, $second, $third]' "$out"
check_sh 'each once' jq -es '[.[] | select(.kind == "fd_leak" and .fd_leak.overview).process.pid] | length == (unique | length)' \
	"$out"
# numbers PID NAME
numbers() {
	says_of=$2
	select_line fd_leak '.process.pid == $pid' --argjson pid "$1"
	open_as "$1"
	says 'soft and hard are those of /proc/PID/limits' '.fd_leak | [.soft, .hard] == $limits' \
		--argjson limits "$(awk '/^Max open files/ { print "[" $4 "," $5 "]" }' "/proc/$1/limits")"
	says 'who' '.process.comm == $name and .process.uid == 0' --arg name "$2"
	says 'what they are' '(.fd_leak.by_type | length > 3) and ([.fd_leak.by_type[].count] | add) == .fd_leak.open'
	says 'no rate is claimed of one look' '.fd_leak | has("exhausted_in_s") | not'
}
numbers "$first" pool-985-1000
numbers "$second" pool-240-256
numbers "$third" pool-500-600
check_flush
check_sh 'the one with room is not among the first three' jq -es --argjson pid "$fourth" \
	'[.[] | select(.kind == "fd_leak" and .fd_leak.overview).process.pid][:3] | index($pid) == null' "$out"

# The same for people.
"$build/fdleak" -d 1 -o line >"$tmp/lines" 2>&1 || true
check_sh 'a line for each' sh -c 'grep -q "pool-985-1000" "$0" && grep -q "pool-240-256" "$0"' "$tmp/lines"
"$build/fdleak" -d 1 -o card -c pool-240-256 >"$tmp/cards" 2>&1 || true
check_sh 'only the one asked for' sh -c 'grep -q "pool-240-256" "$0" && ! grep -q "pool-985" "$0"' "$tmp/cards"
finish
