#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: ends
# EMFILE has six meanings, ENFILE two and ENOSPC one of many: which limit bound
# is told, and its value.
. "$(dirname "$0")/lib_fd.sh"

fs=/proc/sys/fs
: >"$tmp/limits"

# of PATH: what a limit is now
value_of() {
	cat "$1" 2>/dev/null || echo null
}

# limited ROAD LIMIT ARGS [TEXT]: LIMIT is its value; "4?" when it may be left out.
limited() {
	limited_value=$2
	limited_name=$1${4:-}
	limited_road=$1
	# alive for long enough to be looked at
	# shellcheck disable=SC2086 # words
	run "$exhaust" "$1" 3 --hold 40 -t 200 $3
	await_done
	if grep -q '^done' "$run_out"; then
		printf '%s %s %s %s\n' "$pid" "$limited_value" "$limited_road" "$limited_name" >>"$tmp/limits"
		return
	fi
	await_exit "$pid" 5
	if [ "$status" -eq 77 ]; then
		skip "$limited_name" "$(tail -n 1 "$run_out")"
	else
		not_ok "$limited_name: the trigger" <"$run_out"
	fi
}

# What the triggers lower, in guests only.
host_limits="nr_open file-max pipe-user-pages-hard inotify/max_user_watches"
for limit in $host_limits; do
	value_of "$fs/$limit" >"$tmp/$(basename "$limit")"
done
give_back() {
	[ "$slow" -gt 1 ] || return 0
	for limit in $host_limits; do
		cat "$tmp/$(basename "$limit")" >"$fs/$limit" 2>/dev/null || true
	done
}
cleanup_extra=give_back

watch_start fdleak
limited openat 64 ''
limited openat 64 --hole ' after dup2'
limited scm 64 --hole ' after dup2'
limited inotify_init1 64 --hole ' after dup2'
limited mq_open 64 --hole ' after dup2'
limited dup3 64 ''
limited inotify-instances "$(value_of $fs/inotify/max_user_instances)" '--soft 512 --hard 600'
# The limit of a user namespace, which /proc/sys/fs does not tell.
limited inotify-instances-ns '4?' ''
limited inotify-watches-ns '4?' ''
limited fanotify-groups '128?' '--soft 512 --hard 600'
limited mq-bytes '200000?' ''
limited openat 9000 '--soft 9000 --hard 9000' ', 9000 of them'
limited scm 9000 '--soft 9000 --hard 9000 --hole' ', 9000 of them and after dup2'
limited inotify_init1 9000 '--soft 9000 --hard 9000 --hole' ', 9000 of them and after dup2'
if [ "$slow" -gt 1 ]; then
	for road in nr-open:64 file-max:1 pipe-pages:64 inotify-watches-host:4; do
		limited "${road%:*}" "${road#*:}" '--soft 128 --hard 256'
		# lowered until it was looked at
		wait_until 20 has_refusal "$pid" || true
		give_back
	done
else
	skip 'fs.nr_open, fs.file-max, pipe pages' 'they are lowered in guests only'
fi
while read -r pid value road name; do
	wait_until "$patience" has_refusal "$pid" || true
done <"$tmp/limits"
watch_stop

while read -r pid value road name; do
	refused "$pid" "$name"
	refused_as_said
	says 'its value' '.fd_exhausted.limit | . == $value or ($optional and . == null)' \
		--argjson value "${value%\?}" --argjson optional "$(case $value in *\?) echo true ;; *) echo false ;; esac)"
	case $road in
	inotify-instances*) check_rule inotify-instances ;;
	inotify-watches*) check_rule inotify-watches ;;
	file-max)
		check_rule fd-file-max
		says 'the host is in trouble' '.severity == "critical" and .fd_exhausted.host_open >= 1
			and .fd_exhausted.file_max == 1'
		;;
	nr-open) check_rule fd-nr-open ;;
	dup3) check_rule fd-dup-target ;;
	scm) check_rule fd-scm-rights ;;
	esac
done <"$tmp/limits"
finish
