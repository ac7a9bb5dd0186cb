#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: host (what it asks of the tool is the same on every kernel)
# Which peers and subnets are in trouble and which are not; and namespaces with
# the same addresses and ports, which are kept apart.
. "$(dirname "$0")/lib_retransmit.sh"

watch_start retranswatch
scene subnet retransmit_many subnet 6000
# all four parts the same, in three namespaces
scene first retransmit rto 4 1000 40124
scene second retransmit rto 4 2200 40124
scene third retransmit tlp 4 3 40124
scenes_end 20
watch_stop
check_sh 'the account balances' kinds_balance
scenes_read

about subnet
says 'only the lossy ones' '.lines | length >= 12 and all(.tcp_retransmit.daddr | startswith("10.0.3."))'
says 'twelve of them' '[.lines[].tcp_retransmit | [.sport, .daddr]] | unique | length == 12'
says 'the peer' '.lines[-1].tcp_retransmit | .peer_flows == 4 and .peer_flows_bad == 4'
says 'the subnet' '.lines[-1].tcp_retransmit | .subnet == "10.0.3.0/24" and .subnet_flows == 12 and .subnet_flows_bad == 12'
says 'all others are clean' '.lines[-1].tcp_retransmit | .other_flows == 40 and (.other_flows_bad // 0) == 0'
says 'the verdict has them' '[.lines[-1].diagnosis.cause, .lines[-1].diagnosis.evidence[].claim, .lines[-1].message]
	| any(contains("10.0.3.0/24"))'
for name in first second third; do
	about $name 'the same addresses'
	all_of client "$([ $name = third ] && echo tlp || echo rto)"
	mine client holder connect
	says 'with the ports' '.flow.client.last.tcp_retransmit | .sport == 40123 and .dport == 40124
		and .saddr == "127.0.0.1" and .daddr == "127.0.0.1"'
done
finish
