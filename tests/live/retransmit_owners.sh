#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: default
# Whose connection it is: never the process that was on the CPU when the timer
# ran out, and no stranger where the owner is gone.
. "$(dirname "$0")/lib_retransmit.sh"

run "$triggers/retransmit_owner" -t 240 hog
wait_ready
hog=$pid
scene late retransmit late 3800
late=$pid
wait_until "$patience" scene_ready late || true
# accepted, and by a child of the one that listens, before the watch began
scene early retransmit_owner early 3800
early=$pid
wait_until "$patience" scene_ready early || true
watch_start retranswatch
kill -USR2 "$late" "$early"
scene prefork retransmit_owner prefork 3800
scene passed retransmit_owner passed 3800
scene shared retransmit_owner shared 3800
scene inherit retransmit_owner inherit 3800
scene orphan retransmit_owner orphan 2500
scene unaccepted retransmit_owner unaccepted 5000
scene user retransmit_owner user 1500
scene thread retransmit_owner thread 3800
scene executed retransmit_owner executed 3800
scene vanish retransmit_owner vanish 700
scene reused retransmit_owner reused 700
scenes_end 20
watch_stop
check_sh 'the account balances' kinds_balance
check_sh 'the process on the CPU is never the owner' test \
	"$(jq -r --argjson hog "$hog" 'select(.kind == "tcp_retransmit" and (.process.comm == "retransmit-hog"
		or .process.pid == $hog or .process.ppid == $hog)).message' "$out" | wc -l)" -eq 0
check_sh 'nor is the idle task' test \
	"$(jq -r 'select(.kind == "tcp_retransmit" and .process and (.process.pid | . == null or . < 1)).message' "$out" |
		wc -l)" -eq 0
scenes_read

about prefork
for worker in worker1 worker2 worker3; do
	mine $worker holder
	says "$worker: the peer opened it" '.flow[$flow].last.tcp_retransmit.accepted == true' --arg flow $worker
	says "$worker: its name" '.flow[$flow].first.process.comm == $flow' --arg flow $worker
	as_info $worker ESTABLISHED
done
about early 'accepted before the watch'
all_of server rto
mine server holder
about late 'connected before the watch'
all_of client rto
mine client holder
about passed
all_of client rto
mine client holder
says 'its name' '.flow.client.first.process.comm == "receiver"'
about shared
all_of client rto
says 'of one of the three' '[.fact.client.pid, .fact.first, .fact.second] as $those
	| .flow.client.pids | length > 0 and all(. as $pid | $those | index($pid))'
says 'three have it' '.flow.client.first.tcp_retransmit.sharing == 3'
about inherit
all_of client rto
mine client holder
says 'its name' '.flow.client.first.process.comm == "heir"'
about orphan
all_of client rto
# gone before the first timeout: found only by what was noted when it connected
mine_or_nobody client
says 'not held by anyone' '.flow.client.owner_by | all(. == null or . == "connect")'
says 'the state' '.flow.client.last.tcp_retransmit.state == "FIN_WAIT1"'
about unaccepted
all_of server synack
mine server listener
about user
says 'all of it is its own' '.flow.client.count == .all.count and .all.count > 0'
says 'the user' '.lines | all(.tcp_retransmit.uid == 23456)'
mine client holder connect
about thread
all_of server rto
mine server holder
about executed
all_of client rto
mine client holder
about vanish 'a namespace that is gone'
all_of client rto
mine_or_nobody client
about reused 'memory that is used again'
all_of client rto
mine_or_nobody client
finish
