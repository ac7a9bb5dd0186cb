#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# What a descriptor refers to, of every type there is, in exact numbers.
. "$(dirname "$0")/lib_fd.sh"

# 0, 1 and 2 are a device, a device and a file
TMPDIR=$tmp "$triggers/typefd" </dev/null >"$tmp/types" 2>/dev/null &
pid=$!
note_pid "$pid"
run_out=$tmp/types
wait_ready
look types "$pid" "$slow"
look_end types "$pid"
open_as "$pid"
balances
sed -n 's/^cannot //p' "$tmp/types" >"$tmp/cannot"
while read -r type why; do
	skip "$type" "$why"
done <"$tmp/cannot"
# those of which there are the most are told, the rest is "other"
sed -n 's/^type //p' "$tmp/types" | awk '$1 == "file" { $2++ } $1 == "device" { $2 += 2 } $2 { print $1, $2 }' |
	sort -k 2nr,2 | head -n 15 >"$tmp/expected"
while read -r type count; do
	says "$count of type $type" '[.fd_leak.by_type[] | select(.type == $type).count] == [$count]' \
		--arg type "$type" --argjson count "$count"
done <"$tmp/expected"
says 'no type is told twice' '[.fd_leak.by_type[].type] | length == (unique | length)'
says 'the most frequent first' '[.fd_leak.by_type[].count] | . == (sort | reverse)'
finish
