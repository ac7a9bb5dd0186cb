#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# Folded stacks and flame graphs: their sums are the numbers of the line, and
# they go to a file that is ours, or to none.
. "$(dirname "$0")/lib_fd.sh"

run "$leakfd" eventfd-one-of-twenty --every $((25 * slow)) --count 60 --wait -t 230
leaker=$pid leaker_out=$run_out
wait_ready
look files "$leaker" 100 --folded "$tmp/folded" --svg "$tmp/flame.svg"
looks_armed files
kill -USR2 "$leaker"
wait_until 60 grep -q '^rest' "$leaker_out" || true
sleep "$slow"
kill -INT "$look_tool_files"
look_end files "$leaker"
balances
check_flush
numbers=$(jq -r 'select(.kind == "fd_leak").fd_leak | "\(.open) \(.outstanding - (.unattributed // 0))"' "$out")
check_sh 'the folded stacks add up to what is open' \
	test "$(awk '{ sum += $NF } END { print sum + 0 }' "$tmp/folded")" = "${numbers% *}"
check_sh 'and those that are stacks to what is outstanding' \
	test "$(awk '!/;\[[^;]*$/ { sum += $NF } END { print sum + 0 }' "$tmp/folded")" = "${numbers#* }"
check_sh 'each line is frames and a number' sh -c '! grep -vE "^[^ ].*;.* [0-9]+$" "$0"' "$tmp/folded"
check_sh 'the process is the root, the innermost comes last' \
	grep -qE "^leakfd[^;]*;(.*;)?main.*;(.*;)?forgotten_eventfd[^;]*(;.*)? 60\$" "$tmp/folded"
check_sh 'nobody else may read them' test "$(find "$tmp/folded" "$tmp/flame.svg" -perm 600 | wc -l)" -eq 2
check_sh 'the picture is one file, without a script' \
	sh -c 'head -c 200 "$0" | grep -q "<svg\|<?xml" && ! grep -qi "<script\|xlink\|href" "$0"' "$tmp/flame.svg"
if command -v python3 >"$tmp/value"; then
	check_sh 'it is XML, and names the function' python3 -c '
import sys, xml.etree.ElementTree as tree
text = "".join(tree.parse(sys.argv[1]).getroot().itertext())
sys.exit("forgotten_eventfd" not in text)' "$tmp/flame.svg"
else
	skip 'it is XML' 'no python3 here'
fi

# --- where they must not go ---

mkfifo "$tmp/fifo"
ln -s "$tmp/victim" "$tmp/link"
echo precious >"$tmp/victim"
: >"$tmp/other"
chown 65534 "$tmp/other"
mkdir "$tmp/directory"
# refuses FILE TEXT
refuses() {
	for refuses_option in --folded --svg; do
		status=0
		timeout 20 "$build/fdleak" -j -p "$leaker" -d 1 "$refuses_option" "$1" >"$tmp/refused" 2>"$tmp/refused.err" ||
			status=$?
		check_sh "$2 is refused for $refuses_option" test "$status" -eq 1 -o "$status" -eq 2
		check_sh "$2: the reason is one line with the name" \
			sh -c 'test "$(wc -l <"$0")" -eq 1 && grep -qF -- "$1" "$0"' "$tmp/refused.err" "$1"
	done
}
refuses "$tmp/link" 'a symlink'
refuses "$tmp/fifo" 'a FIFO'
refuses "$tmp/directory" 'a directory'
refuses "$tmp/other" "another owner's file"
refuses "$tmp/nowhere/file" 'a directory that does not exist'
check_sh 'what the link names is as it was' grep -qx precious "$tmp/victim"
"$build/fdleak" -j -p "$leaker" -d 1 --folded "$tmp/folded" >"$tmp/again" 2>&1 || true
check_sh 'a file of ours is written anew' test -s "$tmp/folded" -o -e "$tmp/folded"
status=0
"$build/fdleak" -j -d 1 --tick 0 >"$tmp/value" 2>&1 || status=$?
check_sh 'a tick of nothing is refused' test "$status" -eq 2
for format in card line json; do
	"$build/fdleak" -o $format -p "$leaker" -d 1 >"$tmp/$format" 2>"$tmp/$format.err" || true
	check_sh "$format: it says something, and nothing on stderr" sh -c 'test -s "$0" && ! test -s "$0.err"' \
		"$tmp/$format"
done
check_sh 'the card names process and number' sh -c 'grep -q "leakfd\[$1\]" "$0" && grep -qw "$2" "$0"' \
	"$tmp/card" "$leaker" "$(fds_of "$leaker")"
finish
