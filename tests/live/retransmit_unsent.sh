#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: default
# Segments that could not be sent, that need not be, and that the peer does not
# want: what the kernel counts is told, what it does not count is not.
. "$(dirname "$0")/lib_retransmit.sh"

watch_start retranswatch
scene full retransmit full 4 2500
scene full6 retransmit full 6 1500
scene slow retransmit slow 2000
scene gone retransmit gone 4 2500
scene gone6 retransmit gone 6 2500
scene probes retransmit probes 4000
scene dead retransmit_peer dead 3300
scene refuse retransmit_peer refuse
scene zero retransmit_peer zero 3300
scene unreachable retransmit_peer unreachable 3300
scene queue retransmit_peer queue 3500
scene scope retransmit_peer scope 2500
scenes_end 20
watch_stop
check_sh 'the account balances' kinds_balance
for name in slow probes; do
	! has_scene $name ||
		check_sh "$name: the kernel counts nothing" test "$(scene_fact $name RetransSegs)" -eq 0
done
! has_scene slow || check_sh 'slow: the kernel did not send what was in the queue yet' \
	test "$(scene_fact slow TCPSpuriousRtxHostQueues)" -gt 0
check_sh 'probes: there were some' test "$(scene_fact probes TCPKeepAlive)" -gt 1 -a "$(scene_fact probes TCPWinProbe)" -gt 1
scenes_read

# Before 6.17 the kernel says nothing of those that fail: they are found by its counters.
errors=no
! grep -qw 'int err' /sys/kernel/tracing/events/tcp/tcp_retransmit_skb/format 2>/dev/null || errors=yes
for name in full full6; do
	about $name
	if [ $errors = yes ]; then
		all_of client rto
		says 'by a queue that dropped them' '.flow.client.last.tcp_retransmit.err | . == 1 or . == -105'
	else
		says 'all of it is of client' '.flow.client.count == .all.count and .all.count > 0'
		says 'no other class' '.all.by_class | keys - ["rto", "unknown"] == []'
	fi
	says 'all failed' '.flow.client.failed == .flow.client.count'
	mine client holder connect
	as_info client ESTABLISHED
done
for name in slow probes; do
	has_scene $name || continue
	about $name
	says 'nothing is told' '.lines == []'
done
for name in gone gone6; do
	about $name
	all_of client rto
	says 'only those before' '.flow.client.count == .fact.before and .flow.client.count > 0'
	[ $errors = no ] || says 'those that had no way are told, and not counted' '.flow.client | .not_tried > 0 and .failed == 0
		and .last.tcp_retransmit.err == -113'
done
about dead
all_of client rto
as_info client ESTABLISHED
mine client holder connect
says 'backed off' '.flow.client.last.tcp_retransmit.backoff >= 2'
says 'a peer that is silent' '.flow.client.last.tcp_retransmit.since_ack_ns > 8e8'
says 'it has room' '.flow.client.last.tcp_retransmit.peer_window_bytes > 30000'
about refuse
all_of client syn
mine client holder connect
about zero
all_of client rto
mine client holder connect
says 'the window is closed' '.flow.client.last.tcp_retransmit.peer_window_bytes == 0'
says 'for how long' '.flow.client.last.tcp_retransmit.zero_window_ns > 1e8'
says 'half of it arrived' '.flow.client.last.tcp_retransmit | .acked_bytes == 1001 or .acked_bytes == 1000'
about unreachable
all_of client rto
says 'what the router said' '.flow.client.last.tcp_retransmit.soft_error == "EHOSTUNREACH"'
about queue 'a full queue'
says 'of both handshakes' '.flow.first.count + .flow.second.count == .all.count and .flow.first.count > 0
	and .flow.second.count > 0'
of_one_class 'of that class' synack
mine first listener listen
mine second listener listen
says 'the queue and its limit' '.flow.second.last.tcp_retransmit | .queue == 4 and .limit == 3'
about scope 'link-local'
all_of client rto
mine client holder connect
as_info client ESTABLISHED
says 'the interface' '.flow.client.last.tcp_retransmit.interface == "near"'
says 'the addresses' '.flow.client.last.tcp_retransmit | .saddr == "fe80::1" and .daddr == "fe80::2"'
finish
