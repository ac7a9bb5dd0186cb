#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: ends
# One place of twenty-one forgets what it opened: it is named, and no other.
. "$(dirname "$0")/lib_fd.sh"

count=150
[ "$slow" = 1 ] || count=40
run "$leakfd" eventfd-one-of-twenty --wait --every $((40 * slow)) --count "$count" --soft 1024
leaker=$pid leaker_out=$run_out
wait_ready
run "$leakfd" steady --wait --every $((40 * slow)) --count "$count" --soft 1024
steady=$pid
wait_ready
run "$leakfd" twins --wait --every $((40 * slow)) --count "$count" --soft 1024
twins=$pid
twins_out=$run_out
wait_ready
look leak "$leaker" 100 --tick 0.5
look twins "$twins" 100 --tick 0.5
look steady "$steady" 100 --tick 0.5
looks_armed leak steady twins
kill -USR2 "$leaker" "$steady" "$twins"
# each before it is at rest for long, as a cache that is full
{
	wait_until 90 grep -q '^rest' "$twins_out" || true
	kill -TERM "$look_tool_twins"
} &
wait_until 90 grep -q '^rest' "$leaker_out" || true
kill -TERM "$look_tool_leak" "$look_tool_steady"
look_end leak "$leaker"
balances
open_as "$leaker"
rest=$(sed -n 's/^rest open //p' "$leaker_out")
# since 7.1 a program that is preempted is skipped for others, and a guest's is preempted often
says 'opened and closed are what it says' '($opened - .fd_leak.opened) as $less
	| $less >= 0 and $less <= (if $guest then $opened / 100 else 0 end) and $closed - .fd_leak.closed == $less' \
	--argjson opened "$(echo "$rest" | cut -d ' ' -f 3)" --argjson closed "$(echo "$rest" | cut -d ' ' -f 5)" \
	--argjson guest "$([ "$slow" = 1 ] && echo false || echo true)"
says 'the forgetful function comes first, with the exact number' '.fd_leak.sites[0] | .outstanding == $count
	and .opened == $count and (.closed // 0) == 0 and .type == "eventfd"' --argjson count "$count"
stack_has '.fd_leak.sites[0].stack' forgotten_eventfd main
says 'it only rises' '.fd_leak.sites[0] | .rises > 3 and (.falls // 0) == 0 and .grown > $count / 2' \
	--argjson count "$count"
says 'the cache of eight is a place, too, and has eight' '[.fd_leak.sites[]
	| select(.stack | map(startswith("honest_18")) | any)] | length == 1 and .[0].outstanding == 8'
says 'no other place grows' '[.fd_leak.sites[1:][] | select(.outstanding > 12)] == []'
says 'the verdict names it' '[.diagnosis.cause, .message] | map(contains("forgotten_eventfd")) | any'
says 'the verdict names no honest one' \
	'[.message, .diagnosis.title, .diagnosis.cause, .diagnosis.do[]] | map(contains("honest_")) | any | not'
says 'the types' '.fd_leak.by_type[0] | .type == "eventfd" and .count == $count + 8' --argjson count "$count"
# the honest ones grow, too, at the start
says 'how fast' '.fd_leak.growth_per_min as $rate | (60000 / $every) as $true
	| $rate > $true * 0.4 and $rate < $true * 1.6' --argjson every $((40 * slow))
says 'how long it lasts' '.fd_leak | .exhausted_in_s as $s | ((.soft - .open) * 60 / .growth_per_min) as $true
	| $s > $true * 0.7 and $s < $true * 1.4'
says 'the course of it' '.fd_leak.history | length > 4 and . == sort'
check_rule fd-leak-site

look_end steady "$steady"
balances
says 'nobody is called a leak' '.diagnosis.rule | startswith("fd-leak") or startswith("fd-pile") | not'
says 'it does not grow' '(.fd_leak.exhausted_in_s // 1000000) > $seconds' --argjson seconds 200

# Two that call the same from the same depth: one of them forgets. Not to know
# which is better than to name the other.
look_end twins "$twins"
balances
open_as "$twins"
says 'the honest twin is not named' \
	'[.message, .diagnosis.title, .diagnosis.cause, .diagnosis.do[]] | map(contains("twin_honest")) | any | not'
says 'the honest one has next to nothing open' '.fd_leak.sites | all(.[]; .outstanding < 10 or
	([.stack[] | split("+")[0]] | index("twin_honest") == null))'
check_rule 'fd-leak-site fd-leak'
check_flush
jq -r 'select(.kind == "fd_leak").fd_leak | "# twins: \(.unattributed) of \(.outstanding) have no place"' "$out"
finish
