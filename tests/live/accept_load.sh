#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_accept.sh
# vm: ends
# Under load, with SYNs and ACKs racing for the queue on every CPU, not one overflow is missed or told twice, and they are
# told in few lines.
. "$(dirname "$0")/lib_accept.sh"

storm=100000
[ "$slow" = 1 ] || storm=3000

# few NAME TEXT LINES
few() {
	told_space "$1" "$2" "$(fact_of "$1" overflows)"
	says "at most $3 lines" '(.lines | length) <= $most' --argjson most "$3"
	says 'the owner, and nobody else' '.pids == [$pid]' --argjson pid "$(fact_of "$1" pid)"
	says 'the port and the limit' 'all(.all[]; .sport == $port and .limit == $limit)' \
		--argjson port "$(fact_of "$1" port)" --argjson limit "$(fact_of "$1" limit)"
	printf '# %s: %s overflows\n' "$1" "$(fact_of "$1" overflows)"
}

watch_start acceptwatch
scene load listen=4 do=loop load=4,2000 "$rest" freeze
scenes_end
scene left port=7070 listen=4 do=loop load=2,1500 freeze
scene right port=7070 listen=4 do=slow load=2,1500 freeze
scene six at=::1 listen=4 do=loop load=2,1500 freeze
scenes_end
scene storm listen=4 fill drop=$storm freeze
scenes_end
# once more, now that it was told
scene again listen=1 fill drop=50 sleep=$((2500 * slow)) drop=30 freeze
scenes_end
watch_stop
check_sh 'the account balances' balanced accept_overflow
sum_up

few load 'a loop that accepts' 8
says 'many' '.count >= (if $slow > 1 then 20 else 1000 end)' --argjson slow "$slow"
says 'it does accept' '[.all[].accepted // 0] | add > 0'
few left 'one of two that share a port' 8
few right 'the other' 8
! has six || few six 'IPv6' 8
few storm 'a storm' 8
# an attempt that is not given up within a second tries again
check_sh 'a storm: the kernel counts every attempt' test "$(fact_of storm overflows)" -ge "$storm"
says 'only SYNs' '.ack_drops == 0'
says 'a rate' '.last.rate_per_s > 0'
says 'from the first to the last' '([.all[].window_ns // 0] | max) <= $to - $from + 1e6' \
	--argjson from "$(fact_of storm refused_from)" --argjson to "$(fact_of storm refused_to)"
told again 'two bursts' 80
says 'the first is told at once' '.first.count >= 50 or .first.count == .first.total'
finish
