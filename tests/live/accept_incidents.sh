#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_accept.sh
# vm: host (what it asks of the tool is the same on every kernel)
# One incident and several: told in time and not only at the end, apart where they are not the same, and however many there
# are at a time.
. "$(dirname "$0")/lib_accept.sh"

# tells_now SCENE COUNT: while the tool runs, so many are told within three seconds
tells_now() {
	check_sh "$1: $2 are told in time" wait_until 8 has_sum "$1" "$2"
}

has_sum() {
	[ "$(scene_sum "$1" 2>/dev/null)" = "$2" ]
}

watch_start acceptwatch
# whenever the second one comes
for ms in 350 500 700 800 900 1000 1100 1300 1700; do
	scene after$ms listen=2 fill drop=1 sleep=$ms drop=1 gate freeze
done
# one in two seconds
scene slow listen=2 fill drop=1 sleep=2000 drop=1 sleep=2000 drop=1 sleep=2000 drop=1 gate freeze
for ms in 350 500 700 800 900 1000 1100 1300 1700; do
	wait_fact after$ms gate
done
for ms in 350 500 700 800 900 1000 1100 1300 1700; do
	tells_now after$ms 2
	go_on after$ms
done
wait_fact slow gate
tells_now slow 4
go_on slow
scenes_end

# another process listens on the same port, at once and after the first was told
scene restart listen=2 fill drop=5 restart=4 close fill drop=7 "$rest" freeze
scene later listen=2 fill drop=5 sleep=1800 restart=4 close fill drop=7 "$rest" freeze
scene wide listen=2 fill drop=40,50 sleep=1000 drop=9 "$rest" freeze
scene two_stuck group=30,loop,nap,nap,loop drop=300,2 "$rest" freeze
scenes_end
# more listeners than anyone keeps apart
scene many many=150,12 sleep=500 freeze
scenes_end
watch_stop
check_sh 'the account balances' balanced accept_overflow
sum_up

for ms in 350 500 700 800 900 1000 1100 1300 1700; do
	told after$ms "$ms ms after the first" 2
done
told slow 'one in two seconds' 4
told_many=true
for name in restart later; do
	told_space $name "$name: another process listens" 12
	says 'each has its own' '.lines | group_by(.process.pid)
		| map({key: (.[0].process.pid | tostring), value: (map(.accept_overflow.count) | add)}) | from_entries
		== {($first | tostring): 5, ($second | tostring): 7}' \
		--argjson first "$(fact_of $name first)" --argjson second "$(fact_of $name pid)"
	says 'and its own total, time and limit' '[.lines[] | select(.process.pid == $second).accept_overflow]
		| all(.limit == 4 and .total <= 7 and .listen_backlog == 4 and .incident_ns < 1e9)' \
		--argjson second "$(fact_of $name pid)"
done
told_space many '150 listeners' 1800
says 'each with its own' '[.all[] | {sport, count}] | group_by(.sport) | length == 150 and all(map(.count) | add == 12)'
told_space two_stuck 'two of four never accept' "$(fact_of two_stuck overflows)"
says 'these two' '.pids == $pids' \
	--argjson pids "$({ fact_of two_stuck 'worker 1'; fact_of two_stuck 'worker 2'; } | sort -n | jq -sc .)"
says 'two are full' '[.all[] | .group_full] | max == 2'
told_many=false
told wide 'for three seconds' 49
says 'few lines' '.lines | length <= 6'
finish
