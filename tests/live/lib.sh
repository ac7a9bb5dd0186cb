# SPDX-License-Identifier: BSD-2-Clause
# Sourced by the live tests: cgroups, a watched tool, checks on its lines.
#
#   . "$(dirname "$0")/lib.sh"
#   memory_controller
#   cgroup_new leak $((64 * MIB))
#   watch_start oomwatch
#   cgroup_run leak "$triggers/oom" leak 10 6      # sets $pid and $run_out
#   wait_line oom_kill 1 30
#   watch_stop
#   select_line oom_kill
#   check 'it is a cgroup kill' '.oom_kill.scope == "memcg"'
#   finish
#
# Prints "ok - TEXT", "not ok - TEXT" and "skip - TEXT (REASON)", what was wrong
# on "# " lines below. Exit: 0, 1 when a check failed, 77 when all was skipped.
# KWHY_BUILD is where the executables are, KWHY_WAIT (30) how many seconds the
# tool may take to start and stop: a guest without KVM is 30 times slower.
# KWHY_KEEP: a directory where the tool's NDJSON is kept.
# Runs under dash and busybox sh, with jq.
# shellcheck disable=SC2016,SC2034 # the dollars are jq's, the names the tests'
set -eu
LC_ALL=C
export LC_ALL

MIB=1048576
build=$(cd "${KWHY_BUILD:-build}" && pwd)
triggers=$build/triggers
patience=${KWHY_WAIT:-30}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kwhy.XXXXXX")
out=$tmp/out.ndjson
card=$tmp/card
run_count=0
watch_pid=
# A function that the test names, run first when the test ends.
cleanup_extra=
touch "$tmp/pids" "$tmp/cgroups" "$tmp/mounts"

. "$(dirname "$0")/lib_check.sh"

# --- processes ---

# Clock ticks from boot to the start of a process: with the pid its identity.
start_ticks() {
	stat_fields "$1" | cut -d ' ' -f 20
}

# /proc/PID/stat after the name, which may hold anything.
stat_fields() {
	{ tr '\n' ' ' <"/proc/$1/stat" | sed 's/.*) //'; } 2>/dev/null
}

# Sets $state to its letter, empty when there is no such process. No fork: this
# is polled.
process_state() {
	state=
	while read -r state_key state_value state_rest; do
		[ "$state_key" != State: ] || state=$state_value
	done <"/proc/$1/status" || true
} 2>/dev/null

is_alive() {
	process_state "$1"
	case $state in
	'' | Z | X) return 1 ;;
	esac
}

uptime_seconds() {
	read -r uptime uptime_rest </proc/uptime
	uptime=${uptime%.*}
}

# wait_until SECONDS COMMAND...
wait_until() {
	uptime_seconds
	wait_end=$((uptime + $1))
	shift
	until "$@"; do
		uptime_seconds
		[ "$uptime" -lt "$wait_end" ] || return 1
		sleep 0.2
	done
}

is_dead() {
	! is_alive "$1"
}

# await_exit PID SECONDS: sets $status, 124 when it did not end.
await_exit() {
	status=0
	if wait_until "$2" is_dead "$1"; then
		wait "$1" 2>/dev/null || status=$?
	else
		status=124
	fi
}

# kill_wait PID: a child of ours that may be gone already.
kill_wait() {
	kill -9 "$1" 2>/dev/null || true
	await_exit "$1" "$patience"
}

note_pid() {
	printf '%s %s\n' "$1" "$(start_ticks "$1")" >>"$tmp/pids"
}

# Kills what this test started, and nothing that got its pid later.
kill_started() {
	while read -r kill_pid kill_ticks; do
		if [ "$(start_ticks "$kill_pid")" = "$kill_ticks" ]; then
			kill -9 "$kill_pid" 2>/dev/null
		fi
	done <"$tmp/pids"
}

# run COMMAND...: in the background; sets $pid and $run_out.
run() {
	run_count=$((run_count + 1))
	run_out=$tmp/run.$run_count
	: >"$run_out"
	"$@" >"$run_out" 2>&1 &
	pid=$!
	note_pid "$pid"
}

# wait_word WORD SECONDS: a line of $run_out starts with it; sets $words to it.
wait_word() {
	if ! wait_until "$2" grep -q "^$1" "$run_out"; then
		cut -c 1-400 "$run_out" >"$tmp/details"
		not_ok "the trigger says '$1'" <"$tmp/details"
	fi
	words=$(grep "^$1" "$run_out" | head -n 1)
}

