#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# Names and arguments made to break terminals, parsers and lines, of who dies and
# of who kills.
. "$(dirname "$0")/lib_exit.sh"

count_bytes() {
	tr -d '\n' <"$2" | tr -cd "$1" | wc -c
}

# dies COMM ARGS...: by a killer of the same name; adds to $pids.
dies() {
	dies_comm=$1
	shift
	run "$die" -n "$dies_comm" wait "$@"
	victim=$pid
	wait_ready
	run "$triggers/slay" -n "$dies_comm" kill 9 "$victim"
	killer=$pid
	ends "$killer" "$victim"
	pids="$pids $victim"
}

# named TEXT NAME: the comm of victim and killer, in JSON.
named() {
	death "$victim" "$1"
	died_of 9
	says 'both names, without loss' \
		'.process.comm == $name and .exit.killer.comm == $name
			and .exit.killer.pid == $killer' \
		--argjson name "$2" --argjson killer "$killer"
}

# busybox has no iconv; jq replaces what is not UTF-8.
is_utf8() {
	jq -Rs . "$1" | grep -c "$(printf '\357\277\275')" | grep -qx 0
}

begin_case() {
	cases="$cases $victim:$killer"
}

esc=$(printf '\033')
bel=$(printf '\007')
newline='
'
osc="${esc}]52;c;ZWNobyBoaQ==${bel}${esc}]8;;http://evil/${bel}x"
forged="x${newline}{\"kind\":\"exit\",\"seq\":1}${newline}FAKE 1 1 9"
bidi=$(printf '\342\200\256txt.exe\342\200\213\302\2332J')
invalid=$(printf '\377\300\257\355\240\200\200')

watch_cards=1
pids=
cases=
watch_start exitwatch
for name in '\x1b[2J\x1b[31m' '\x0a\x0d\x09\x08FAKE' \
	'\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' \
	'\xed\xa0\x80\xc0\xaf' '"\x5c}</script>' ') R 1 1' '\xe2\x82\xac\xe2\x82'; do
	dies "$name"
	begin_case
done
# Not dies: it finds nothing to start with, and no name is a name.
dies ''
empty=$victim
run "$die" wait "$osc" "$forged" "$bidi" "$invalid"
args=$pid
wait_ready
slay kill 9 "$args"
ends "$killer" "$args"
cp "$die" "$tmp/a${newline}b${esc}[31m"
run "$tmp/a${newline}b${esc}[31m" raise 9
path=$pid
ends "$path"
cp "$die" "$tmp/deleted"
run "$tmp/deleted" wait
deleted=$pid
wait_ready
rm "$tmp/deleted"
slay kill 9 "$deleted"
ends "$killer" "$deleted"
run "$triggers/start" memfd "$die" raise 9
memfd=$pid
ends "$memfd"
# Titles are what daemons make of their arguments: of any bytes.
run "$triggers/start" title "$osc" room room room room room room
title=$pid
wait_ready
slay kill 9 "$title"
ends "$killer" "$title"
# As many arguments as there may be, and as long as they may be together.
run sh -c 'exec "$0" exit 137 $(seq 20000)' "$die"
tiny=$pid
ends "$tiny"
huge_word=$(head -c 120000 /dev/zero | tr '\0' y)
run "$die" exit 137 "$huge_word" "$huge_word" "$huge_word" "$huge_word" \
	"$huge_word" "$huge_word" "$huge_word" "$huge_word" "$huge_word"
huge=$pid
ends "$huge"
# shellcheck disable=SC2086 # words
wait_deaths $tiny $huge $pids $args $path $deleted $memfd $title
watch_stop

for file in "$out" "$card"; do
	check_sh "no control bytes in the $(basename "$file")" \
		test "$(count_bytes '\001-\037\177' "$file")" -eq 0
	check_sh "only UTF-8 in the $(basename "$file")" \
		is_utf8 "$file"
	check_sh "no forged line in the $(basename "$file")" \
		test "$(grep -c '^ *FAKE\|^ *{"kind":"exit","seq":1}' "$file")" -eq 0
done
check_sh 'nothing turns the line around on the card' \
	test "$(grep -c "$(printf '\342\200\256')\|$(printf '\302\233')" "$card")" -eq 0
check_sh 'there is a card' grep -q "\[$path\]" "$card"

# What JSON must have of the names above, in their order.
set -- '"\u001b[2J\u001b[31m"' '"\n\r\t\bFAKE"' \
	'("\uf7ff" * 15)' '"\uf7ed\uf7a0\uf780\uf7c0\uf7af"' \
	'"\"\\}</script>"' '") R 1 1"' '"\u20ac\uf7e2\uf782"'
for case in $cases; do
	victim=${case%:*} killer=${case#*:}
	named "$1" "$1"
	shift
done
death "$empty" 'no name'
died_of 9
says 'no name of its own' '(.process.comm // "") == ""
	and .process.pid == $pid and .exit.killer.source == "user"' \
	--argjson pid "$empty"
death "$args" 'hostile arguments'
says 'the terminal escape is one argument' '.process.args[2]
	== "\u001b]52;c;ZWNobyBoaQ==\u0007\u001b]8;;http://evil/\u0007x"'
says 'the forged line is one argument' \
	'.process.args[3] | startswith("x\n{\"kind\":") and endswith("\nFAKE 1 1 9")'
says 'kept in JSON: bidirectional, zero width, C1' \
	'.process.args[4] == "\u202etxt.exe\u200b\u009b2J"'
says 'what is not UTF-8 is kept' \
	'.process.args[5] == "\uf7ff\uf7c0\uf7af\uf7ed\uf7a0\uf780\uf780"'
death "$path" 'a hostile path'
died_of 9
says 'the path' '.process.exe | endswith("/a\nb\u001b[31m")'
death "$deleted" 'a deleted program'
died_of 9
says 'the path it had' '.process.exe | startswith($path)' \
	--arg path "$tmp/deleted"
death "$memfd" 'a program in memory'
died_of 9
says 'its name' '.process.exe | contains("memfd:in memory")'
death "$tiny" '20000 arguments'
says 'the first of them' '.process.args[:5]
	== [$die, "exit", "137", "1", "2"]' --arg die "$die"
death "$huge" 'a megabyte of arguments'
says 'its beginning' '.process.args[3][:100] == "y" * 100'
death "$title" 'a title'
died_of 9
finish
