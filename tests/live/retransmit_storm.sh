#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: host (what it asks of the tool is the same on every kernel)
# Thousands of segments of hundreds of connections: few lines, and their sum is
# what the kernel counted, exactly. What there is no room for is told as lost.
. "$(dirname "$0")/lib_retransmit.sh"

watch_start retranswatch
scene storm retransmit_many storm 300 6000 200
scene bulk retransmit_many bulk 4 5000 10
scene churn retransmit_many churn 50 5000
scenes_end 30
watch_stop
check_sh 'the account balances' kinds_balance
check_sh 'nothing is lost but runs that were skipped' test "$(tally lost)" -le "$(missed_runs)"
lines=$(jq -s '[.[] | select(.kind == "tcp_retransmit")] | length' "$out")
echo "# $lines lines; RetransSegs: storm $(scene_fact storm RetransSegs), bulk $(scene_fact bulk RetransSegs), churn $(scene_fact churn RetransSegs)"
check_sh 'the storm is one' test "$(scene_fact storm RetransSegs)" -gt 3000
check_sh 'many segments in one go' test "$(scene_fact bulk RetransSegs)" -gt 500
scenes_read
about storm
says 'in few lines' '.all.lines <= 600 * 4'
says 'every one with an owner' '.fact.netns as $netns | .lines | all(.process.comm == "retransmit_many")'
# a probe may be sent in recovery, too; what the kernel skipped the program for has no class
says 'by class as the kernel counts' '(.all.by_class.tlp // 0) <= .fact.tcplossprobes
	and ((.all.by_class.fast + $lack) / .fact.tcpfastretrans > 0.97) and (.all.by_class.fast / .fact.tcpfastretrans < 1.03)' \
	--argjson lack "$may_lack"
says 'hardly any without a class' '(.all.by_class.unknown // 0) <= $lack + .fact.retranssegs / 1000' --argjson lack "$may_lack"
says 'each connection is kept apart' '[.lines[].tcp_retransmit | [.saddr, .sport, .daddr, .dport]] | unique | length
	| . > 500 and . <= 600'
says 'their totals do not fall' '[.lines[].tcp_retransmit | select(.total)] | group_by([.saddr, .sport, .daddr, .dport])
	| all(map(.total) | . == sort)'
about bulk
says 'by class as the kernel counts' '.all.by_class.fast / .fact.tcpfastretrans | . > 0.97 and . < 1.03'
about churn
says 'one line for each' '.all.lines <= .fact.rounds * 50 and .all.lines + $lack >= .fact.rounds * 50' --argjson lack "$may_lack"
of_one_class 'of the class' rto

# A reader that stands still, and little room.
check_flush
scenes_forget
out=$tmp/narrow.ndjson
watch_start retranswatch --ring 4
kill -STOP "$watch_pid"
scene narrow retransmit_many storm 200 3000 300
scenes_end 20
kill -CONT "$watch_pid"
sleep 1
scene after retransmit rto 4 1500
scenes_end 20
kill -TERM "$watch_pid"
await_exit "$watch_pid" "$patience"
check_sh 'no room: it ends with 0' test "$status" -eq 0
check_sh 'no room: the account balances' kinds_balance
check_sh 'no room: no hole in seq, and a stop line' jq -es '([.[].seq] | . == [range(.[0]; .[0] + length)])
	and .[-1].kind == "stop"' "$out"
told=$(told "$(scene_fact narrow netns)")
check_sh 'no room: every line says in which namespace' \
	test "$(jq -r 'select(.kind == "tcp_retransmit" and .tcp_retransmit.netns == null).seq' "$out" | wc -l)" -eq 0
true=$(scene_fact narrow RetransSegs)
lost=$(tally lost)
echo "# $told told of $true, $lost lost"
check_sh 'no room: not more than there were' test "$told" -le "$true"
check_sh 'no room: all is told, or it is told that something was lost' test $((told + true / 1000)) -ge "$true" -o "$lost" -gt 0
check_sh 'no room: told and lost together are at least all' test $((told + lost + true / 1000)) -ge "$true"
check_sh 'no room: what comes after is told as ever' \
	test "$(told "$(scene_fact after netns)")" -eq "$(scene_fact after RetransSegs)"
finish