wait_ready() {
	wait_word ready "$patience"
}

# --- cgroups ---

# Sets $version and $memory_root, or skips the test.
memory_controller() {
	if [ -e /sys/fs/cgroup/memory/cgroup.procs ]; then
		version=1
		memory_root=/sys/fs/cgroup/memory
	elif grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
		version=2
		memory_root=/sys/fs/cgroup
		echo +memory >"$memory_root/cgroup.subtree_control" || true
	else
		skip_test 'no cgroup memory controller is mounted'
	fi
	memory_base=/kwhy-test-$$
	own_cgroup=$memory_base
	cgroup_make "$memory_root$memory_base"
	if [ "$version" = 1 ]; then
		# 5.10: limits of a parent count only with this.
		echo 1 >"$memory_root$memory_base/memory.use_hierarchy" \
			2>/dev/null || true
	fi
}

# Makes a cgroup directory that goes away at the end.
cgroup_make() {
	mkdir "$1"
	printf '%s\n' "$1" >>"$tmp/cgroups"
}

# cgroup_file NAME V1-FILE V2-FILE: the path of that file.
cgroup_file() {
	if [ "$version" = 1 ]; then
		printf '%s' "$memory_root$memory_base/$1/$2"
	else
		printf '%s' "$memory_root$memory_base/$1/$3"
	fi
}

# cgroup_path NAME: as /proc/PID/cgroup says it.
cgroup_path() {
	printf '%s' "$memory_base/$1"
}

# cgroup_new NAME [LIMIT_BYTES]: NAME may be PARENT/CHILD, parents made before.
cgroup_new() {
	cgroup_dir=$memory_root$memory_base/$1
	if [ "$version" = 2 ]; then
		echo +memory >"${cgroup_dir%/*}/cgroup.subtree_control"
	fi
	cgroup_make "$cgroup_dir"
	[ $# -gt 1 ] || return 0
	if [ "$version" = 1 ]; then
		echo "$2" >"$cgroup_dir/memory.limit_in_bytes"
		cgroup_swap=$cgroup_dir/memory.memsw.limit_in_bytes
		[ ! -e "$cgroup_swap" ] || echo "$2" >"$cgroup_swap"
	else
		echo "$2" >"$cgroup_dir/memory.max"
		cgroup_swap=$cgroup_dir/memory.swap.max
		[ ! -e "$cgroup_swap" ] || echo 0 >"$cgroup_swap"
	fi
}

# cgroup_run NAME COMMAND...: in the background, in the cgroup from the start.
cgroup_run() {
	cgroup_procs=$memory_root$memory_base/$1/cgroup.procs
	shift
	run sh -c 'echo 0 >"$0" && exec "$@"' "$cgroup_procs" "$@"
}

# What is left in our cgroups descends from what we started.
cgroup_remove() {
	cgroup_tries=0
	while [ "$cgroup_tries" -lt 100 ]; do
		while read -r cgroup_pid; do
			kill -9 "$cgroup_pid"
		done <"$1/cgroup.procs"
		rmdir "$1" && return
		cgroup_tries=$((cgroup_tries + 1))
		sleep 0.1
	done 2>/dev/null
	printf '# could not remove %s\n' "$1"
}

# --- mounts ---

# mount_new DIR MOUNT-OPTIONS...: unmounted at the end.
mount_new() {
	mount_dir=$1
	shift
	mkdir "$mount_dir" && mount "$@" "$mount_dir" &&
		printf '%s\n' "$mount_dir" >>"$tmp/mounts"
}

# disk_new DIR MIB: a file system on a loop device. On failure $disk_error.
disk_new() {
	disk_error='no loop file system'
	{ dd if=/dev/zero of="$1.image" bs=1M count=1 seek=$(($2 - 1)) &&
		mke2fs -F "$1.image" &&
		mount_new "$1" -o loop "$1.image"; } >"$tmp/value" 2>&1 && return
	disk_error="$disk_error: $(tail -n 1 "$tmp/value")"
	return 1
}

mount_remove() {
	mount_tries=0
	while [ "$mount_tries" -lt 100 ]; do
		umount "$1" && return
		mount_tries=$((mount_tries + 1))
		sleep 0.1
	done 2>/dev/null
	printf '# could not unmount %s\n' "$1"
}

# --- the tool ---

# watch_start TOOL [ARGS...]: its NDJSON goes to $out; with watch_cards=1 its
# cards to $card and the NDJSON to $out by -w. Ends the test when it fails.
watch_start() {
	watch_tool=$1
	shift
	if [ "${watch_cards:-0}" = 1 ]; then
		"$build/$watch_tool" "$@" -o card -w "$out" >"$card" \
			2>"$tmp/watch.err" &
	else
		"$build/$watch_tool" "$@" -o json >"$out" 2>"$tmp/watch.err" &
	fi
	watch_pid=$!
	note_pid "$watch_pid"
	if wait_until "$patience" watch_armed && is_alive "$watch_pid"; then
		return
	fi
	watch_rc='still running'
	is_alive "$watch_pid" || { watch_rc=0; wait "$watch_pid" || watch_rc=$?; }
	{
		echo "exit status: $watch_rc"
		tail -n 5 "$tmp/watch.err"
	} >"$tmp/details"
	not_ok "$watch_tool starts" <"$tmp/details"
	finish
}

watch_armed() {
	is_dead "$watch_pid" && return
	grep -q '"kind": *"start"' "$out" 2>/dev/null
}

# wait_line KIND COUNT SECONDS
wait_line() {
	if wait_until "$3" has_lines "$1" "$2"; then
		return
	fi
	{
		echo "found: $(lines_of "$1") after $3 s"
		tail -n 3 "$tmp/watch.err"
		cut -c 1-200 "$out" | tail -n 3
	} >"$tmp/details"
	not_ok "$2 line(s) of kind $1" <"$tmp/details"
}

has_lines() {
	[ "$(lines_of "$1")" -ge "$2" ]
}

# Runs of programs that the kernel skipped, as the stream tells.
missed_runs() {
	jq -s '[.[] | select(.kind == "gap" and .gap.cause == "missed") | .gap.count] | add // 0' "$out"
}

# Since 7.1 a program can be preempted, and then runs of it are skipped: in an emulated guest, where it runs for
# milliseconds, so often that the second chance is skipped at times, too. That they are told is what can be asked.
may_miss() {
	case ${KWHY_GUEST:-0}-$(uname -r) in
	0-* | *-5.* | *-6.* | *-7.0*) return 1 ;;
	esac
}

