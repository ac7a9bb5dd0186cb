#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_accept.sh
# vm: ends
# Which socket it was and whose, whatever the addresses and however it came to its owner; and what set the limit.
. "$(dirname "$0")/lib_accept.sh"

scene old listen=9 gate fill drop=4 "$rest" again=2 gate take=10 fill drop=5 "$rest" freeze
wait_fact old gate
watch_start acceptwatch
go_on old
scene all at=0.0.0.0 listen=4 to=127.0.0.1 fill drop=6 "$rest" freeze
at all 0.0.0.0
scene dual at=:: listen=4 to=127.0.0.1 fill drop=6 "$rest" freeze
at dual ::
scene only_six at=:: v6only listen=4 to=::1 fill drop=6 "$rest" freeze
at only_six ::
scene device device=lo listen=4 fill drop=6 "$rest" freeze
# beside the wildcard: who is asked for by his address is his
scene beside at=0.0.0.0 reuseport listen=4 at=127.0.0.1 listen=2 fill drop=6 "$rest" freeze
scene wild at=127.0.0.1 reuseport listen=2 at=0.0.0.0 listen=4 to=127.0.0.2 fill drop=7 "$rest" freeze
at wild 0.0.0.0
scene families port=7080 at=127.0.0.1 listen=2 at=::1 listen=4 fill drop=8 "$rest" freeze
at families ::1
go_on old 2
scenes_end
scene heir listen=4 heir fill drop=6 "$rest" freeze
scene group group=30,loop,loop,nap,loop drop=300,2 "$rest" freeze
scene asked listen=4 fill drop=6 "$rest" freeze
scene capped sysctl=core/somaxconn=4 listen=64 fill drop=6 "$rest" freeze
scene raised sysctl=core/somaxconn=4 listen=64 sysctl=core/somaxconn=128 fill drop=6 "$rest" freeze
scene again listen=64 again=3 fill drop=6 "$rest" freeze
scene twice listen=3 again=64 fill drop=6 "$rest" freeze
scenes_end
watch_stop
check_sh 'the account balances' balanced accept_overflow
sum_up

told all 'all addresses' 6
! has dual || {
	told dual 'both families, a client of IPv4' 6
	says 'dual stack' 'all(.all[]; .dual_stack == true)'
	says 'the clients are of IPv4' '.first.clients.examples | length > 0 and all(startswith("127.0.0.1:"))'
	told only_six 'only IPv6' 6
	says 'no dual stack' 'all(.all[]; .dual_stack // false | not)'
	told families 'two families, one port' 8
}
told device 'bound to an interface' 6
says 'which: of another namespace its number' 'all(.all[]; .interface == "lo" or .interface == "#1")'
told beside 'an address beside all of them' 6
told wild 'all beside an address' 7

told heir 'who called listen() is gone' 6
says 'found by who has it open' '.first.owner_by == "holder" and .first.listener_by == "address"'
told_many=true
told_space group 'one of four never accepts' "$(fact_of group overflows)"
stuck=$(fact_of group 'worker 2')
says 'the one that does not' '.pids == [$pid]' --argjson pid "$stuck"
says 'four, one of them full' '.first.group_size == 4 and .first.group_full == 1'
says 'that one first, with all overflows' '.first.group | length == 4 and .[0].pid == $pid and .[0].queue > .[0].limit
	and .[0].limit == 30 and (.[1:] | all(.queue <= .limit and (.overflows // 0) == 0))' --argjson pid "$stuck"
says 'the others by their pids' '([.first.group[].pid] | sort) == $pids' \
	--argjson pids "$(sed -n 's/^worker [0-9]* //p' "$tmp/tcp.group" | sort -n | jq -sc .)"
rule_is 'accept-reuseport-member-full accept-owner-blocked'
says 'that it is one of a group' '[.diagnosis.cause, .diagnosis.evidence[].claim] | map(test("SO_REUSEPORT")) | any'
says 'found by its queue' '.first.listener_by == "full_queue"'
told_many=false

# limit TEXT FILTER
limits() {
	says 'what set the limit' '.first | .bound_by == $by' --arg by "$1"
	says 'the numbers' ".first | $2"
}
told asked 'its own argument' 6
limits listen '.listen_backlog == 4 and .somaxconn_then > 4 and (.bound_inferred // false | not)'
told capped 'somaxconn is lower' 6
limits somaxconn_now '.listen_backlog == 64 and .somaxconn_then == 4 and .somaxconn_now == 4'
told raised 'somaxconn was raised since' 6
limits somaxconn_then '.listen_backlog == 64 and .somaxconn_then == 4 and .somaxconn_now == 128'
told again 'listen() once more, lower' 6
says 'never the first argument' '.first.limit == 3 and (.first.listen_backlog // 3) == 3'
told twice 'listen() once more, higher' 6
says 'never the first argument' '.first.limit == 64 and (.first.listen_backlog // 64) == 64'
told_space old 'from before' 9
says 'its argument is not known, and that is said' 'all(.all[]; has("listen_backlog") | not)
	and .first.limit == 9 and (.first | has("bound_by") | not) and .first.bound_inferred == true'
says 'the limit that was set meanwhile' '.last.limit == 2'
finish
