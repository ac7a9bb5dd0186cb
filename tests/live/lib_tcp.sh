# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2016,SC2034,SC2154 source=lib.sh
# Sourced by the live tests of acceptwatch and retranswatch: lib.sh, triggers
# that say facts, and the kernel's own counters, to which the numbers must be
# equal. Not a test: not executable.
#
#   run_tcp "$triggers/accept" ARGS...     # as run; sets $pid
#   wait_fact "$pid" ready                 # sets $words
#   before=$(tcp_counter TcpExtListenOverflows "$pid")
#   fact_of "$pid" port
#   tcp_sum accept_overflow count "$netns" # of all lines of a namespace
. "$(dirname "$0")/lib.sh"

# An emulated guest is 30 times slower.
slow=1
[ "${KWHY_GUEST:-0}" = 0 ] || slow=4

# run_tcp COMMAND...: in the background; what it says is asked of by its pid.
run_tcp() {
	run "$@"
	ln -sf "$run_out" "$tmp/tcp.$pid"
}

# fact_of PID KEY: what that trigger said last of it.
fact_of() {
	sed -n "s/^$2 //p" "$tmp/tcp.$1" | tail -n 1
}

# fact KEY: the same of the one that was started last.
fact() {
	fact_of "$pid" "$1"
}

# wait_fact PID KEY [SECONDS]: until it said so; sets $words.
wait_fact() {
	wait_fact_out=$run_out
	run_out=$tmp/tcp.$1
	wait_word "$2" "${3:-$patience}"
	run_out=$wait_fact_out
}

# tcp_counter NAME [PID]: TcpExtListenOverflows, TcpRetransSegs, TcpExtTCPLostRetransmit ... (as nstat says them) in the
# network namespace of that process, ours if none is named.
tcp_counter() {
	awk -v wanted="$1" '
		{ key = $1; sub(/:$/, "", key) }
		key != header { header = key; split("", names); for (i = 2; i <= NF; i++) names[i] = key $i; next }
		{ header = ""; for (i = 2; i <= NF; i++) if (names[i] == wanted) print $i }
	' "/proc/${2:-self}/net/snmp" "/proc/${2:-self}/net/netstat"
}

# netns_of PID: the inode number of its network namespace.
netns_of() {
	readlink "/proc/$1/ns/net" | tr -dc 0-9
}

# tcp_sum KIND FIELD NETNS [FROM TO]: the sum over all lines of that namespace. When it is gone, another one has its
# number: the time is of CLOCK_BOOTTIME.
tcp_sum() {
	jq -s --arg kind "$1" --arg field "$2" --arg netns "$3" --argjson from "${4:-0}" --argjson to "${5:-1e18}" \
		'[.[] | select(.kind == $kind and .[$kind].netns == $netns and .boot_ns >= $from and .boot_ns <= $to)[$kind][$field]
			// 0] | add // 0' "$out"
}

# tally KIND FIELD: of the stop line.
tally() {
	jq -s --arg kind "$1" --arg field "$2" '[.[-1].stop.kinds[] | select(.kind == $kind)[$field]] | add // 0' "$out"
}

# balanced KIND: the account of the stop line, and the gap lines tell of all that was lost, runs of programs that were
# skipped apart: what they would have counted may be counted later.
balanced() {
	jq -c 'select(.kind == "stop").stop.kinds' "$out"
	jq -es --arg kind "$1" '(.[-1].stop.kinds[] | select(.kind == $kind)) as $account
		| $account.generated == $account.delivered + $account.filtered + $account.lost
		and ([.[] | select(.kind == "gap" and .gap.kind == $kind).gap] | any(.cause == "missed")
			or ([.[].count] | add // 0) == $account.lost)' "$out"
}

# about KIND TEXT FILTER [BINDING...]: the checks that follow look at this line, of which there is one.
about() {
	about_kind=$1
	says_of=$2
	shift 2
	select_line "$about_kind" "$@"
}

# says TEXT FILTER [BINDING...]
says() {
	says_text="$says_of: $1"
	shift
	check "$says_text" "$@"
}

# rule_is "ID...": the verdict is one of these. As check_rule, where there is nothing to do.
rule_is() {
	says "explained by $1" '.diagnosis.rule as $rule | .diagnosis.cause as $cause | $rules / " " | index($rule)' \
		--arg rules "$1"
}