is_whole() {
	jq -c 'select(.kind == "gap") | [.message, .gap.program]' "$out"
	whole_but=none
	! may_miss || whole_but=missed
	jq -es --arg but "$whole_but" '.[0].kind == "start" and .[-1].kind == "stop"
		and ([.[].seq] | . == [range(.[0]; .[0] + length)])
		and all(.[]; .kind != "gap" or .gap.cause == $but)' "$out"
}

# SIGTERM; the stream must be whole and the exit status 0. Leaves $status alone.
watch_stop() {
	watch_before=${status:-}
	kill -TERM "$watch_pid" 2>/dev/null || true
	await_exit "$watch_pid" "$patience"
	watch_rc=$status
	status=$watch_before
	check_sh "$watch_tool ends with 0 on SIGTERM" test "$watch_rc" -eq 0
	check_sh 'the stream is whole: start, seq without a hole, stop, no gap' is_whole
	watch_missed=$(missed_runs)
	[ "$watch_missed" = 0 ] || ! may_miss ||
		skip 'no run was missed' "the kernel skipped $watch_missed, and the stream says so"
	check_sh 'no line is over 8000 bytes' \
		awk 'length($0) > 8000 { exit 1 }' "$out"
}

# remove_lines FILE COMMAND: runs it on each line, the last one first.
remove_lines() {
	sed '1!G;h;$!d' "$1" | while IFS= read -r remove_line; do
		"$2" "$remove_line"
	done
}

cleanup() {
	cleanup_rc=$?
	trap - EXIT INT TERM
	trap '' PIPE
	set +e
	if [ "$finished" -eq 0 ]; then
		printf 'not ok - the test ended early\n# status %s\n' "$cleanup_rc"
		[ "$cleanup_rc" -ne 0 ] || cleanup_rc=1
	fi
	[ -z "$cleanup_extra" ] || "$cleanup_extra"
	kill_started
	remove_lines "$tmp/mounts" mount_remove
	remove_lines "$tmp/cgroups" cgroup_remove
	[ -z "${KWHY_KEEP:-}" ] ||
		cp "$out" "$KWHY_KEEP/$(basename "$0" .sh).ndjson" 2>/dev/null
	rm -rf "$tmp"
	exit "$cleanup_rc"
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 141' PIPE
