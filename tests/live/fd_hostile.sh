#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# Paths, names of sockets and of processes that are made to break terminals,
# parsers and lines.
. "$(dirname "$0")/lib_fd.sh"

esc=$(printf '\033')
bel=$(printf '\007')
newline='
'
clip="a${esc}]52;c;ZWNobyBoaQ==${bel}z"
forged="b${newline}{\"kind\":\"fd_leak\",\"seq\":1}${newline}FAKE 1 1 9"
invalid=$(printf 'c\377\300\257\355\240\200')
bidi=$(printf 'd\342\200\256txt.exe\302\2332J')

is_utf8() {
	jq -Rs . "$1" | grep -c "$(printf '\357\277\275')" | grep -qx 0
}

# hostile NAME FILE-NAME COMM
hostile() {
	mkdir "$tmp/$1"
	run "$leakfd" named "$tmp/$1/$2" --wait --count 12 --every 10 --comm "$3"
	wait_ready
	eval "pid_$1=$pid"
	look "$1" "$pid" $((3 * slow)) --folded "$tmp/$1.folded" --svg "$tmp/$1.svg"
	cases="$cases $1"
}

cases=
hostile clip "$clip" '\x1b[2J\x1b[31m'
hostile forged "$forged" '\x0a\x0d\x09FAKE'
hostile invalid "$invalid" '\xff\xff\xff\xff'
hostile bidi "$bidi" ') R 1 1'
# shellcheck disable=SC2086 # words
looks_armed $cases
for name in $cases; do
	eval "kill -USR2 \$pid_$name"
done

watch_cards=1
watch_start fdleak -c evil
cp "$exhaust" "$tmp/$forged" 2>/dev/null || cp "$exhaust" "$tmp/forged program"
run "$tmp/$forged" openat 3 --comm 'evil' --fill file --hold 30
forger=$pid
await_done
wait_until 5 has_refusal "$forger" || true
watch_stop
card_out=$out

for name in $cases; do
	eval "pid=\$pid_$name"
	look_end "$name" "$pid"
	balances
	case $name in
	clip) says 'the name of the process, without loss' '.process.comm == "\u001b[2J\u001b[31m"' ;;
	forged) says 'the name of the process, without loss' '.process.comm == "\n\r\tFAKE"' ;;
	invalid) says 'the name of the process, without loss' '.process.comm == "\uf7ff\uf7ff\uf7ff\uf7ff"' ;;
	bidi) says 'the name of the process, without loss' '.process.comm == ") R 1 1"' ;;
	esac
	says 'twelve files of one path' '[.fd_leak.top[] | select(.count == 12 and .type == "file")] | length == 1'
	says 'twelve sockets' '[.fd_leak.by_type[] | select(.type == "unix").count] == [12]'
done
look_select clip "$pid_clip"
says 'the path, kept' '[.fd_leak.top[].what // empty | select(contains("\u001b]52;c;ZWNobyBoaQ==\u0007z"))] | length >= 1'
look_select forged "$pid_forged"
says 'the path, kept' '[.fd_leak.top[].what // empty | select(contains("\n{\"kind\":\"fd_leak\",\"seq\":1}\nFAKE"))] | length >= 1'
look_select invalid "$pid_invalid"
says 'the path, kept' '[.fd_leak.top[].what // empty | select(contains("c\uf7ff\uf7c0\uf7af\uf7ed\uf7a0\uf780"))] | length >= 1'
look_select bidi "$pid_bidi"
says 'the path, kept' '[.fd_leak.top[].what // empty | select(contains("d\u202etxt.exe\u009b2J"))] | length >= 1'
check_flush

out=$card_out
says_of='a program with a forged name'
select_line fd_exhausted '.process.pid == $pid' --argjson pid "$forger"
says 'its path' '.process.exe | contains("\n{\"kind\":\"fd_leak\",\"seq\":1}\nFAKE")'
check_flush

# The same on a terminal's formats: nothing of it reaches a terminal as it is.
for name in $cases; do
	eval "pid=\$pid_$name"
	for format in card line; do
		"$build/fdleak" -o $format -p "$pid" -d 1 >"$tmp/$name.$format" 2>&1 || true
	done
	cat "$tmp/$name.card" "$tmp/$name.line" >>"$tmp/shown"
	cat "$tmp/$name.folded" "$tmp/$name.svg" >>"$tmp/graphs" || true
	cat "$tmp/$name.ndjson" >>"$tmp/lines"
done
cat "$card" >>"$tmp/shown"
for file in shown graphs lines; do
	check_sh "$file: no control bytes" test "$(tr -d '\n' <"$tmp/$file" | tr -cd '\001-\037\177' | wc -c)" -eq 0
	check_sh "$file: only UTF-8" is_utf8 "$tmp/$file"
	check_sh "$file: no forged line" test "$(grep -c '^ *FAKE\|^ *{"kind"' "$tmp/$file")" -eq 0
done
check_sh 'nothing turns the line around on the card' \
	test "$(grep -c "$(printf '\342\200\256')\|$(printf '\302\233')" "$tmp/shown")" -eq 0
finish
