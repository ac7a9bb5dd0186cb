#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2086,SC2154 source=lib_accept.sh
# vm: host (times; what it asks of the tool is the same on every kernel)
# What who ought to accept does instead, since when, and who was turned away: held against what the trigger knows.
. "$(dirname "$0")/lib_accept.sh"

# how long a line may be held back, and what is measured when it is written
HELD=2300000000

# since NAME FROM TO: moments of that scene as numbers: $from, $to, $refused_from, $refused_to
moments() {
	bindings_of="--argjson from $(fact_of "$1" "$2") --argjson to $(fact_of "$1" "$3")
		--argjson refused_from $(fact_of "$1" refused_from) --argjson refused_to $(fact_of "$1" refused_to) --argjson held $HELD"
}

# state TEXT STATE CALLS
state() {
	says "the owner is $1" 'all(.all[]; .acceptor_state == $state)' --arg state "$1"
	says "in ${2:-no call}" '.first.acceptor_syscall // "" | test("^(" + $calls + ")$")' --arg calls "$2"
}

watch_start acceptwatch
before='listen=4 fill sleep=600'
scene stopped $before do=stop sleep=100 drop=6 "$rest" freeze
scene spinning $before do=spin sleep=100 drop=6 "$rest" freeze
scene sleeping $before do=nap sleep=800 drop=6 "$rest" freeze
scene reading $before drop=6 "$rest" freeze
scene multipath multipath $before drop=6 "$rest" freeze
scene emfile $before do=emfile sleep=100 drop=6 "$rest" freeze
scene thread $before thread=spin do=pause sleep=100 drop=6 "$rest" freeze
scene master listen=4 prefork=stop,stop,stop fill sleep=300 drop=6 "$rest" freeze
scene mixed listen=4 prefork=nap,nap,stop fill sleep=300 drop=6 "$rest" freeze
scenes_end
# the queue's oldest came long before its newest
scene ages listen=4 keep=3 sleep=1500 fill sleep=400 drop=6 "$rest" freeze
# it did accept, 0.4 s before
scene served listen=4 fill sleep=800 take=2 fill sleep=400 drop=6 "$rest" freeze
# the connections of clients that had nothing to say for four seconds: they came into the queue when they did
scene deferred defer listen=2 keep=2 data sleep=20 keep=2 sleep=4000 take=1 data sleep=20 drop=4 "$rest" freeze
# each CPU has a clock of its own for what its threads did
for cpu in 0 1; do
	scene asleep$cpu on=$cpu listen=4 fill take=1 do=nap sleep=800 keep=1 sleep=50 drop=4 "$rest" freeze
done
scene half defer listen=4 keep=4 data sleep=20 keep=3 sleep=20 data=5 sleep=20 drop=3 "$rest" freeze
scene clients at=:: listen=1 to=127.0.0.1 fill drop=3 to=::1 drop=2 "$rest" freeze
at clients ::
scene retried listen=1 fill keep=3 sleep=3600 freeze
scene emptied listen=4 fill drop=6 sleep=150 take=3 "$rest" freeze
scenes_end
watch_stop
sum_up

told stopped stopped 6
state stopped ''
rule_is accept-owner-stopped
moments stopped queued_from queued_to
says 'when it happened' '.boot_ns >= $refused_from and .boot_ns <= $refused_to' $bindings_of
says 'from the first to the last' '.first.window_ns <= $refused_to - $refused_from' $bindings_of
within 'how long nothing was accepted' .first.since_accept_ns \
	'$refused_from - $to - 5e6' '$refused_to - $from + $held' $bindings_of
within 'how long the oldest waits' .first.oldest_wait_ns \
	'$refused_from - $to - 5e6' '$refused_to - $from + $held' $bindings_of
says 'how they were found' '.first.owner_by == "holder" and .first.listener_by == "address"'
says 'not shared, no group' '.first | (.sharing // 1) == 1 and (has("holders") or has("group") | not)'

told spinning spinning 6
state running ''
says 'that takes a processor' '.first.acceptor_cpu_percent >= 15 and .first.acceptor_cpu_percent <= 105'
rule_is accept-owner-busy

told sleeping sleeping 6
state blocked 'clock_nanosleep|nanosleep'
says 'that takes nothing' '(.first.acceptor_cpu_percent // 0) <= 5'
moments sleeping began began
within 'since when' '.first.acceptor_ns // (.first.since_accept_ns)' \
	'$refused_from - $to - 1e8' '$refused_to - $from + $held' $bindings_of

told reading 'in read()' 6
state blocked read
rule_is accept-owner-blocked

