#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: host (needs nft and a kernel of 5.17 for the reasons)
# Segments that this host itself drops, on their way in and out, by rules of
# namespaces of their own.
. "$(dirname "$0")/lib_retransmit.sh"

for program in nft nsenter; do
	command -v $program >/dev/null || skip_test "$program is not installed"
done

# rules SCENE CHAIN RULE: in the namespace of that trigger.
rules() {
	nsenter -t "$(scene_pid "$1")" -n nft -f - <<-END
		table inet t {
			chain c {
				type filter hook $2 priority 0
				$3
			}
		}
	END
}

scene out retransmit_peer lossy 3300
scene in retransmit_peer data 3300
scene synack retransmit_peer connect 3400
scene syn retransmit_peer connect 3400
scene clean retransmit_peer data 500
for name in out in synack syn clean; do
	wait_until "$patience" scene_ready $name || true
done
# the first segment of 1000 bytes passes
rules out output 'quota over 1200 bytes drop' || skip_test 'no nftables here'
rules in input 'tcp flags & (syn|ack) == ack drop'
rules synack input 'tcp flags & (syn|ack) == (syn|ack) drop'
rules syn output 'tcp flags & (syn|ack) == syn drop'
watch_start retranswatch
for name in out in synack syn clean; do
	kill -USR2 "$(scene_pid $name)"
done
scenes_end 20
watch_stop
check_sh 'the account balances' kinds_balance
reasons=$(jq -r 'select(.kind == "start") | [.start.hooks[] | select(.kind == "tcp_retransmit").fields_lost // [] | .[]]
	| if any(startswith("tcp_retransmit.drop")) then "no" else "yes" end' "$out")
scenes_read

about out 'dropped on the way out'
all_of client rto
mine client holder
says 'all failed, as not permitted' '.flow.client.failed == .flow.client.count and .flow.client.last.tcp_retransmit.err == -1'
about in 'answers dropped here'
all_of client rto
mine client holder
says 'none failed' '.flow.client.failed == 0'
about synack 'SYN-ACKs dropped here'
all_of client syn
mine client holder connect
about syn 'SYNs dropped here'
says 'all of it is failed' '.all.failed == .all.count'
says 'SYNs' '.all.by_class | keys - ["syn"] == []'
if [ "$reasons" = yes ]; then
	about out 'dropped on the way out'
	says 'they are counted' '.flow.client.drops_out >= .flow.client.count'
	says 'why' '.flow.client.last.tcp_retransmit.drop_reason == "NETFILTER_DROP"'
	says 'none on the way in' '.flow.client.drops_in == 0'
	about in 'answers dropped here'
	says 'they are counted' '.flow.client.drops_in > 0'
	says 'why' '.flow.client.last.tcp_retransmit.drop_reason == "NETFILTER_DROP"'
	says 'none on the way out' '.flow.client.drops_out == 0'
	about synack 'SYN-ACKs dropped here'
	says 'they are counted' '.flow.client.drops_in > 0'
	says 'why' '.flow.client.last.tcp_retransmit.drop_reason == "NETFILTER_DROP"'
else
	skip 'the reasons of drops' 'this kernel does not tell them'
fi
# The peer of the third is a socket of this host, too: its SYN-ACKs again.
says_of='the peer that gets no ACK'
select_line synack
says 'its SYN-ACKs are counted, in its namespace' '.far.count == .fact.far.retranssegs and .far.count > 0'
of_one_class 'of their class' synack far
says 'of its process' '.fact.far.pid as $pid | .far.pids == [$pid]'
if [ "$reasons" = yes ]; then
	says 'dropped in another namespace' '.far.last.tcp_retransmit | .drops_out > 0
		and (.drop_netns | tostring) == ($netns | tostring)' --argjson netns "$(scene_fact synack netns)"
fi
about clean
says 'nothing is told' '.lines == [] and .far.count == 0'
finish
