#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: default
# Every reason to send again, each in a network namespace of its own: as many
# segments as the kernel counted there, by their class, with what the kernel
# says of the connection.
. "$(dirname "$0")/lib_retransmit.sh"

flows=60
[ "$slow" = 1 ] || flows=10

watch_start retranswatch
scene rto retransmit rto 4 3300
scene rto6 retransmit rto 6 900
scene mapped retransmit rto 46 900
scene fast retransmit fast 4 3
scene fast6 retransmit fast 6 2
scene tlp retransmit tlp 4 3
scene tlp6 retransmit tlp 46 2
scene syn retransmit syn 4 3400
scene syn6 retransmit syn 6 1400
scene synack retransmit synack 4 3400
scene synack6 retransmit synack 6 1400
scene spurious retransmit spurious 4
scene mtu retransmit mtu 2500
scene many retransmit_many storm "$flows" 3000 150
# the first of them, while it goes on
scene long retransmit rto 4 8000
long=$pid
wait_until 10 scene_said long netns || true
long_netns=$(scene_fact long netns)
check_sh 'the first is told while it goes on' wait_until $((4 * slow)) told_at_least "$long_netns" 1
check_sh 'that was not the end of it' is_alive "$long"
scenes_end 20
sleep 1
long_told=$(told "$long_netns")
watch_stop
check_sh 'at the end of a connection the rest is told' test "$long_told" -le "$(scene_fact long RetransSegs)" \
	-a $((long_told + $(runs_lacking))) -ge "$(scene_fact long RetransSegs)"
check_sh 'the account balances' kinds_balance
scenes_read

for name in rto rto6 mapped; do
	about $name
	all_of client rto
	as_info client ESTABLISHED
	mine client holder connect
	says 'timeouts' '.flow.client.timeouts as $told | .fact.tcptimeouts as $true
	| $told <= $true and $told + $lack >= $true' --argjson lack "$may_lack"
	says 'not acknowledged: nothing since' '.flow.client.last.tcp_retransmit | (.advanced // false) == false'
	says 'one segment of 1000 bytes' '.flow.client.last.tcp_retransmit | .segment_bytes == 1000 and .bytes_in_queue == 1000'
	says 'this side opened it' '.flow.client.last.tcp_retransmit | (.accepted // false) == false'
	says 'none failed' '.flow.client.failed == 0'
done
about long
says 'in few lines' '.flow.client.lines | . >= 2 and . <= 6'
says 'the last line has the sum' '.flow.client.last.tcp_retransmit.total == .fact.retranssegs'
says 'and how long it went on' '.flow.client.last.tcp_retransmit.incident_ns | . > 5e9 and . < $slow * 12e9' \
	--argjson slow "$slow"
says 'the first soon after it began' '.flow.client.first.tcp_retransmit.count <= 5'
for name in fast fast6; do
	about $name
	all_of client fast
	mine client holder connect
	says 'as often as the kernel says' '.all.by_class.fast as $told | .fact.tcpfastretrans
		| $told <= . and $told + $lack >= .' --argjson lack "$may_lack"
	says 'it went on' '.flow.client.last.tcp_retransmit.state == "ESTABLISHED"'
done
for name in tlp tlp6; do
	about $name
	all_of client tlp
	says 'each probe once' '.all.by_class.tlp as $told | .fact.tcplossprobes
		| $told <= . and $told + $lack >= .' --argjson lack "$may_lack"
	mine client holder connect
done
for name in syn syn6; do
	about $name
	all_of client syn
	says 'the state' '.flow.client.last.tcp_retransmit.state == "SYN_SENT"'
	mine client holder connect
done
for name in synack synack6; do
	about $name
	all_of server synack
	says 'the state' '.flow.server.last.tcp_retransmit.state | . == "SYN_RECV" or . == "NEW_SYN_RECV"'
	says 'the peer opened it' '.flow.server.last.tcp_retransmit.accepted == true'
	says 'the queue of the listener is empty' '.flow.server.last.tcp_retransmit | (.queue // 0) == 0 and .limit == 16'
	mine server listener listen
done
about spurious
all_of client rto
says 'the peer had them already' '.flow.client.spurious >= .fact.tcpdsackrecv and .flow.client.spurious > 0'
about mtu
all_of client rto
as_info client ESTABLISHED
says 'full segments' '.flow.client.last.tcp_retransmit | .segment_bytes == .mss_bytes'
says 'what came before was acknowledged' '.flow.client.last.tcp_retransmit | .acked_bytes >= 300'
about many
says 'fast ones' '.all.by_class.fast - .fact.tcpfastretrans | fabs <= 5 + $lack' --argjson lack "$may_lack"
says 'probes' '(.all.by_class.tlp // 0) <= .fact.tcplossprobes'
says 'timeouts, and what follows from them' '.all.by_class.rto - (.fact.tcptimeouts + .fact.tcpslowstartretrans) | fabs <= 5 + $lack' \
	--argjson lack "$may_lack"
says 'hardly any without a class' '(.all.by_class.unknown // 0) <= 5 + $lack' --argjson lack "$may_lack"
finish
