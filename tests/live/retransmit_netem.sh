#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: default
# netem loses three of ten packets of 500 connections: the sum is what the kernel counted, and each line says that this
# host lost them, and where.
. "$(dirname "$0")/lib_retransmit.sh"

watch_start retranswatch
scene netem retransmit_many netem 500 6000 300
scenes_end 30
watch_stop
check_sh 'the account balances' kinds_balance
scenes_read
if has_scene netem; then
	check_sh 'most of them send again' test "$(scene_fact netem RetransSegs)" -gt 1000
	about netem
	says 'connections are kept apart' '[.lines[].tcp_retransmit | [.saddr, .sport, .daddr, .dport]] | unique | length | . > 700 and . <= 1000'
	says 'each is of who made it' '.lines | all(.process.comm == "retransmit_many")'
	says 'drops on the way out' '.all.drops_out > .all.count'
	# both ends are here: some of what was lost was the peer's answers
	says 'it is this host that loses them' '[.lines[] | select(.tcp_retransmit.drops_out > 0).diagnosis.rule] as $rules
		| ($rules | unique) - ["tcp-dropped-here", "tcp-answers-dropped-here", "tcp-dropped-there"] == []
		and ($rules | map(select(. == "tcp-dropped-here")) | length) > ($rules | length) * 0.9'
fi
finish
