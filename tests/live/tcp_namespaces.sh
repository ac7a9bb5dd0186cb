#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_tcp.sh
# vm: host (what it asks of the tools is the same on every kernel)
# A thousand network namespaces, each with a retransmission and an overflow: every one has its own lines, with what its own
# kernel counted, and nothing of them is kept open.
. "$(dirname "$0")/lib_tcp.sh"

spaces=1000

# The kernel may skip a program, which is told.
may_miss() {
	:
}

files_of() {
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

# nets.INODE.FIELD NUMBER, and what was told of that namespace
sums='
	def of($kind; $field): (.true | map(select(.field == "cookie") | {(.inode): (.count | tostring)}) | add) as $cookie
		| ([.true[] | select(.field == $field)]) as $counted
		| (.lines | map(select(.kind == $kind)[$kind]) | group_by(.netns) | map({(.[0].netns): (map(.count) | add)}) | add // {}) as $told
		| {spaces: ($counted | length), true: ($counted | map(.count) | add), told: ($told | add),
			exact: ($counted | map(select(.count == $told[.inode])) | length),
			cookies: (.lines | map(select(.kind == $kind)[$kind] | .netns_cookie and .netns_cookie == $cookie[.netns]) | all),
			more: ($counted | map(select(.count < ($told[.inode] // 0))) | length)};
	[$facts / "\n" | .[] | select(startswith("nets.")) / " "
		| (.[0] / ".") as [$nets, $inode, $field] | {$inode, $field, count: (.[1] | tonumber)}] as $true
	| ($true | map({(.inode): true}) | add) as $ours
	| {$true, lines: map(select(.[.kind].netns as $netns | $netns and $ours[$netns]))}
	| {kind: "sums", $text, owners: (.lines | map(.process.comm) | unique), tcp_retransmit: of("tcp_retransmit"; "retransmitted"),
		accept_overflow: of("accept_overflow"; "overflows")}'

# provoke TEXT [OPTION...]
provoke() {
	text=$1
	shift
	watch_start kwhy watch tcp_retransmit accept_overflow "$@"
	files=$(files_of "$watch_pid")
	run_tcp "$triggers/nets" -t 60 nets $spaces 1500
	wait_fact "$pid" "done" 60
	# a look at a process has a file open for a moment
	check_sh "$text: while they are there, nothing is held open" test "$(files_of "$watch_pid")" -le $((files + 4))
	await_exit "$pid" 10
	sleep 2
	check_sh "$text: nothing is held open" test "$(files_of "$watch_pid")" -eq "$files"
	watch_stop
	for kind in tcp_retransmit accept_overflow; do
		check_sh "$text: the account of $kind balances" balanced $kind
	done
	jq -cs --arg text "$text" --rawfile facts "$tmp/tcp.$pid" "$sums" "$out" >>"$tmp/sums"
	echo "$text $watch_missed" >>"$tmp/missed"
}

provoke everything
# most of it has no place in the ring
provoke narrow --ring 4
out=$tmp/sums
sed 's/^/# /' "$out"
while read -r text missed; do
	about sums "$text" '.text == $text' --arg text "$text"
	for kind in tcp_retransmit accept_overflow; do
		says "$kind: each namespace by itself, but for skipped runs" '.[$kind]
			| .spaces == $spaces and .true >= $spaces and .exact + $missed >= $spaces and .more == 0 and .cookies' \
			--arg kind $kind --argjson spaces $spaces --argjson missed "$missed"
	done
	says 'all are of who did it' '.owners == ["nets"]'
done <"$tmp/missed"
finish
