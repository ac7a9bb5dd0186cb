#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# What a program was started with: every argument as it was, but for secrets.
. "$(dirname "$0")/lib_exit.sh"

# starts PROGRAM ARGS...: adds to $pids; sets $pid.
starts() {
	run "$@"
	ends "$pid"
	pids="$pids $pid"
}

# started PID TEXT [COMM]: the checks that follow look at the line of its exec, of
# several at that which gave it this name.
started() {
	death_text=$2
	select_line exec '.process.pid == $pid
		and ($comm == "" or .process.comm == $comm)' \
		--argjson pid "$1" --arg comm "${3:-}"
}

secrets='hunter2 s3cr3tword topsecretvalue'
ln -s "$die" "$tmp/mysql"
printf '#!/bin/sh\nexit 0\n' >"$tmp/script"
chmod 755 "$tmp/script"
newline='
'
long=$(head -c 102400 /dev/zero | tr '\0' x)
euro=$(printf '\342\202\254')

watch_start exitwatch --all
pids=
starts "$die" exit 0 '' 'a b' "q\"'\\" "two${newline}lines" "$euro" ''
exact=$pid
# shellcheck disable=SC2046 # words
starts "$die" exit 0 $(seq 200 | sed 's/^/a/')
many=$pid
starts "$die" exit 0 "$long"
large=$pid
# Cut in the middle of a character, whatever the limit is.
starts "$die" exit 0 "$(for _ in $(seq 100); do printf '\342\202\254%.0s' 1 2 3 4 5; done)"
cut=$pid
starts "$triggers/start" argc0 "$die"
none=$pid
starts "$tmp/script" one
script=$pid
starts "$triggers/start" at "$triggers" die exit 0
at=$pid
at_fd=$(sed -n 's/.*fd=//p' "$run_out")
starts "$triggers/start" memfd "$die" exit 0
memfd=$pid
memfd_fd=$(sed -n 's/.*fd=//p' "$run_out")
starts "$die" exit 0 --password=hunter2 PWD=/root
password=$pid
starts "$die" exit 0 https://joe:hunter2@example.org/path
url=$pid
starts "$tmp/mysql" exit 0 -uroot -ps3cr3tword
mysql=$pid
starts "$die" exit 137 --token topsecretvalue
token=$pid
run "$triggers/start" title changed room room room
title=$pid
wait_ready
kill_wait "$title"
mkdir "$tmp/here"
run sh -c 'cd "$0" && exec "$@"' "$tmp/here" "$die" exit 0
ends "$pid"
here=$pid
# shellcheck disable=SC2086 # words
wait_deaths $pids $title $here
watch_stop

