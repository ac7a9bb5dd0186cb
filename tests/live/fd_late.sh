#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# Asked about a process that leaks for long: an answer that helps, and says what
# nobody can know any more.
. "$(dirname "$0")/lib_fd.sh"

run "$leakfd" deep --every $((25 * slow)) --count 2000 --soft 1024 -t 150
late=$pid
wait_ready
sleep 2
run "$leakfd" sockets --every $((100 * slow)) --count 2000 --soft 1024 -t 150
sockets=$pid
wait_ready
sleep 2
before=$(fds_of "$late")
look late "$late" $((5 * slow))
look sockets "$sockets" $((5 * slow))
looks_armed late sockets
look_end late "$late"
balances
says 'what was there before is not ours to explain' '.fd_leak.before >= $before and .fd_leak.before < .fd_leak.open' \
	--argjson before "$before"
says 'what came since is' '.fd_leak.sites[0].outstanding == .fd_leak.outstanding and .fd_leak.outstanding > 30'
stack_has '.fd_leak.sites[0].stack' deep_f deep_a
says 'how fast' '.fd_leak.growth_per_min > 60000 / $every * 0.5 and .fd_leak.growth_per_min < 60000 / $every * 1.3' \
	--argjson every $((25 * slow))
says 'it is said what was not seen' \
	'[.diagnosis.evidence[].claim, .diagnosis.cause, .diagnosis.do[]] | map(test("before|earlier|not seen|not watched")) | any'
check_rule 'fd-leak-site'
look_end sockets "$sockets"
says 'connections that the peer closed before are told, too' \
	'.fd_leak.close_wait_total >= 15 and .fd_leak.close_wait[0].count == .fd_leak.close_wait_total'
check_rule 'fd-close-wait-pile'
finish
