#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# As many descriptors as a process may have: the number is exact, the looking
# takes a bounded time, and what was not looked at is said.
. "$(dirname "$0")/lib_fd.sh"

most=1000000
[ "$slow" = 1 ] || most=200000
raise=
! prlimit --nofile="$most:$most" true 2>"$tmp/value" || raise="prlimit --nofile=$most:$most"
# shellcheck disable=SC2086 # words
run $raise "$leakfd" million --count "$most" --every 100 -t 200
crowd=$pid
wait_until 100 grep -q '^ready\|^trigger' "$run_out" || true
wait_ready
made=$(fact made)
echo "# $made descriptors"

uptime_seconds
began=$uptime
look crowd "$crowd" $((4 * slow)) --tick 1
looks_armed crowd
look_end crowd "$crowd"
uptime_seconds
check_sh 'and ends in time' test $((uptime - began)) -le $((8 * slow))
open_as "$crowd"
says 'all are told of, or that it is not all' \
	'.fd_leak | (.partial // false) or ([.by_type[].count] | add) == .open'
says 'what they are' '.fd_leak.by_type[0] | .type == "device" and .count > 500'
says 'nothing grows' '.diagnosis.rule | startswith("fd-leak") | not'
check_flush
check_sh 'and little memory' jq -es '.[-1].stop.max_rss_bytes < 150e6' "$out"

# Gone in the middle of a look.
look dying "$crowd" 60 --tick 0.1
looks_armed dying
sleep 0.3
kill -9 "$crowd"
check_sh 'the tool outlives it' wait_until $((5 * slow)) grep -q '"ended":true' "$tmp/dying.ndjson"
look_end dying "$crowd"
says 'its last number' '.fd_leak | .ended and .open > 1000'
finish