started "$exact" 'odd arguments'
says 'each as it was' '.exec.args == [$die, "exit", "0", "", "a b",
		"q\"\u0027\\", "two\nlines", "\u20ac", ""]
	and .exec.argc == 9 and (.exec.truncated // false | not)' --arg die "$die"
says 'their size' '.exec.args_bytes == ([.exec.args[] | utf8bytelength + 1] | add)'
says 'what was started, by whom' '.exec.filename == $die
	and .process.exe == $die and (.exec.ret // 0) == 0
	and .exec.parents[0].pid == $parent and .process.ppid == $parent' \
	--arg die "$die" --argjson parent "$$"
says 'the name before' '.process.comm == "die" and .exec.old_comm == $name' \
	--arg name "$(cat "/proc/$$/comm")"
says 'the directory' '.exec.cwd == $cwd' --arg cwd "$(pwd)"
started "$here" 'another directory' die
says 'is told' '.exec.cwd == $cwd' --arg cwd "$tmp/here"

started "$many" '203 arguments'
says 'a prefix of them, and how many they were' '.exec.argc == 203
	and .exec.truncated and (.exec.args | length) >= 20
	and .exec.args == ([$die, "exit", "0"]
		+ [range(1; 201) | "a\(.)"])[:(.exec.args | length)]' \
	--arg die "$die"
says 'their size' '.exec.args_bytes == $bytes' \
	--argjson bytes $((${#die} + 1 + 5 + 2 + 9 * 3 + 90 * 4 + 101 * 5))
started "$large" '100 KiB in one argument'
says 'its beginning, and its size' '.exec.argc == 4 and .exec.truncated
	and .exec.args_bytes == $bytes
	and (.exec.args[3] | length >= 100 and startswith("xxxxxxxx"))' \
	--argjson bytes $((${#die} + 1 + 5 + 2 + 102401))
started "$cut" 'a long argument of long characters'
says 'is cut between two' '.exec.truncated
	and (.exec.args[3] | rtrimstr("…") | test("^\u20ac+$"))'
says 'its size' '.exec.args_bytes == $bytes' \
	--argjson bytes $((${#die} + 1 + 5 + 2 + 1501))
started "$none" 'no argument at all' die
says 'none, or the empty one that the kernel makes' \
	'(.exec.argc // 0) <= 1 and (.exec.args // []) as $args
		| $args == [] or $args == [""]'
started "$script" 'a script'
says 'the script and its interpreter' '.exec.filename == $script
	and .exec.interpreter == "/bin/sh"
	and .exec.args[-1] == "one"' --arg script "$tmp/script"
started "$at" 'relative to a descriptor' die
says 'which' '.exec.filename == "die" and .exec.fd == $fd
	and .process.exe == $die' --argjson fd "$at_fd" --arg die "$die"
death_text='a program in memory'
select_line exec '.process.pid == $pid and .exec.fd != null' \
	--argjson pid "$memfd"
says 'which' '.exec.fd == $fd and (.exec.filename // "") == ""
	and (.process.exe | contains("memfd:in memory"))' \
	--argjson fd "$memfd_fd"
started "$title" 'a title of its own'
says 'is not what it was started with' \
	'.exec.args[1:] == ["title", "changed", "room", "room", "room"]'

started "$password" 'a password'
says 'is not told, what is none is' '.exec.args[3:]
		== ["--password=<redacted:password>", "PWD=/root"]
	and .exec.args_redacted == 1'
started "$url" 'a password in a URL'
says 'is not told, its user is' '.exec.args[3]
		== "https://joe:<redacted:url>@example.org/path"
	and .exec.args_redacted == 1'
started "$mysql" 'a password of mysql'
says 'is not told, its user is' '.exec.args[3:]
		== ["-uroot", "-p<redacted:password>"]
	and .exec.args_redacted == 1'
started "$token" 'a token in two arguments'
says 'is not told' '.exec.args[3] == "--token"
	and (.exec.args[4] | startswith("<redacted:"))'
death "$token" 'the death of who has a token'
exited 137
says 'does not tell it' '(.process.args[4] | startswith("<redacted:"))
	and .process.args_redacted == 1'
check_flush
for secret in $secrets; do
	check_sh "$secret is nowhere" test "$(grep -c "$secret" "$out")" -eq 0
done

watch_start exitwatch --all --no-redact
starts "$die" exit 0 --password=hunter2
password=$pid
starts "$tmp/mysql" exit 137 -ps3cr3tword
mysql=$pid
wait_deaths "$password" "$mysql"
watch_stop
started "$password" 'without redaction'
says 'a password is told' '.exec.args[3] == "--password=hunter2"
	and (.exec.args_redacted // 0) == 0'
death "$mysql" 'without redaction'
says 'a death tells it too' '.process.args[3] == "-ps3cr3tword"'
check_flush

watch_start exitwatch --all --no-args
starts "$die" exit 0 --password=hunter2
password=$pid
wait_deaths "$password"
watch_stop
started "$password" 'without arguments'
says 'none are told' '(.exec | has("args") | not)
	and (.process | has("args") | not)'
finish
