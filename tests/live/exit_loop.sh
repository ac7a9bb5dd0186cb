#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# The same program dying again and again, of one cause and of several.
. "$(dirname "$0")/lib_exit.sh"

deaths=12
cp "$die" "$tmp/looper"
cp "$die" "$tmp/mixer"
cp "$die" "$tmp/single"

# dies PROGRAM ARGS...: adds its pid to $pids.
dies() {
	run "$@"
	ends "$pid"
	pids="$pids $pid"
}

watch_start exitwatch
pids=
dies "$tmp/single" raise 6
single=$pids
pids=
begin=$(cut -d . -f 1 /proc/uptime)
for _ in $(seq "$deaths"); do
	dies "$tmp/looper" segv 0
done
looper=$pids
window=$(($(cut -d . -f 1 /proc/uptime) - begin + 1))
pids=
for _ in $(seq 6); do
	dies "$tmp/mixer" raise 6
	dies "$tmp/mixer" exit 127
done
mixer=$pids
# shellcheck disable=SC2086 # words
wait_deaths $single $looper $mixer
watch_stop

death "${single# }" 'a single death'
died_of 6
says 'is no loop' '.exit | has("loop") | not'
count=0
for pid in $looper; do
	count=$((count + 1))
	death "$pid" "death $count"
	died_of 11
	says 'each before it is counted once' \
		'(.exit.loop.deaths // $count) == $count' --argjson count "$count"
done
says 'the last is in a loop' '.exit.loop | .deaths == $deaths
	and .window_ns > 0 and .window_ns <= $window * 1000000000' \
	--argjson deaths "$deaths" --argjson window "$window"
says 'of one cause' '.exit.loop.same_cause'
death "${mixer##* }" 'the last of two kinds of death'
exited 127
says 'is in a loop of several causes' '.exit.loop.deaths == 12
	and (.exit.loop.same_cause // false | not)'
finish
