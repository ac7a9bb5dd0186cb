#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: default
# Every call that can be refused a descriptor, and on which way: it is told
# once, by its name, with the exact number, and what is no limit is not told.
. "$(dirname "$0")/lib_fd.sh"

roads='openat openat2 socket socketpair accept accept4 dup dup3 dupfd dupfd-cloexec dupfd-high pipe2 eventfd2
	epoll_create1 timerfd signalfd4 inotify_init1 memfd pidfd_open pidfd_getfd bpf clone3 scm scm-many scm-last
	io_uring io_uring-async io_uring_setup userfaultfd perf_event fanotify mq_open open_tree fsopen landlock ioctl'
[ "$(uname -m)" != x86_64 ] ||
	roads="$roads open creat pipe dup2 eventfd epoll_create signalfd inotify_init compat"
fine='fine-badfd fine-minus fine-close fine-missing fine-scm fine-watch fine-full'

# Roads that the hooks see in different ways.
telling='openat socketpair accept4 dup3 dupfd pipe2 scm scm-many scm-last io_uring io_uring-async inotify_init1 mq_open
	clone3 pidfd_getfd inotify-watches-ns fine-badfd fine-minus fine-scm fine-full'

# take NAME ROAD...: by a tool with the arguments $hook
take() {
	taken=$1
	shift
	: >"$tmp/roads"
	# shellcheck disable=SC2086 # words
	watch_start fdleak $hook
	for road in "$@"; do
		exhaust "$road" 3
		case $status in
		0) printf '%s %s\n' "$road" "$pid" >>"$tmp/roads" ;;
		77) skip "$taken$road" "$(tail -n 1 "$run_out")" ;;
		*) not_ok "$taken$road: the trigger" <"$run_out" ;;
		esac
	done
	watch_stop
	while read -r road pid; do
		case $road in
		fine-*) untold "$pid" "$taken$road: no limit, nothing told" ;;
		*)
			refused "$pid" "$taken$road"
			refused_as_said
			;;
		esac
	done <"$tmp/roads"
	check_flush
}

hook=
# shellcheck disable=SC2086 # words
take '' $roads $fine
chosen=$(jq -r 'select(.kind == "start").start.hooks[] | select(.kind == "fd_exhausted").name' "$out")
for name in fexit kretprobe tracepoint; do
	hook="--hook fd_exhausted=$name"
	# shellcheck disable=SC2086 # words
	if [ "$name" = "$chosen" ] || ! "$build/fdleak" -j $hook -d 0.1 >"$tmp/value" 2>&1; then
		continue
	fi
	# shellcheck disable=SC2086 # words
	take "by $name, " $telling
done
finish
