#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_accept.sh
# vm: default
# Every overflow is told, of SYNs and of ACKs, whatever the backlog and the settings: the sums are the kernel's own
# ListenOverflows, namespace by namespace.
. "$(dirname "$0")/lib_accept.sh"

# Connections with data at once: the queue has room at the SYN, and none at the ACK.
late='defer listen=8 keep=8 data sleep=20 keep=8 sleep=20 data sleep=50'

# provoke: every case; the same for each hook
provoke() {
	# there before the tool: it looks for them, and has not seen listen()
	scene before listen=3 gate fill drop=5 "$rest" freeze
	wait_fact before gate
	# shellcheck disable=SC2086 # words
	watch_start acceptwatch $hook
	go_on before
	scene none listen=0 fill drop=3 "$rest" freeze
	scene one listen=1 fill drop=7 "$rest" freeze
	scene usual listen=128 fill drop=9 "$rest" freeze
	scene large listen=511 fill drop=11 "$rest" freeze
	scene six at=::1 listen=2 fill drop=6 "$rest" freeze
	at six ::1
	scenes_end
	for cookies in 0 1 2; do
		scene "cookies$cookies" sysctl=ipv4/tcp_syncookies=$cookies listen=4 fill drop=5 "$rest" freeze
	done
	# shellcheck disable=SC2086 # words
	scene late $late "$rest" freeze
	# shellcheck disable=SC2086 # words
	scene late_six at=::1 $late "$rest" freeze
	at late_six ::1
	# shellcheck disable=SC2086 # words
	scene reset sysctl=ipv4/tcp_abort_on_overflow=1 $late close "$rest" freeze
	scene here port=7007 listen=2 fill drop=6 sleep=100 drop=7 "$rest" freeze
	scene there port=7007 listen=2 fill drop=8 sleep=100 drop=4 "$rest" freeze
	# nothing is left of it when it is told
	scene gone listen=1 fill drop=4 exit
	scenes_end
	# a namespace has the memory of one that is gone, the counters of each CPU among it
	for round in 1 2 3 4 5 6 7 8; do
		scene "round$round" listen=2 cpu=0 fill cpu=1 drop=1 freeze
		scenes_end
	done
	watch_stop
	check_sh "${by}the account balances" balanced accept_overflow
	sum_up
}

# The limit that was asked for is the fact of the trigger: what the kernel made of it.
tell() {
	told before "${by}there before the tool" 5
	told none "${by}backlog 0" 3
	told one "${by}backlog 1" 7
	says 'only SYNs' '.ack_drops == 0'
	told usual "${by}backlog 128" 9
	told large "${by}backlog 511" 11
	says 'in one line' '.lines | length == 1'
	! has six || told six "${by}IPv6" 6
	for cookies in 0 1 2; do
		told "cookies$cookies" "${by}syncookies $cookies" 5
		says 'the setting' '.first.syncookies == $cookies' --argjson cookies "$cookies"
	done
	for name in late late_six reset; do
		has $name || continue
		told $name "${by}$name: ACKs"
		says 'only ACKs' '.ack_drops >= 7 and .syn_drops == 0'
		says 'the kernel named the listener, where it does' '.first.listener_by == "socket" or .first.listener_by == "address"'
	done
	says 'the client gets a reset, and did' '.first.abort_on_overflow == true and $reset > 0' \
		--argjson reset "$(fact_of reset reset)"
	told here "${by}two namespaces, one port: here" 13
	told there "${by}two namespaces, one port: there" 12
	told_space gone "${by}all is gone" "$(fact_of gone overflows)"
	says 'the port is known' 'all(.all[]; .sport == $port)' --argjson port "$(fact_of gone port)"
	says 'and the address and the owner' \
		'.first.saddr == "127.0.0.1" and .process.pid == $pid and .process.comm == "accept"' \
		--argjson pid "$(fact_of gone pid)"
	for round in 1 2 3 4 5 6 7 8; do
		! has "round$round" || told_space "round$round" "${by}namespace $round after another" 1
	done
	check_flush
}

hook=
by=
provoke
chosen=$(jq -r 'select(.kind == "start").start.hooks[] | select(.kind == "accept_overflow").name' "$stream")
tell
others=$("$build/kwhy" doctor --json 2>/dev/null |
	jq -r '[.. | objects | select(.kind? == "accept_overflow") | .alternatives[]?.name] | unique[]') || others=
for name in $others; do
	[ "$name" != "$chosen" ] || continue
	hook="--hook accept_overflow=$name"
	# shellcheck disable=SC2086 # words
	"$build/acceptwatch" -j $hook -d 0.1 >"$tmp/value" 2>&1 || continue
	out=$tmp/out.ndjson
	by="by $name: "
	provoke
	tell
done
finish