if has multipath; then
	told multipath 'Multipath TCP, whose socket is not the one that listens' 6
	state blocked read
	says 'who has it open' '.first.owner_by == "holder"'
	rule_is accept-owner-blocked
fi

told emfile 'without a descriptor' 6
state fd_exhausted '.*'
says 'how many are open' 'all(.all[]; .fd_open == $open and .fd_soft == $soft)' \
	--argjson open "$(fact_of emfile open)" --argjson soft "$(fact_of emfile soft)"
rule_is accept-fd-exhausted

told thread 'a thread that spins' 6
state running ''
says 'which one' '.first.acceptor_tid == $tid' --argjson tid "$(fact_of thread thread)"

# holders NAME: the sharing processes
sharing() {
	told_space "$1" "$2" 6
	says 'four share it' '.first.sharing == 4 and ([.first.holders[].pid] | sort) == $pids' \
		--argjson pids "$({ fact_of "$1" pid; sed -n 's/^worker [0-9]* //p' "$tmp/tcp.$1"; } | sort -n | jq -sc .)"
	says 'one of them is the owner' '.process.pid as $pid | .pids == [$pid] and ([.first.holders[].pid] | index($pid)) != null'
	says 'each by its name' 'all(.first.holders[]; .comm == "accept" and has("state"))'
}
sharing master 'three workers, all stopped'
says 'stopped' '.first.acceptor_state == "stopped" and ([.first.holders[] | select(.state == "stopped").pid] | sort) == $pids' \
	--argjson pids "$(sed -n 's/^worker [0-9]* //p' "$tmp/tcp.master" | sort -n | jq -sc .)"
says 'the parent is in read()' '.first.holders[] | select(.pid == $pid) | .state == "blocked" and .syscall == "read"' \
	--argjson pid "$(fact_of master pid)"
sharing mixed 'two asleep, one stopped'
says 'each as it is' '[.first.holders[] | select(.pid == $one or .pid == $two or .pid == $three)]
	| map({key: (.pid | tostring), value: .state}) | from_entries
	== {($one | tostring): "blocked", ($two | tostring): "blocked", ($three | tostring): "stopped"}' \
	--argjson one "$(fact_of mixed 'worker 0')" --argjson two "$(fact_of mixed 'worker 1')" \
	--argjson three "$(fact_of mixed 'worker 2')"

told ages 'old and new connections' 6
moments ages kept_from kept_to
within 'how long the oldest waits' .first.oldest_wait_ns \
	'$refused_from - $to - 5e6' '$refused_to - $from + $held' $bindings_of
moments ages queued_from queued_to
within 'since the newest came' .first.since_accept_ns \
	'$refused_from - $to - 5e6' '$refused_to - $from + $held' $bindings_of
told served 'it has accepted' 6
moments served took took
within 'no longer than since then' .first.since_accept_ns '$refused_from - $to - 2e7' '$refused_to - $from + $held' $bindings_of
told deferred 'clients that said nothing at first' 4
moments deferred took took
within 'no longer than since it accepted' '.first.since_accept_ns // 0' 0 '$refused_to - $from + $held' $bindings_of
for cpu in 0 1; do
	has asleep$cpu || continue
	told asleep$cpu "asleep on CPU $cpu since it accepted" 4
	moments asleep$cpu took took
	within 'how long it sleeps' .first.acceptor_ns '$refused_from - $to - 1e8' '$refused_to - $from + $held' $bindings_of
	# as long as it was looked at
	within 'no longer than since then' .first.since_accept_ns '$refused_from - $to - 1e8' \
		'$refused_to - $from + (.first.observed_ns // $held) + 1e8' $bindings_of
done
told half 'half-open ones' 3
says 'they are in the other queue' '.first.syn_queue == 2'

told clients 'clients of both families' 5
says 'how many' '([.all[].clients.distinct] | add) == 5'
says 'who' '.first.clients.examples | length == 4 and (unique | length) == 4 and all(. as $one | $refused | index($one))' \
	--argjson refused "$(sed -n 's/^refused //p' "$tmp/tcp.clients" | jq -Rsc 'split("\n") | map(select(length > 0))')"
told retried 'clients that try again'
says 'the same three' 'all(.all[]; .clients.distinct <= 3) and .first.clients.distinct == 3 and .count >= 9'
says 'and no others' '[.all[].clients.examples // [] | .[]] | unique | length <= 3 and all(. as $one | $kept | index($one))' \
	--argjson kept "$(sed -n 's/^kept //p' "$tmp/tcp.retried" | jq -Rsc 'split("\n") | map(select(length > 0))')"
told emptied 'it accepts just after' 6
says 'how many' '.first | .observed_ns >= 2e8 and .accepted == 3 and .arrived >= 0'
finish
