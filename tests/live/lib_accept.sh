# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2016,SC2034,SC2154 source=lib_tcp.sh
# Sourced by the live tests of acceptwatch: lib_tcp.sh, scenes of overflow in
# network namespaces of their own, and checks on what is told of each. Not a
# test: not executable.
#
#   watch_start acceptwatch
#   scene small listen=1 fill drop=7 freeze   # in the background, see triggers/accept.c
#   scenes_end
#   watch_stop
#   sum_up
#   told small 'backlog 1' 7                  # counted, whose, where; then the
#   says 'limit' '.first.limit == 1'          # checks are about that namespace
. "$(dirname "$0")/lib_tcp.sh"

# An interrupt may find the program running, on every kernel: then the kernel skips it, and counts that.
may_miss() {
	:
}

accept=$triggers/accept
scenes=
# A step: what the server does, and the settings, can be looked at until the line is written.
rest=sleep=$((2500 * slow))

# scene NAME STEPS...: in the background; its facts are those of NAME.
scene() {
	scene_name=$1
	shift
	run_tcp "$accept" -t $((40 * slow)) "$@"
	ln -sf "$run_out" "$tmp/tcp.$scene_name"
	scenes="$scenes $scene_name:$pid"
}

# go_on NAME [GATE]: past its gate.
go_on() {
	wait_fact "$1" "gate ${2:-1}"
	kill -USR1 "$(fact_of "$1" client)" || true
}

# All that were started have ended: those that cannot be had here are skipped.
scenes_end() {
	for scene in $scenes; do
		await_exit "${scene#*:}" $((50 * slow))
		case $status in
		0) of_scene "${scene%:*}" >>"$tmp/scenes" ;;
		77)
			skip "${scene%:*}" "$(tail -n 1 "$tmp/tcp.${scene%:*}")"
			: >"$tmp/skipped.${scene%:*}"
			;;
		*)
			tail -n 5 "$tmp/tcp.${scene%:*}" | not_ok "${scene%:*}: the trigger, status $status"
			: >"$tmp/skipped.${scene%:*}"
			;;
		esac
	done
	scenes=
}

# has NAME: it was no skipped scene.
has() {
	[ ! -e "$tmp/skipped.$1" ]
}

# of_scene NAME: its name, its namespace, and when that was.
of_scene() {
	printf '{"scene":"%s","netns":"%s","begun":%s,"ended":%s}\n' \
		"$1" "$(fact_of "$1" netns)" "$(fact_of "$1" begun)" "$(fact_of "$1" ended)"
}

# scene_sum NAME: overflows that were told of it until now
scene_sum() {
	scene_ended=$(fact_of "$1" ended)
	tcp_sum accept_overflow count "$(fact_of "$1" netns)" "$(fact_of "$1" begun)" "${scene_ended:-1e18}"
}

# sum_up: one line for each scene instead of the stream, which is $stream then: the sums, and what the lines have. "first",
# "last" and "all" are the kind's own objects; the first line's common keys are those of the sum, too.
sum_up() {
	check_flush
	stream=$out
	missed=$(jq -s '[.[] | select(.kind == "gap" and .gap.cause == "missed").gap.count] | add // 0' "$stream")
	jq -cs --slurpfile scenes "$tmp/scenes" '[.[] | select(.kind == "accept_overflow")] as $told | $scenes[] as $scene
		| [$told[] | select(.accept_overflow.netns == $scene.netns and .boot_ns >= $scene.begun
			and .boot_ns <= $scene.ended)] as $lines | select($lines | length > 0)
		| [$lines[].accept_overflow] as $all | $lines[0] + $scene + {kind: "sum", $lines, $all,
			count: ([$all[].count] | add), syn_drops: ([$all[].syn_drops // 0] | add),
			ack_drops: ([$all[].ack_drops // 0] | add), first: $all[0], last: $all[-1],
			pids: ([$lines[].process.pid] | unique)}
		| del(.accept_overflow)' "$stream" >"$tmp/sums"
	out=$tmp/sums
}

# told NAME TEXT [OVERFLOWS]: all of them, as the kernel counted; whose and where. Fails where the kernel counted none.
told() {
	told_count=$(fact_of "$1" overflows)
	told_text=$2
	[ $# -lt 3 ] || check_sh "$2: the kernel counts $3" test "$told_count" -eq "$3"
	told_space "$1" "$2" "$told_count"
	says 'the address and the port' 'all(.all[]; .saddr == $at and .sport == $port)' \
		--arg at "$(at_of "$1")" --argjson port "$(fact_of "$1" port)"
	says 'the owner, and nobody else' '.pids == [$pid] and all(.lines[]; .process.comm == "accept")' \
		--argjson pid "$(fact_of "$1" pid)"
	says 'the limit, and more in the queue' 'all(.all[]; .limit == $limit and .queue == $limit + 1)' \
		--argjson limit "$(fact_of "$1" limit)"
	says 'the family' 'all(.all[]; .family == (if .saddr | contains(":") then "ipv6" else "ipv4" end))'
}

# told_space NAME TEXT COUNT: the checks that follow are about that namespace. Its sum and no more; with told_many=true
# several listeners have their own totals.
told_space() {
	about sum "$2" '.scene == $scene' --arg scene "$1"
	# but for those at which the kernel skipped the program, and said so
	says "the kernel's own count, $3, is told" '$count > 0 and .count <= $count and .count + $missed >= $count' \
		--argjson count "$3" --argjson missed "$missed"
	says 'SYNs and ACKs are its parts' 'all(.all[]; .count == (.syn_drops // 0) + (.ack_drops // 0) and .count > 0)'
	"${told_many:-false}" || says 'the totals go up to it' \
		'[.all[] | .total // .count] | . == sort and (.[-1] == $count or $missed > 0)' \
		--argjson count "$3" --argjson missed "$missed"
}

# at_of NAME: where its listener is, as the trigger was told; set by at NAME ADDRESS.
at_of() {
	cat "$tmp/at.$1" 2>/dev/null || printf '127.0.0.1'
}

at() {
	printf '%s' "$2" >"$tmp/at.$1"
}

# within TEXT VALUE FROM TO [BINDING...]: jq expressions, of nanoseconds.
within() {
	within_text="$1: $2 in $3 .. $4"
	within_filter="($2) as \$value | \$value != null and \$value >= ($3) and \$value <= ($4)"
	shift 4
	says "$within_text" "$within_filter" "$@"
}
