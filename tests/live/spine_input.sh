#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_oom.sh
# vm: host (an emulated guest takes many minutes for it)
# What users and scripts get wrong: each time one line on stderr that names the
# subject, the right exit status, no crash. Also for a build with sanitizers.
. "$(dirname "$0")/lib_oom.sh"

oomwatch=$build/oomwatch
kwhy=$build/kwhy
[ -x "$triggers/oom" ] || triggers=$(cd build/triggers && pwd)
# Seconds that a refusal may take.
second=1
[ -z "${KWHY_GUEST:-}" ] || second=20
: >"$tmp/all.err"

# try SECONDS COMMAND...: sets $rc, leaves $tmp/stdout and $tmp/stderr.
try() {
	try_seconds=$1
	shift
	rc=0
	timeout "$try_seconds" "$@" >"$tmp/stdout" 2>"$tmp/stderr" </dev/null ||
		rc=$?
	cat "$tmp/stderr" >>"$tmp/all.err"
}

# complaint RC SUBJECT: what is wrong with how $tmp/stderr and $rc are, or nothing.
complaint() {
	[ "$rc" -eq "$1" ] || echo "exit status $rc instead of $1"
	[ "$(wc -l <"$tmp/stderr")" -eq 1 ] ||
		echo "$(wc -l <"$tmp/stderr") lines on stderr instead of 1"
	grep -qF -e "$2" "$tmp/stderr" || echo "does not say $2"
	[ "$(tr -cd '\001-\011\013-\037\177' <"$tmp/stderr" | wc -c)" -eq 0 ] ||
		echo 'control bytes on stderr'
}

# judge TEXT RC SUBJECT: after try.
judge() {
	complaint "$2" "$3" >"$tmp/wrong"
	if [ ! -s "$tmp/wrong" ]; then
		ok "$1"
		return
	fi
	head -n 3 "$tmp/stderr" >>"$tmp/wrong"
	not_ok "$1" <"$tmp/wrong"
}

# refused RC SUBJECT COMMAND...: one line with 'SUBJECT' in quotes.
refused() {
	refused_rc=$1
	refused_subject=$2
	shift 2
	try 30 "$@"
	refused_words=$(printf '%s ' "$@" | sed "s|$build/||g; s|$tmp|TMP|g" | cut -c 1-90)
	judge "$refused_words: $refused_rc, names '$refused_subject'" \
		"$refused_rc" "'$refused_subject'"
}

# usage_error SUBJECT OPTION...: of oomwatch.
usage_error() {
	usage_subject=$1
	shift
	refused 2 "$usage_subject" "$oomwatch" "$@"
}

# armed FILE: there is a start line, or the tool has ended.
armed() {
	is_dead "$tool_pid" || grep -q '"kind":"start"' "$1" 2>/dev/null
}

# tool STDOUT [OPTION...]: in the background, waited for.
tool() {
	tool_out=$1
	shift
	"$oomwatch" -j "$@" >"$tool_out" 2>"$tmp/tool.err" &
	tool_pid=$!
	note_pid "$tool_pid"
	wait_until "$patience" armed "${tool_armed:-$tool_out}" || true
}

# send SIGNAL PID: to a process that we started and that has not ended: the pid
# of one that has may be somebody else's by now.
send() {
	! grep -qxF "$2 $(start_ticks "$2")" "$tmp/pids" ||
		kill "-$1" "$2" 2>/dev/null || true
}

# ended TEXT RC SECONDS: the tool ends by itself, in silence.
ended() {
	await_exit "$tool_pid" "$3"
	cat "$tmp/tool.err" >>"$tmp/all.err"
	check_sh "$1: exit status $2" test "$status" -eq "$2"
	check_sh "$1: nothing on stderr" test ! -s "$tmp/tool.err"
}

# whole TEXT FILE: a stream from start to stop.
whole() {
	check_sh "$1: start and stop" \
		jq -es '.[0].kind == "start" and .[-1].kind == "stop"
			and (map(select(.kind == "stop")) | length == 1)
			and [.[].seq] == [range(1; length + 1)]' "$2"
}

