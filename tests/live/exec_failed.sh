#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# Programs that could not be started: errno, reason and what is at fault.
. "$(dirname "$0")/lib_exit.sh"

# fails NAME HOW ARGS...: by the trigger start; the line is checked as NAME's.
fails() {
	fails_name=$1
	shift
	run "$triggers/start" "$@"
	ends "$pid"
	# shellcheck disable=SC2046 # words
	set -- $(sed -n 's/^child //p' "$run_out")
	printf '%s %s %s\n' "$fails_name" "$1" "$3" >>"$tmp/fails"
	attempts="$attempts $1"
}

# script NAME FIRST-LINE MODE
script() {
	printf '%b\n' "$2" >"$tmp/$1"
	chmod "$3" "$tmp/$1"
}

# elf NAME OFFSET BYTES: the trigger with other bytes there.
elf() {
	cp "$die" "$tmp/$1"
	printf '%b' "$3" | dd of="$tmp/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

chmod 755 "$tmp"
attempts=
script missing '#!/nonexistent/shell' 755
script dos '#!/bin/sh\r' 755
script plain 'echo hi' 755
script denied '#!/bin/sh' 644
: >"$tmp/empty"
chmod 755 "$tmp/empty"
printf '\001\002\003\004garbage' >"$tmp/garbage"
chmod 755 "$tmp/garbage"
elf machine 18 '\0363\0000'
ln -s loop "$tmp/loop"
mkdir "$tmp/closed" "$tmp/directory"
cp "$die" "$tmp/closed/program"
chmod 700 "$tmp/closed"
cp "$die" "$tmp/private"
chmod 700 "$tmp/private"
script private_shell "#!$tmp/private" 755
script chain0 '#!/bin/true' 755
for n in 1 2 3 4 5 6 7; do
	script "chain$n" "#!$tmp/chain$((n - 1))" 755
done
# Another loader than the system has; as long, for it is in the middle.
loader=
if strings -t d "$die" >"$tmp/strings" 2>/dev/null; then
	loader=$(sed -n 's/^ *[0-9]* \(\/lib.*ld-.*\)/\1/p' "$tmp/strings" | head -n 1)
fi
if [ -n "$loader" ]; then
	offset=$(awk -v path="$loader" '$2 == path { print $1; exit }' "$tmp/strings")
	elf loader $((offset + 1)) 'xyz'
fi
noexec=
if mount_new "$tmp/noexec" -t tmpfs -o noexec,mode=755 none 2>/dev/null; then
	noexec=1
	cp "$die" "$tmp/noexec/program"
fi

watch_start exitwatch
: >"$tmp/fails"
fails missing fail "$tmp/nothing/here"
fails interpreter fail "$tmp/missing"
fails dos fail "$tmp/dos"
fails plain fail "$tmp/plain"
fails denied fail "$tmp/denied"
fails empty fail "$tmp/empty"
fails garbage fail "$tmp/garbage"
fails machine fail "$tmp/machine"
fails loop fail "$tmp/loop"
fails directory fail "$tmp/directory"
fails through fail "$tmp/plain/program"
fails closed nobody "$tmp/closed/program"
fails private nobody "$tmp/private_shell"
fails chain fail "$tmp/chain7"
fails one big one "$die"
fails total big total "$die"
fails crowded crowded "$die"
[ -z "$loader" ] || fails loader fail "$tmp/loader"
[ -z "$noexec" ] || fails noexec fail "$tmp/noexec/program"
cp "$die" "$tmp/busy"
exec 9>>"$tmp/busy"
fails busy fail "$tmp/busy"
exec 9>&-
run "$triggers/start" search "/nonexistent/1:/nonexistent/2:$tmp" nothing-here
ends "$pid"
wait_word child 5
searched=${words#child }
run "$triggers/start" search "/nonexistent/1:/nonexistent/2:$triggers" die exit 0
ends "$pid"
wait_word child 5
found=${words#child }
# shellcheck disable=SC2086 # words
wait_execs $attempts $searched
watch_stop

# failed NAME ERRNO REASON FILE [CULPRIT]
failed() {
	failed_pid=$(sed -n "s/^$1 \([0-9]*\) .*/\1/p" "$tmp/fails")
	failed_errno=$(sed -n "s/^$1 [0-9]* //p" "$tmp/fails")
	death_text=$1
	select_line exec '.process.pid == $pid' --argjson pid "$failed_pid"
	check_sh "$1: the kernel said $2" test "$failed_errno" = "$2"
	says "$3" '.exec.ret == -$errno and .exec.reason == $reason
		and .exec.filename == $file and .process.comm == "start"' \
		--argjson errno "$failed_errno" --arg reason "$3" --arg file "$4"
}

# at_fault PATH
at_fault() {
	says 'what is at fault' '.exec.culprit == $path' --arg path "$1"
}

failed missing 2 no_such_file "$tmp/nothing/here"
at_fault "$tmp/nothing"
failed interpreter 2 interpreter_missing "$tmp/missing"
says 'the interpreter it asks for' '.exec.interpreter == "/nonexistent/shell"'
failed dos 2 carriage_return "$tmp/dos"
failed plain 8 no_shebang "$tmp/plain"
failed denied 13 not_executable "$tmp/denied"
failed empty 8 empty_file "$tmp/empty"
failed garbage 8 wrong_format "$tmp/garbage"
failed machine 8 other_machine "$tmp/machine"
failed loop 40 symlink_loop "$tmp/loop"
failed directory 13 not_a_regular_file "$tmp/directory"
failed closed 13 search_denied "$tmp/closed/program"
at_fault "$tmp/closed"
failed private 13 interpreter_denied "$tmp/private_shell"
says 'the interpreter it asks for' '.exec.interpreter == $path' \
	--arg path "$tmp/private"
failed chain 40 interpreter_loop "$tmp/chain7"
failed one 7 one_arg_too_long "$die"
says 'how long' '.exec.longest_arg_bytes >= 204800
	and .exec.longest_arg_bytes <= 204801'
failed total 7 args_too_long "$die"
says 'how much, and how much may be' '.exec.limit_bytes == 262144
	and .exec.args_bytes == $bytes and .exec.env_bytes > 0' \
	--argjson bytes $((5 * (102400 + 1) + ${#die} + 1))
failed crowded 11 process_limit "$die"
failed busy 26 text_busy "$tmp/busy"
if [ -n "$loader" ]; then
	failed loader 2 loader_missing "$tmp/loader"
	says 'the loader it asks for' '.exec.interpreter == $path' \
		--arg path "/xyz${loader#????}"
fi
if [ -n "$noexec" ]; then
	failed noexec 13 noexec_mount "$tmp/noexec/program"
else
	skip 'noexec_mount' 'no mount'
fi
# A part of the path is a file.
failed_errno=$(sed -n 's/^through [0-9]* //p' "$tmp/fails")
select_line exec '.process.pid == $pid' \
	--argjson pid "$(sed -n 's/^through \([0-9]*\) .*/\1/p' "$tmp/fails")"
check 'a file where a directory must be: ENOTDIR' '.exec.ret == -20'
check 'which' '.exec.culprit == $path' --arg path "$tmp/plain"
select_line exec '.process.pid == $pid' --argjson pid "$searched"
check 'a search along PATH is one line' '.exec.ret == -2
	and .exec.attempts == 3 and (.exec.filename | endswith("/nothing-here"))'
untold "$found" 'a search that finds it is no failure'
# Who gives up says so.
death "$(sed -n 's/^missing \([0-9]*\) .*/\1/p' "$tmp/fails")" 'no file'
exited 127
says 'why' '.exit.failed_exec | .filename == $file and .ret == -2
	and .reason == "no_such_file"' --arg file "$tmp/nothing/here"
death "$(sed -n 's/^plain \([0-9]*\) .*/\1/p' "$tmp/fails")" 'no interpreter'
exited 126
says 'why' '.exit.failed_exec | .filename == $file and .ret == -8
	and .reason == "no_shebang"' --arg file "$tmp/plain"
finish