options() {
	usage_error --nonsense --nonsense
	usage_error -Z -Z
	usage_error --everything --everything
	usage_error --json --json=1
	for number in 0 x -1 1x '' 0x10 99999999999999999999999; do
		usage_error "$number" -n "$number"
	done
	usage_error 0 -p 0
	usage_error self --pid self
	for seconds in -1 1e999 0 nan inf 1h '' 1e10 0x1; do
		usage_error "$seconds" -d "$seconds"
	done
	usage_error -n -n
	usage_error --count --count
	usage_error --btf --btf
	usage_error -w -j -w
	usage_error '' -w ''
	usage_error extra extra
	usage_error extra -n 1 -- extra
	usage_error xml -o xml
	usage_error a/b --cgroup a/b
	usage_error garbage --hook garbage
	usage_error nosuch=tracepoint --hook nosuch=tracepoint
	for ring in 5 2 3 0 x 2097152; do
		usage_error "$ring" --ring "$ring"
	done
	usage_error "\\x1b[31m" --output "$(printf '\033[31m')"
}

kwhy_words() {
	refused 2 no_such_kind "$kwhy" watch no_such_kind
	refused 2 nonsense "$kwhy" nonsense
	refused 2 --nonsense "$kwhy" --nonsense
	refused 2 --nonsense "$kwhy" doctor --nonsense
	refused 2 extra "$kwhy" doctor extra
	refused 2 oom_kill=nonsense "$kwhy" doctor --hook oom_kill=nonsense
	refused 2 --nonsense "$kwhy" explain --nonsense
	try 30 "$kwhy"
	check_sh 'kwhy alone: usage on stderr, exit status 2' \
		test "$rc $(grep -c '^Usage' "$tmp/stderr")" = '2 1'
}

# --hook needs a look at the kernel.
hooks() {
	usage_error oom_kill=nonsense --hook oom_kill=nonsense
	usage_error oom_kill= --hook oom_kill=
}

btf_files() {
	printf 'garbage' >"$tmp/garbage"
	head -c 100000 /dev/urandom >"$tmp/random"
	: >"$tmp/empty"
	mkdir "$tmp/directory"
	mkfifo "$tmp/fifo"
	for file in garbage random empty directory fifo missing; do
		refused 1 "$tmp/$file" "$oomwatch" -d 0.1 --btf "$tmp/$file"
	done
	refused 1 /dev/zero "$oomwatch" -d 0.1 --btf /dev/zero
	refused 1 /dev/null "$oomwatch" -d 0.1 --btf /dev/null
	if [ -e /sys/kernel/btf/vmlinux ]; then
		for bytes in 10 24 100000 1000000; do
			head -c "$bytes" /sys/kernel/btf/vmlinux >"$tmp/cut"
			refused 1 "$tmp/cut" "$oomwatch" -d 0.1 --btf "$tmp/cut"
		done
	fi
	printf 'secret' >"$tmp/unreadable"
	chmod 0 "$tmp/unreadable"
	if "$triggers/refuse" capability dac_override,dac_read_search true; then
		refused 1 "$tmp/unreadable" \
			"$triggers/refuse" capability dac_override,dac_read_search \
			"$oomwatch" -d 0.1 --btf "$tmp/unreadable"
	fi
	doctor_btf
}

# The doctor says it on stdout.
doctor_btf() {
	for file in garbage empty directory missing cut; do
		try 30 "$kwhy" doctor --btf "$tmp/$file"
		check_sh "kwhy doctor --btf $file: unavailable, 77, says btf" \
			test "$rc $(grep -c '^  NO *btf' "$tmp/stdout")" = '77 1'
	done
}

write_files() {
	: >"$tmp/target"
	ln -s "$tmp/target" "$tmp/symlink"
	ln -s "$tmp/nowhere" "$tmp/dangling"
	: >"$tmp/hardlink"
	ln "$tmp/hardlink" "$tmp/hardlink2"
	: >"$tmp/others"
	chown 65534 "$tmp/others"
	for file in symlink dangling fifo directory hardlink others \
		missing/file garbage/file; do
		refused 1 "$tmp/$file" "$oomwatch" -d 0.1 -w "$tmp/$file"
	done
	for file in /dev/null /dev/full /; do
		refused 1 "$file" "$oomwatch" -d 0.1 -w "$file"
	done
	check_sh 'nothing was written through them' \
		test ! -s "$tmp/target" -a ! -s "$tmp/hardlink" -a ! -s "$tmp/others" \
		-a ! -e "$tmp/nowhere"
	try 30 "$oomwatch" -q -d 0.1 -w "$tmp/new"
	check_sh '-w: a new file is 0600' \
		test "$(stat -c %a "$tmp/new")" = 600
}

# closed FD COMMAND...
closed() {
	closed_fd=$1
	shift
	try 30 sh -c "exec \"\$@\" $closed_fd" sh "$@"
}

streams() {
	closed '>&-' "$oomwatch" -d 0.1
	judge 'stdout closed: 1, says stdout' 1 stdout
	closed '>&-' "$oomwatch" -d 0.1 -w "$tmp/closed.ndjson"
	judge 'stdout closed with -w: 1, says stdout' 1 stdout
	closed '>/dev/full' "$oomwatch" -j -d 0.1
	judge 'stdout on a full device: 1, says so' 1 'No space left'
	closed '<&-' "$oomwatch" -j -d 0.1
	check_sh 'stdin closed: exit status 0' test "$rc" -eq 0
	whole 'stdin closed' "$tmp/stdout"
	closed '2>&-' "$oomwatch" -j -d 0.1 -w "$tmp/noerr.ndjson"
	check_sh 'stderr closed: exit status 0' test "$rc" -eq 0
	whole 'stderr closed' "$tmp/noerr.ndjson"
	closed '<&- >&- 2>&-' "$oomwatch" -j -d 0.1
	check_sh 'all closed: exit status 1' test "$rc" -eq 1
	stderr_closed
}

# Its number must not become the file's.
stderr_closed() {
	tool_armed=$tmp/err2.ndjson
	(exec 2>&- && exec "$oomwatch" -j -w "$tmp/err2.ndjson" >"$tmp/err2.out") &
	tool_pid=$!
	note_pid "$tool_pid"
	wait_until "$patience" armed "$tool_armed" || true
	tool_armed=
	mv "$tmp/err2.ndjson" "$tmp/err2.old"
	mkdir "$tmp/err2.ndjson"
	send HUP "$tool_pid"
	sleep 1
	send TERM "$tool_pid"
	await_exit "$tool_pid" "$patience"
	check_sh 'stderr closed: complaints do not land in the file' \
		jq -es 'length > 0' "$tmp/err2.old"
	check_sh 'stderr closed: complaints do not land in stdout' \
		jq -es 'length > 0' "$tmp/err2.out"
}

# a file descriptor limit: $1
few_fds() {
	try 30 sh -c 'ulimit -n "$0" && exec "$@"' "$1" "$oomwatch" -j -d 0.1
	[ "$rc" -ne 0 ] || return 0
	complaint "$rc" 'Too many open files' >"$tmp/wrong"
	case $rc in
	1 | 77) ;;
	*) echo "exit status $rc" >>"$tmp/wrong" ;;
	esac
	[ -s "$tmp/wrong" ] || return 0
	echo "ulimit -n $1:"
	cat "$tmp/wrong" "$tmp/stderr"
	return 1
}

every_limit() {
	for limit in $(seq 4 48); do
		few_fds "$limit" || return 1
	done
}

fd_limits() {
	check_sh 'ulimit -n 8: one line that says it' few_fds 8
	judge 'ulimit -n 8: the remedy is ulimit -n' "$rc" 'ulimit -n'
	if [ -n "${KWHY_GUEST:-}" ]; then
		skip 'ulimit -n 4 to 48' 'minutes in an emulated guest'
		return
	fi
	check_sh 'ulimit -n 4 to 48: works, or one line that says it' every_limit
	try 30 sh -c 'ulimit -n 35 && exec "$@"' sh "$oomwatch" -j -d 0.1
	enough=$(sed -n 's/.*(\([0-9]*\) is enough).*/\1/p' "$tmp/stderr")
	[ -n "$enough" ] || return 0
	try 30 sh -c 'ulimit -n "$0" && exec "$@"' "$enough" "$oomwatch" -j -d 0.1
	check_sh "ulimit -n $enough is enough, as it says" test "$rc" -eq 0
}

pipes() {
	mkfifo "$tmp/busy" "$tmp/idle"
	cgroup_new busy $((8 * MIB))
	head -n 1 "$tmp/busy" >"$tmp/first" &
	head_pid=$!
	tool_armed=$tmp/first
	tool "$tmp/busy" --cgroup "$memory_base"
	cgroup_run busy "$triggers/oom" burst 1 0 24
	await_exit "$pid" 60
	ended 'a pipe closed while busy' 0 $((second * 3))
	await_exit "$head_pid" 5
	tool_armed=
	idle_pipe
}

idle_pipe() {
	cat "$tmp/idle" >"$tmp/idle.out" &
	reader=$!
	note_pid "$reader"
	tool_armed=$tmp/idle.out
	tool "$tmp/idle"
	tool_armed=
	sleep 1
	send KILL "$reader"
	read -r from _ </proc/uptime
	while is_alive "$tool_pid"; do
		read -r to _ </proc/uptime
		[ "${to%.*}" -le $((${from%.*} + 10 * second)) ] || break
		sleep 0.05
	done
	read -r to _ </proc/uptime
	check_sh "a pipe closed while idle: ends within $second s" \
		awk -v from="$from" -v to="$to" -v second="$second" \
		'BEGIN { exit to - from > second }'
	ended 'a pipe closed while idle' 0 5
}

signals() {
	for name in TERM INT; do
		tool "$tmp/$name.ndjson"
		send "$name" "$tool_pid"
		ended "SIG$name" 0 "$patience"
		whole "SIG$name" "$tmp/$name.ndjson"
	done
	tool "$tmp/twice.ndjson"
	send STOP "$tool_pid"
	send TERM "$tool_pid"
	send INT "$tool_pid"
	send CONT "$tool_pid"
	send TERM "$tool_pid"
	ended 'three signals to stop' 0 "$patience"
	whole 'three signals to stop' "$tmp/twice.ndjson"
}

# reopened FILE: the new file is there and the old one is let go.
reopened() {
	[ -e "$1" ] || return 1
	for fd in "/proc/$tool_pid/fd"/*; do
		[ "$(readlink "$fd")" != "$1.1" ] || return 1
	done
}

hangup() {
	tool "$tmp/hup.out" -w "$tmp/hup"
	mv "$tmp/hup" "$tmp/hup.1"
	send HUP "$tool_pid"
	check_sh 'SIGHUP: opens the file again' \
		wait_until "$patience" reopened "$tmp/hup"
	send TERM "$tool_pid"
	ended 'SIGHUP' 0 "$patience"
	check_sh 'SIGHUP: the old file has the start, the new one the stop' \
		test "$(jq -rs 'map(.kind) | join(",")' "$tmp/hup.1") $(
			jq -rs 'map(.kind) | join(",")' "$tmp/hup")" = 'start stop'
	whole 'SIGHUP: stdout' "$tmp/hup.out"
	check_sh 'SIGHUP: the new file is 0600' \
		test "$(stat -c %a "$tmp/hup")" = 600
	hangup_refused
}

hangup_refused() {
	tool "$tmp/trap.out" -w "$tmp/trap"
	mv "$tmp/trap" "$tmp/trap.1"
	ln -s "$tmp/target" "$tmp/trap"
	send HUP "$tool_pid"
	check_sh 'SIGHUP on a symbolic link: says so' \
		wait_until "$patience" grep -q "'$tmp/trap'" "$tmp/tool.err"
	send TERM "$tool_pid"
	await_exit "$tool_pid" "$patience"
	whole 'SIGHUP on a symbolic link: the old file' "$tmp/trap.1"
	check_sh 'SIGHUP on a symbolic link: one line on stderr' \
		test "$(wc -l <"$tmp/tool.err")" -eq 1
	check_sh 'SIGHUP on a symbolic link: nothing went through it' \
		test ! -s "$tmp/target"
}

torn_file() {
	printf '{"kind":"oom_' >"$tmp/torn"
	try 30 "$oomwatch" -q -d 0.1 -w "$tmp/torn"
	check_sh '-w on a torn file: the new lines are whole' \
		test "$(jq -R 'fromjson? | .kind' "$tmp/torn" | wc -l)" -eq 2
}

# explained TEXT RC FILE...: at most 11 lines on stderr.
explained() {
	explained_text=$1
	explained_rc=$2
	shift 2
	try 30 "$kwhy" explain -j "$@"
	check_sh "explain, $explained_text: exit status $explained_rc" \
		test "$rc" -eq "$explained_rc"
	check_sh "explain, $explained_text: at most 11 lines on stderr" \
		test "$(wc -l <"$tmp/stderr")" -le 11
}

recordings() {
	head -c 300 "$tmp/TERM.ndjson" >"$tmp/cut.ndjson"
	refused 1 "$tmp/cut.ndjson" "$kwhy" explain "$tmp/cut.ndjson"
	refused 1 "$tmp/garbage" "$kwhy" explain "$tmp/garbage"
	refused 1 "$tmp/missing" "$kwhy" explain "$tmp/missing"
	refused 1 "$tmp/directory" "$kwhy" explain "$tmp/directory"
	explained 'an empty file' 0 "$tmp/empty"
	check_sh 'explain, an empty file: says nothing' \
		test ! -s "$tmp/stdout" -a ! -s "$tmp/stderr"
	explained 'random bytes' 1 "$tmp/random"
	head -c 300000 /dev/zero >"$tmp/zeros"
	explained 'zeros' 1 "$tmp/zeros"
	head -c 300000 /dev/zero | tr '\0' '[' >"$tmp/nested"
	echo >>"$tmp/nested"
	explained 'deep nesting' 1 "$tmp/nested"
	hostile_lines >"$tmp/hostile"
	explained 'hostile lines' 1 "$tmp/hostile"
	for format in card line; do
		try 30 "$kwhy" explain -o "$format" "$tmp/hostile"
		check_sh "explain, hostile lines as $format: exit status 1" \
			test "$rc" -eq 1
	done
	explained 'a good file after a missing one' 1 \
		"$tmp/missing" "$tmp/TERM.ndjson"
	check_sh 'explain, a good file after a missing one: is read' \
		cmp "$tmp/stdout" "$tmp/TERM.ndjson"
	closed '>/dev/full' "$kwhy" explain -j "$tmp/TERM.ndjson"
	judge 'explain, a full device: 1, says stdout' 1 stdout
	closed '>&-' "$kwhy" explain -j "$tmp/TERM.ndjson"
	judge 'explain, stdout closed: 1, says stdout' 1 stdout
}

# Lines that parse as JSON and are no recording, or not quite.
hostile_lines() {
	head='"kind":"oom_kill","time":"2026-11-21T10:42:17.305112233Z"'
	much=9223372036854775807
	printf '%s\n' '[]' '{}' 'null' '"x"' '1e999' '{"kind":1}' '{"kind":"oom_kill"}' \
		'{"kind":"oom_kill","kind":"oom_kill"}' \
		'{"kind":"oom_kill","time":"yesterday","oom_kill":{}}' \
		"{$head,\"oom_kill\":[]}" "{$head,\"oom_kill\":{}}"
	# Types, signs and sizes that no field has; numbers that overflow sums.
	cat <<-END
		{$head,"oom_kill":{"scope":"memcg","limits":[1,null,{}],"victim_anon_bytes":-1,"history":{}}}
		{$head,"process":{"pid":99999999999999999999},"oom_kill":{}}
		{$head,"process":{"pid":-5,"comm":"\\u0000\\ud800"},"oom_kill":{}}
		{$head,"process":7,"cgroup":"x","seq":"x","truncated":{},"oom_kill":{"scope":"memcg"}}
		{$head,"oom_kill":{"limits":[{"path":"/a","usage_bytes":0,"max_bytes":0,"binding":true}]}}
		{$head,"oom_kill":{"history":[{"boot_ns":0,"usage_bytes":0},{"boot_ns":0,"usage_bytes":$much}]}}
		{$head,"oom_kill":{"history":[{"boot_ns":$much,"usage_bytes":0},{"boot_ns":0}],"history_ns":$much}}
		{$head,"oom_kill":{"scope":"global","growth_bytes_per_s":-9223372036854775808,"victim_anon_bytes":$much}}
		{$head,"oom_kill":{"scope":"global","domain_file_bytes":$much,"domain_shmem_bytes":$much}}
		{$head,"oom_kill":{"victim_anon_bytes":$much,"victim_swap_bytes":$much,"freed_bytes":$much}}
	END
}

nobody() {
	if ! "$triggers/refuse" root true; then
		skip 'as nobody' 'cannot become nobody here'
		return
	fi
	cp "$oomwatch" "$kwhy" "$triggers/refuse" "$tmp"
	chmod 0711 "$tmp"
	chmod 0755 "$tmp/oomwatch" "$tmp/kwhy"
	read -r from _ </proc/uptime
	try 30 "$tmp/refuse" root "$tmp/oomwatch" -d 5
	judge 'oomwatch as nobody: 77, one line' 77 'not root'
	read -r to _ </proc/uptime
	check_sh "oomwatch as nobody: within $second s" \
		awk -v from="$from" -v to="$to" -v second="$second" \
		'BEGIN { exit to - from > second }'
	cp "$tmp/TERM.ndjson" "$tmp/public.ndjson"
	chmod 0644 "$tmp/public.ndjson"
	try 30 "$tmp/refuse" root "$tmp/kwhy" explain -j "$tmp/public.ndjson"
	check_sh 'explain as nobody: works' test "$rc" -eq 0
}

options
kwhy_words
memory_controller
hooks
btf_files
write_files
streams
fd_limits
pipes
signals
hangup
torn_file
recordings
nobody
check_sh 'no sanitizer has anything to say' \
	sh -c '! grep -aE "ERROR: (Address|Leak)Sanitizer|runtime error" "$0"' \
	"$tmp/all.err"
finish
